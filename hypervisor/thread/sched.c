// SPDX-License-Identifier: GPL-2.0-or-later
// The switch from one thread to the next. sched_switch looks into the inbox, charges the time that
// has passed, puts the running thread back if it only made way, and takes the one that is furthest
// behind, or the idle thread. The slice timer is armed only while threads wait.
#include "cpu/account.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "cpu/tracing.h"
#include "lib/string.h"
#include "thread/log_who.h"
#include "thread/idle_poll.h"
#include "thread/sched.h"
#define SLICE_NS 4000000ull

/* Locks: [o] owner CPU */
struct runqueue {
	struct ready_queue ready; /* [o] */
	struct thread *previous;  /* [o] during a switch: whose stack was left */
	struct thread *moving;    /* [o] during a switch: it may not run here any more */
	uint64_t charged;         /* [o] TSC up to which the running thread is charged */
	uint64_t started;         /* [o] ns at which it began its slice */
	struct timer slice;       /* [o] */
	uint64_t switches;        /* [o] read by all */
	uint64_t beats;           /* [o] read by all */
	struct thread idle;       /* [o] */
	struct idle_poll poll;    /* [o] its figures are read by all */
};
DEFINE_CPU_PUBLIC(struct runqueue, runqueue);

static struct runqueue *own(void)
{
	DEBUG_ASSERT(!cpu_irqs_on());
	return cpu_private(runqueue);
}

struct thread *sched_idle_thread(void)
{
	return &own()->idle;
}

bool sched_is_empty(void)
{
	return own()->ready.n == 0;
}

uint64_t sched_switches(cpu_id_t cpu)
{
	return READ_ONCE(cpu_public(runqueue, cpu)->switches);
}

uint64_t sched_beats(cpu_id_t cpu)
{
	return READ_ONCE(cpu_public(runqueue, cpu)->beats);
}

/* A thread alone moves the queue's place on without anybody publishing it. */
static void publish(const struct runqueue *rq)
{
	const struct thread *running = thread_current();
	bool busy = running != &rq->idle;

	balance_publish(rq->ready.n + busy, ready_place(&rq->ready), rq->started,
			busy && !rq->ready.n ? running->ready.weight : 0);
}

/* ---- time ---- */

/* In this order, so that thread_run_time() sees what belongs together. */
static void set_run_time(struct thread *t, uint64_t tsc, uint64_t since)
{
	__atomic_store_n(&t->run_since, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&t->run_tsc, tsc, __ATOMIC_RELEASE);
	__atomic_store_n(&t->run_since, since, __ATOMIC_RELEASE);
}

uint32_t sched_own_weight(const struct thread *t)
{
	return t->head.group ? group_thread_weight(t->head.group)
			     : __atomic_load_n(&t->weight, __ATOMIC_RELAXED);
}

static uint32_t weight_of(const struct thread *t)
{
	return (uint32_t)MIN(sched_own_weight(t) + t->loan.in_force, (uint64_t)READY_WEIGHT_MAX);
}

/* t is not queued, and charged up to now. */
static void apply_loan(const struct runqueue *rq, struct thread *t)
{
	if (likely(!loan_has_changed(&t->loan)))
		return;
	loan_apply(&rq->ready, &t->ready, &t->loan);
	t->ready.weight = weight_of(t);
}

/* The running thread's time up to now. */
static void charge(struct runqueue *rq, struct thread *t)
{
	uint64_t now = time_tsc(), ticks = now - rq->charged;

	rq->charged = now;
	if (t == &rq->idle)
		return;
	t->ready.weight = weight_of(t);
	ready_charge(&rq->ready, &t->ready, time_tsc_to_ns(ticks));
	rq->ready.offset += balance_take_lift();
	if (t->head.group)
		group_charge(t->head.group, time_tsc_to_ns(ticks));
	set_run_time(t, t->run_tsc + ticks, now);
	apply_loan(rq, t);
}

void sched_account(void)
{
	charge(own(), thread_current());
}

int64_t sched_distance(uint64_t place, const struct thread *t, uint32_t weight)
{
	return ready_distance(&cpu_public(runqueue, thread_cpu(t))->ready, place, weight);
}

void sched_set_place(uint64_t place)
{
	ready_set_place(&own()->ready, &thread_current()->ready, place);
}

