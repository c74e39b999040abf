// SPDX-License-Identifier: GPL-2.0-or-later
// A thread's life. Two kinds of references keep its struct: those of others, and its own while it
// lives. Its stack goes as soon as the next thread has left it, before anybody who joins goes on;
// so when a join has returned, the last thread_put gives the rest back.
#include "cpu/account.h"
#include "cpu/ipi.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "mem/page.h"
#include "mem/preempt.h"
#include "thread/log_who.h"
#include "thread/sched.h"

/* What thread_switch_stack pops, and where it returns to. */
struct first_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp;
	void (*rip)(void);
};

static uint64_t last_id; /* [a] */
static uint32_t alive;   /* [a] */

static bool alloc_fpu(struct thread *t)
{
	t->fpu_area = kalloc(t->container, fpu_area_size());
	if (!t->fpu_area)
		return false;
	t->user = true;
	t->head.fpu = &t->fpu;
	fpu_state_init(&t->fpu, t->fpu_area);
	return true;
}

static bool alloc_stack(struct thread *t)
{
	t->stack = kstack_alloc(t->container);
	if (!t->stack)
		return false;
	struct first_frame *f = (struct first_frame *)t->stack - 1;

	*f = (struct first_frame){ .rip = thread_first_return };
	t->rsp = (uint64_t)f;
	return true;
}

static uint32_t valid_weight(uint32_t weight)
{
	return weight ? MIN(weight, READY_WEIGHT_MAX) : THREAD_WEIGHT_DEFAULT;
}

static void init_thread(struct thread *t, const struct thread_args *args)
{
	t->state = THREAD_NEW;
	t->pinned = args->pinned;
	t->cpu = args->cpu.n;
	t->weight = valid_weight(args->weight);
	t->ready.weight = t->weight;
	t->refs = 1;
	list_init(&t->wait.link);
	timer_init(&t->wait.timeout, wait_timeout);
	t->as = args->as;
	t->entry = args->entry;
	t->arg = args->arg;
	t->container = container_get(args->container);
	t->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	wait_queue_init(&t->exited);
	strlcpy(t->name, args->name, sizeof(t->name));
	t->wish = CPU_ID_NONE.n;
	__atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
	watchdog_add(t);
}

/* All but the struct. */
static void free_parts(struct thread *t)
{
	watchdog_remove(t);
	if (t->stack)
		kstack_free(t->stack);
	kfree(t->fpu_area);
	t->stack = t->fpu_area = NULL;
}

static void free_thread(struct thread *t)
{
	struct container *c = t->container;

	free_parts(t);
	sched_group_put(t->head.group);
	kfree(t);
	container_put(c);
	__atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
}

struct thread *thread_create(const struct thread_args *args)
{
	struct thread *t = kalloc(args->container, sizeof(*t));

	if (!t)
		return NULL;
	init_thread(t, args);
	if (alloc_stack(t) && (!args->has_fpu || alloc_fpu(t)))
		return t;
	free_thread(t);
	return NULL;
}

void thread_start(struct thread *t)
{
	ASSERT(t->state == THREAD_NEW);
	if (t->cpu == CPU_ID_NONE.n)
		t->cpu = balance_least_loaded(t).n;
	ASSERT(t->cpu < cpu_count());
	thread_get(t); /* its own */
	LLOG_CPU(LLOG_THREAD_START, log_who(t), t->cpu);
	sched_wake(t);
}

void thread_begin(void)
{
	struct thread *t;

	sched_finish_switch();
	t = thread_current();
	t->entry(t->arg);
	thread_exit();
}

void thread_exit(void)
{
	struct thread *t = thread_current();

	ASSERT(t != sched_idle_thread());
	if (t->user)
		fpu_release(&t->fpu);
	t->state = THREAD_DEAD;
	LLOG_CPU(LLOG_THREAD_DEAD, log_who(t), 0);
	sched_switch();
	panic("thread %s runs after its end", t->name);
}

/* Whether it was the last reference. */
static bool drop(struct thread *t)
{
	uint32_t before = __atomic_fetch_sub(&t->refs, 1, __ATOMIC_ACQ_REL);

	ASSERT(before > 0);
	return before == 1;
}

/*
 * The own reference goes before the lock does: so that of who joins is the last. Whoever frees the
 * struct waits for the lock first.
 */
