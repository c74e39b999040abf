// SPDX-License-Identifier: GPL-2.0-or-later
// A heap of armed timers on each CPU over its one-shot hardware timer. The hardware is set when the
// earliest deadline gets earlier, and left alone when it gets later: it then fires for nothing and
// is set anew, which is cheaper than setting it at each cancel.
#include "cpu/intr.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "thread/sched.h"

/* Locks: [o] owner CPU */
struct timers {
	struct heap heap;    /* [o] by deadline */
	uint64_t programmed; /* [o] what the hardware is set to; 0: being looked at */
};
DEFINE_CPU_PRIVATE(struct timers, timers);

static struct timer *timer_of(struct heap_node *n)
{
	return heap_entry(n, struct timer, node);
}

static bool earlier(const struct heap_node *a, const struct heap_node *b)
{
	return heap_entry(a, struct timer, node)->deadline <
	       heap_entry(b, struct timer, node)->deadline;
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
	*t = (struct timer){ .fire = fire, .cpu = CPU_ID_NONE };
}

static cpu_id_t cpu_of(const struct timer *t)
{
	return CPU_ID(__atomic_load_n(&t->cpu.n, __ATOMIC_ACQUIRE));
}

static void program(struct timers *timers, uint64_t deadline)
{
	timers->programmed = deadline;
	time_arm(deadline);
}

static void take_out(struct timers *timers, struct timer *t)
{
	heap_remove(&timers->heap, &t->node);
	__atomic_store_n(&t->armed, false, __ATOMIC_RELEASE);
}

void timer_disarm(struct timer *t)
{
	if (!t->armed)
		return;
	DEBUG_ASSERT(cpu_id_eq(t->cpu, this_cpu_id()));
	take_out(cpu_private(timers), t);
}

void timer_arm(struct timer *t, uint64_t deadline)
{
	struct timers *timers = cpu_private(timers);

	DEBUG_ASSERT(!cpu_irqs_on());
	if (t->armed && !cpu_id_eq(cpu_of(t), this_cpu_id()))
		timer_cancel(t);
	timer_disarm(t);
	t->deadline = deadline;
	__atomic_store_n(&t->cpu.n, this_cpu_id().n, __ATOMIC_RELEASE);
	t->armed = true;
	heap_insert(&timers->heap, &t->node);
	if (deadline < timers->programmed)
		program(timers, deadline);
}

static void cancel_here(void *timer)
{
	struct timer *t = timer;

	if (!cpu_id_eq(t->cpu, this_cpu_id()))
		return;
	timer_disarm(t);
	/* The next cancel need not come here again. */
	__atomic_store_n(&t->cpu.n, CPU_ID_NONE.n, __ATOMIC_RELEASE);
}

/*
 * The call runs on the other CPU between two interrupts or inside its wait for other CPUs, never
 * inside `fire`: so after it `fire` is not running either.
 */
void timer_cancel(struct timer *t)
{
	cpu_id_t cpu = cpu_of(t);
	struct cpu_set there = { 0 };

	if (cpu_id_eq(cpu, CPU_ID_NONE))
		return;
	if (cpu_id_eq(cpu, this_cpu_id())) {
		timer_disarm(t);
		return;
	}
	lock_assert_none();
	cpu_set_add(&there, cpu);
	ipi_call(&there, cancel_here, t);
}

static void run_expired(struct timers *timers, uint64_t now)
{
	struct heap_node *first;

	while ((first = heap_first(&timers->heap)) && timer_of(first)->deadline <= now) {
		struct timer *t = timer_of(first);

		take_out(timers, t);
		t->fire(t);
	}
}

static void on_timer(struct trap_frame *frame)
{
	struct timers *timers = cpu_private(timers);
	struct heap_node *first;

	(void)frame;
	/* While it is 0 timer_arm leaves the hardware to us. */
	timers->programmed = 0;
	run_expired(timers, time_now());
	first = heap_first(&timers->heap);
	timers->programmed = UINT64_MAX;
	if (first)
		program(timers, timer_of(first)->deadline);
}

void timer_init_cpu(void)
{
	struct timers *timers = cpu_private(timers);

	heap_init(&timers->heap, earlier);
	timers->programmed = UINT64_MAX;
	if (!intr_handler(VECTOR_TIMER))
		intr_register(VECTOR_TIMER, on_timer);
}