static void slice_over(struct timer *timer)
{
	(void)timer;
	this_cpu()->resched |= RESCHED_SWITCH;
}

/* Whoever is alone needs no tick, unless its time is limited. */
static bool needs_tick(const struct runqueue *rq, const struct thread *next)
{
	return rq->ready.n || (next->head.group && group_is_capped(next->head.group));
}

static void start_slice(struct runqueue *rq, const struct thread *next)
{
	rq->started = time_now();
	if (next != &rq->idle && needs_tick(rq, next))
		timer_arm(&rq->slice, rq->started + SLICE_NS);
	else
		timer_disarm(&rq->slice);
}

/* ---- handing over ---- */

bool sched_allows(const struct thread *t, cpu_id_t cpu)
{
	if (t->pinned)
		return t->cpu == cpu.n;
	return t->head.group ? pool_group_allows(t->head.group, t->slot, cpu) : pool_is_common(cpu);
}

/* t is ready, neither queued nor on its stack. */
static void hand_over(struct runqueue *rq, struct thread *t, cpu_id_t to)
{
	LLOG_CPU(LLOG_THREAD_GIVEN, log_who(t), to.n);
	ready_leave(&rq->ready, &t->ready);
	if (t->user)
		fpu_release(&t->fpu);
	if (t->leave)
		t->leave(t->leave_arg);
	__atomic_store_n(&t->cpu, to.n, __ATOMIC_RELEASE);
	inbox_post_thread(to, t);
}

static struct thread *thread_of(struct ready_entry *e)
{
	return container_of(e, struct thread, ready);
}

/* The running thread may be in the queue while it is about to leave its stack: it must stay. */
struct thread *sched_waiting_for(cpu_id_t to)
{
	struct thread *found = NULL;

	for (struct ready_entry *e = ready_last(&own()->ready); e; e = ready_before(e)) {
		struct thread *t = thread_of(e);

		if (!t->pinned && t != thread_current() && sched_allows(t, to))
			found = t;
	}
	return found;
}

uint64_t sched_place_of(const struct thread *t)
{
	return t->ready.vtime + cpu_public(runqueue, thread_cpu(t))->ready.offset;
}

void sched_give(struct thread *t, cpu_id_t to)
{
	struct runqueue *rq = own();

	ready_remove(&rq->ready, &t->ready);
	t->waited += time_tsc() - t->ready_since;
	LLOG_CPU(LLOG_READY_LEAVE, (uint32_t)t->id, 0);
	publish(rq);
	hand_over(rq, t, to);
}

void sched_evict(void)
{
	struct runqueue *rq = own();
	struct ready_entry *e = ready_last(&rq->ready);

	while (e) {
		struct thread *t = thread_of(e);

		e = ready_before(e);
		if (t != thread_current() && !sched_allows(t, this_cpu_id()))
			sched_give(t, balance_least_loaded(t));
	}
	/* The running one sees for itself. */
	this_cpu()->resched |= RESCHED_SWITCH;
}

/* ---- threads that become ready ---- */

static void make_ready(struct runqueue *rq, struct thread *t)
{
	t->state = THREAD_READY;
	t->ready_since = rq->charged;
	ready_insert(&rq->ready, &t->ready);
	LLOG_CPU(LLOG_READY_INSERT, log_who(t), t->ready.vtime);
}

static void note_ready(struct runqueue *rq, const struct thread *t)
{
	const struct thread *running = thread_current();

	if (running == &rq->idle || ready_preempts(&t->ready, &running->ready)) {
		this_cpu()->resched |= RESCHED_SWITCH;
		return;
	}
	if (!rq->slice.armed)
		timer_arm(&rq->slice, rq->started + SLICE_NS);
	if (cpu_count() > 1)
		this_cpu()->resched |= RESCHED_BALANCE;
}

