// SPDX-License-Identifier: GPL-2.0-or-later
// A CPU stands still when it has been in the kernel since the last looks without crossing a
// boundary and without a beat, which the scheduler and every preemption point give. A call does not
// return when a thread is in the same one for so many looks, and each time either runs in the
// kernel or sleeps so that nobody may interrupt it. Nothing is written on the way of what is
// watched but a counter; the rest is compared with what was seen before.
#include "thread/watchdog.h"

#include "cpu/account.h"
#include "cpu/backtrace.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "cpu/watch.h"
#include "lib/string.h"
#include "mem/page.h"
#include "thread/sched.h"

/* So many looks within the limit. */
#define LOOKS 4

static const struct lock_class threads_class = { "threads", LOCK_RANK_LEAF };

/* All threads but idle ones. */
static struct {
	struct lock lock;
	struct list_head list; /* [lock] by all_link, and each one's `watch` */
} threads = { .lock = LOCK_INIT(&threads_class), .list = LIST_HEAD_INIT(threads.list) };

/* What a watcher saw of a CPU; its own. */
static struct seen {
	uint64_t since, beats;
	uint64_t begun; /* ns: seen so first */
	unsigned looks;
	bool told;
} seen[CPU_MAX];

static struct wait_queue alarm; /* ends the watchers' sleep early */

void watchdog_add(struct thread *t)
{
	lock_acquire(&threads.lock);
	list_add_tail(&t->all_link, &threads.list);
	lock_release(&threads.lock);
}

void watchdog_remove(struct thread *t)
{
	lock_acquire(&threads.lock);
	if (t->all_link.next)
		list_del(&t->all_link);
	t->all_link.next = NULL;
	lock_release(&threads.lock);
}

/* ---- CPUs ---- */

static void tell_of_cpu(cpu_id_t cpu, uint64_t stood)
{
	const struct thread *t = READ_ONCE(cpu_get(cpu)->current);
	const char *call = READ_ONCE(t->head.call);
	struct backtrace b;
	/* While it stands there; it may go on once it has been told of. */
	bool known = backtrace_of_cpu(cpu, &b);

	watch_report(WATCH_CPU, "CPU %u has not scheduled for %llu ms: thread %.23s%s%s", cpu.n,
		     (unsigned long long)stood / 1000000, t->name, call ? ", system call " : "",
		     call ? call : "");
	if (known)
		backtrace_log(&b);
}

static void look_at_cpu(cpu_id_t cpu, uint64_t limit)
{
	struct seen *s = &seen[cpu.n];
	uint64_t since = 0, beats = sched_beats(cpu);
	bool in_kernel = cpu_account_kind(cpu, &since) == CPU_TIME_KERNEL;
	if (!in_kernel || since != s->since || beats != s->beats) {
		*s = (struct seen){ .since = since, .beats = beats, .begun = time_now() };
		return;
	}
	/* Looks may come early, or late all at once: both must be enough. */
	if (++s->looks < LOOKS || s->told || time_now() - s->begun < limit)
		return;
	s->told = true;
	tell_of_cpu(cpu, time_now() - s->begun);
}

static void look_at_cpus(bool first, uint64_t limit)
{
	cpu_for_each (cpu) {
		if (!cpu_id_eq(cpu, this_cpu_id()) && (cpu.n != 0) == first)
			look_at_cpu(cpu, limit);
	}
}

/* ---- calls ---- */

/* Of a thread that is on the list: its stack is there, whatever it does meanwhile. */
static void backtrace_of_thread(const struct thread *t, struct backtrace *b)
{
	uint64_t top = (uint64_t)t->stack, rsp = READ_ONCE(t->rsp);
	const uint64_t *saved = (const uint64_t *)rsp;

	b->n = 0;
	/* r15 r14 r13 r12 rbx rbp rip: thread_switch_stack. */
	if (rsp >= top - KSTACK_SIZE && rsp <= top - 7 * 8 && IS_ALIGNED(rsp, 8))
		backtrace_walk(b, saved[6], saved[5], rsp, top);
}

static bool blames(const struct thread *t)
{
	uint64_t since;

	switch (READ_ONCE(t->state)) {
	case THREAD_SLEEPING: return !READ_ONCE(t->interruptible);
	case THREAD_RUNNING: return cpu_account_kind(thread_cpu(t), &since) == CPU_TIME_KERNEL;
	default: return false;
	}
}

/* Whether this is the look at which it has been too long. */
static bool look_at_thread(struct thread *t, uint64_t limit)
{
	uint64_t calls = READ_ONCE(t->head.calls);

	if (!READ_ONCE(t->head.call) || calls != t->watch.calls || !blames(t)) {
		t->watch.calls = calls;
		t->watch.begun = time_now();
		t->watch.looks = 0;
		t->watch.told = false;
		return false;
	}
	if (++t->watch.looks < LOOKS || t->watch.told || time_now() - t->watch.begun < limit)
		return false;
	t->watch.told = true;
	return true;
}

/* One report a look. */
static void look_at_calls(uint64_t limit)
{
	const char *call = NULL;
	struct backtrace b;
	struct thread *t;
	char name[sizeof(t->name)];
	bool sleeps = false;

	lock_acquire(&threads.lock);
	list_for_each_entry (t, &threads.list, all_link) {
		if (!look_at_thread(t, limit))
			continue;
		call = READ_ONCE(t->head.call);
		sleeps = READ_ONCE(t->state) == THREAD_SLEEPING;
		memcpy(name, t->name, sizeof(name));
		backtrace_of_thread(t, &b);
		break;
	}
	lock_release(&threads.lock);
	if (!call)
		return;
	watch_report(WATCH_CALL, "system call %s has not returned for %llu ms: thread %s %s", call,
		     (unsigned long long)limit / 1000000, name, sleeps ? "sleeps" : "runs");
	if (sleeps)
		backtrace_log(&b);
}

/* ---- the watchers ---- */

/* A CPU for the second one: not CPU 0. */
static void keep_off_cpu_0(void)
{
	if (this_cpu_id().n != 0)
		return;
	for (unsigned n = cpu_count() - 1; n > 0; n--) {
		if (pool_is_common(CPU_ID(n))) {
			thread_move(CPU_ID(n));
			return;
		}
	}
}

static void watch(void *arg)
{
	bool first = arg != NULL;

	for (;;) {
		uint64_t limit = watch_limit();

		if (!first)
			keep_off_cpu_0();
		if (limit) {
			look_at_cpus(first, limit);
			if (first)
				look_at_calls(limit);
		}
		wait_begin(&alarm);
		(void)wait_sleep(&alarm, limit ? time_now() + limit / LOOKS : WAIT_FOREVER, false);
	}
}

static void start(bool first)
{
	const struct thread_args args = {
		.name = "watchdog",
		.entry = watch,
		.arg = first ? &alarm : NULL,
		.container = kernel_container,
		.cpu = CPU_ID(first ? 0 : cpu_count() - 1),
		.pinned = first,
	};
	struct thread *t = thread_create(&args);

	if (!t)
		fatal("no memory for the watchdog");
	thread_start(t);
	thread_put(t);
}

void watchdog_start(uint64_t limit)
{
	static bool started;

	watch_set_limit(limit);
	if (started)
		return;
	started = true;
	wait_queue_init(&alarm);
	start(true);
	if (cpu_count() > 1)
		start(false);
}

void watchdog_set_limit(uint64_t limit)
{
	watch_set_limit(limit);
	wait_wake(&alarm, UINT32_MAX);
}