void thread_gone(struct thread *t)
{
	bool last;

	free_parts(t);
	wait_begin(&t->exited);
	t->gone = true;
	LLOG_CPU(LLOG_THREAD_GONE, log_who(t), 0);
	wait_wake_locked(&t->exited, UINT32_MAX);
	last = drop(t);
	wait_end(&t->exited);
	if (last)
		free_thread(t);
}

void thread_join(struct thread *t)
{
	wait_begin(&t->exited);
	while (!t->gone) {
		wait_sleep(&t->exited, WAIT_FOREVER, false);
		wait_begin(&t->exited);
	}
	wait_end(&t->exited);
}

struct thread *thread_get(struct thread *t)
{
	__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void thread_put(struct thread *t)
{
	lock_assert_none();
	if (!drop(t))
		return;
	ASSERT(t->gone || t->state == THREAD_NEW);
	wait_begin(&t->exited);
	wait_end(&t->exited);
	free_thread(t);
}

/* ---- what it is and has ---- */

void thread_set_as(struct thread *t, struct as *as)
{
	ASSERT(t == thread_current());
	t->as = as;
	as_switch(as);
}

void thread_set_owner(struct thread *t, void *owner)
{
	t->head.owner = owner;
}

struct as *thread_as(struct thread *t)
{
	return t->as;
}

void thread_set_leave_hook(struct thread *t, void (*hook)(void *arg), void *arg)
{
	ASSERT(t == thread_current() || t->state == THREAD_NEW);
	t->leave = hook;
	t->leave_arg = arg;
}

void thread_set_user_bases(struct thread *t, uint64_t fs, uint64_t gs)
{
	t->fs = fs;
	t->gs = gs;
	if (t == thread_current()) {
		msr_write(MSR_FS_BASE, fs);
		msr_write(MSR_KGS_BASE, gs);
	}
}

void thread_get_user_bases(const struct thread *t, uint64_t *fs, uint64_t *gs)
{
	*fs = t->fs;
	*gs = t->gs;
}

uint64_t thread_id(const struct thread *t)
{
	return t->id;
}

const char *thread_name(const struct thread *t)
{
	return t->name;
}

cpu_id_t thread_cpu(const struct thread *t)
{
	return CPU_ID(__atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE));
}

unsigned thread_count(void)
{
	return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

void thread_set_weight(struct thread *t, uint32_t weight)
{
	__atomic_store_n(&t->weight, valid_weight(weight), __ATOMIC_RELAXED);
}

uint64_t thread_run_time(const struct thread *t)
{
	uint64_t since, ticks, now;

	do {
		since = __atomic_load_n(&t->run_since, __ATOMIC_ACQUIRE);
		ticks = __atomic_load_n(&t->run_tsc, __ATOMIC_ACQUIRE);
		now = time_tsc();
	} while (since != __atomic_load_n(&t->run_since, __ATOMIC_ACQUIRE));
	if (since && now > since)
		ticks += now - since;
	return time_tsc_to_ns(ticks);
}

uint64_t thread_take_waited(void)
{
	struct thread *t = thread_current();
	uint64_t ticks = t->waited;

	t->waited = 0;
	return ticks;
}

void thread_cpu_account(cpu_id_t cpu, struct cpu_account *out)
{
	cpu_account_read(cpu, out->ns);
	for (unsigned i = 0; i < CPU_TIME_COUNT; i++)
		out->ns[i] = time_tsc_to_ns(out->ns[i]);
	out->switches = sched_switches(cpu);
}

/* ---- start ---- */

/* On the way back to ring 3, interrupts off. */
static void before_user(void)
{
	struct fpu_state *fpu;

	while (unlikely(this_cpu()->resched)) {
		thread_resched();
		if (this_cpu()->resched & RESCHED_INTERRUPTED)
			thread_handle_interrupt();
	}
	fpu = thread_fpu(thread_current());
	if (likely(fpu))
		fpu_load(fpu);
	cpu_account_switch(CPU_TIME_KERNEL, CPU_TIME_USER);
}

void thread_init_cpu(void)
{
	cpu_account_start();
	inbox_init_cpu();
	timer_init_cpu();
	sched_init_cpu();
}

void thread_init(void)
{
	thread_init_cpu();
	ipi_set_wake_hook(inbox_drain);
	intr_set_return_hook(before_user);
	mem_set_preempt_hook(preempt_point);
}