static void place_arriving(struct runqueue *rq, struct thread *t)
{
	/* Whoever slept, and an idle CPU's queue, have not saved up time. */
	if (thread_current() == &rq->idle && !rq->ready.n)
		ready_lift(&rq->ready, balance_latest());
	switch (t->state) {
	case THREAD_SLEEPING:
		timer_disarm(&t->wait.timeout);
		ready_place_woken(&rq->ready, &t->ready);
		group_set_active(t, true);
		break;
	case THREAD_NEW: ready_place_new(&rq->ready, &t->ready); break;
	default: DEBUG_ASSERT(t->state == THREAD_READY); ready_arrive(&rq->ready, &t->ready);
	}
	apply_loan(rq, t);
	t->state = THREAD_READY;
}

void sched_accept(struct thread *t)
{
	struct runqueue *rq = own();

	DEBUG_ASSERT(cpu_id_eq(thread_cpu(t), this_cpu_id()) && !t->ready.queued);
	charge(rq, thread_current());
	place_arriving(rq, t);
	if (!sched_allows(t, this_cpu_id())) {
		hand_over(rq, t, balance_least_loaded(t));
		return;
	}
	make_ready(rq, t);
	publish(rq);
	note_ready(rq, t);
}

void sched_wake(struct thread *t)
{
	cpu_id_t cpu = thread_cpu(t);

	if (cpu_id_eq(cpu, this_cpu_id()))
		sched_accept(t);
	else
		inbox_post_thread(cpu, t);
}

/* ---- the switch ---- */

static struct thread *take_first(struct runqueue *rq)
{
	struct ready_entry *e = ready_first(&rq->ready);

	if (!e)
		return NULL;
	ready_remove(&rq->ready, e);
	LLOG_CPU(LLOG_READY_REMOVE, log_who(thread_of(e)), 0);
	return thread_of(e);
}

static bool has_to_move(const struct thread *t)
{
	return !sched_allows(t, this_cpu_id()) ||
	       (t->wish != CPU_ID_NONE.n && t->wish != this_cpu_id().n);
}

static cpu_id_t where_to(struct thread *t)
{
	cpu_id_t wish = CPU_ID(t->wish);

	t->wish = CPU_ID_NONE.n;
	return wish.n < cpu_count() && sched_allows(t, wish) ? wish : balance_least_loaded(t);
}

/* With `yield` the running thread goes on only when nobody else is ready. */
static struct thread *choose(struct runqueue *rq, struct thread *running, bool yield)
{
	bool goes_on = running->state == THREAD_RUNNING && running != &rq->idle;
	struct thread *next;
	if (goes_on && has_to_move(running)) {
		running->state = THREAD_READY;
		rq->moving = running;
		goes_on = false;
	}
	if (goes_on && !yield)
		make_ready(rq, running);
	next = take_first(rq);
	if (goes_on && yield) {
		if (!next)
			return running;
		make_ready(rq, running);
	}
	return next ? next : &rq->idle;
}

static void load_user_bases(const struct thread *t)
{
	msr_write(MSR_FS_BASE, t->fs);
	msr_write(MSR_KGS_BASE, t->gs);
}

/* The VM whose vCPU the thread is; 0: none. */
static uint64_t vm_of(const struct thread *t)
{
	return t->head.group ? t->head.group->owner : 0;
}

/* Of one VM alone: to its threads, and away from them. */
static __noinline void note_switch(uint64_t tsc, const struct thread *from, const struct thread *to)
{
	struct trace_item item = {
		.tsc = tsc,
		.kind = TRACE_SWITCH,
		.vm = (uint32_t)vm_of(to),
		.thread = (uint32_t)to->id,
	};

	if (trace_wants(item.vm) || trace_wants(vm_of(from)))
		trace_note(&item, to->name);
}

static void leave_stack(struct runqueue *rq, struct thread *from, struct thread *to)
{
	rq->switches++;
	rq->previous = from;
	set_run_time(from, from->run_tsc, 0);
	set_run_time(to, to->run_tsc, rq->charged);
	to->waited += rq->charged - to->ready_since;
	if (trace_is_on())
		note_switch(rq->charged, from, to);
	this_cpu()->current = to;
	cpu_set_kernel_stack(to->stack);
	as_switch(to->as);
	if (to->user)
		load_user_bases(to);
	publish(rq);
	thread_switch_stack(&from->rsp, to->rsp);
	/* Another CPU perhaps, and certainly later: nothing from above holds here. */
}

void sched_finish_switch(void)
{
	struct runqueue *rq = own();
	struct thread *previous = rq->previous, *moving = rq->moving;

	rq->previous = rq->moving = NULL;
	/* It is the other CPU's from then on, and may have ended there before we look again. */
	if (moving)
		hand_over(rq, moving, where_to(moving));
	else if (previous && previous->state == THREAD_DEAD)
		thread_gone(previous);
	rq = own();
	if (rq->ready.n)
		balance_push(rq->ready.n);
}

static void switch_threads(bool yield)
{
	struct thread *running = thread_current(), *next;
	struct runqueue *rq;
	lock_assert_none();
	inbox_drain();
	rq = own();
	rq->beats++;
	charge(rq, running);
	if (running->state == THREAD_SLEEPING || running->state == THREAD_DEAD)
		group_set_active(running, false);
	next = choose(rq, running, yield);
	next->state = THREAD_RUNNING;
	this_cpu()->resched = __atomic_load_n(&next->head.interrupted, __ATOMIC_SEQ_CST)
				      ? RESCHED_INTERRUPTED
				      : 0;
	start_slice(rq, next);
	if (next != running)
		leave_stack(rq, running, next);
	else
		publish(rq);
	sched_finish_switch();
}

void sched_switch(void)
{
	switch_threads(false);
}

void thread_move(cpu_id_t cpu)
{
	thread_current()->wish = cpu.n;
	sched_switch();
}

void thread_yield(void)
{
	switch_threads(true);
}

void thread_resched(void)
{
	uint32_t why = this_cpu()->resched;

	if (why & RESCHED_SWITCH) {
		sched_switch();
	} else if (why & RESCHED_BALANCE) {
		this_cpu()->resched &= ~RESCHED_BALANCE;
		balance_push(own()->ready.n);
	}
}

void preempt_point(void)
{
	lock_assert_none();
	own()->beats++;
	cpu_irq_window();
	thread_resched();
}

/* ---- start and idle ---- */

void sched_init_cpu(void)
{
	struct runqueue *rq = own();
	struct thread *idle = &rq->idle;

	idle->state = THREAD_RUNNING;
	idle->cpu = this_cpu_id().n;
	idle->pinned = true;
	idle->wish = CPU_ID_NONE.n;
	idle->weight = THREAD_WEIGHT_DEFAULT;
	idle->refs = 1;
	strlcpy(idle->name, "idle", sizeof(idle->name));
	timer_init(&rq->slice, slice_over);
	rq->charged = time_tsc();
	this_cpu()->current = idle;
	pool_init_cpu();
}

static uint64_t idle_poll_max = IDLE_POLL_MAX_NS; /* [a] */

void thread_set_idle_poll(uint64_t max_ns)
{
	__atomic_store_n(&idle_poll_max, max_ns, __ATOMIC_RELAXED);
}

void sched_idle_figures(cpu_id_t cpu, uint64_t *hits, uint64_t *misses)
{
	*hits = READ_ONCE(cpu_public(runqueue, cpu)->poll.hits);
	*misses = READ_ONCE(cpu_public(runqueue, cpu)->poll.misses);
}

static bool has_work(void)
{
	return !inbox_is_empty() || !sched_is_empty();
}

/* Interrupts are taken meanwhile; other CPUs need not send one. */
static bool look_for_work(uint64_t until)
{
	bool found;

	inbox_watch(true);
	while (!(found = has_work()) && time_now() < until) {
		cpu_irq_window();
		cpu_relax();
	}
	inbox_watch(false);
	return found || has_work();
}

static void wait_for_work(struct idle_poll *poll)
{
	uint64_t begun = time_now(), max = __atomic_load_n(&idle_poll_max, __ATOMIC_RELAXED);
	bool halts = !poll->ns || !look_for_work(begun + MIN(poll->ns, max));

	if (halts)
		cpu_idle();
	idle_poll_done(poll, time_now() - begun, halts, max);
}

void thread_start_cpu(void)
{
	ASSERT(thread_current() == sched_idle_thread());
	for (;;) {
		sched_switch();
		balance_enter_idle();
		if (!has_work()) {
			cpu_account_enter(CPU_TIME_IDLE);
			wait_for_work(&own()->poll);
			cpu_account_enter(CPU_TIME_KERNEL);
		}
		balance_leave_idle();
	}
}
