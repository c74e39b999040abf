// SPDX-License-Identifier: GPL-2.0-or-later
// Calls between CPUs, also from all to all at once, and the timer.
#include "cpu/intr.h"
#include "cpu/ipi.h"
#include "cpu/lapic.h"
#include "cpu/selftest.h"
#include "cpu/time.h"

#define ROUNDS 200u

static uint32_t ran[CPU_MAX];

static void note(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&ran[this_cpu_id().n], 1, __ATOMIC_SEQ_CST);
}

static struct cpu_set all_cpus(void)
{
	struct cpu_set all = { 0 };

	cpu_for_each (id)
		cpu_set_add(&all, id);
	return all;
}

SELFTEST(ipi_call_runs_everywhere_once)
{
	struct cpu_set all = all_cpus();

	cpu_for_each (id)
		ran[id.n] = 0;
	ipi_call(&all, note, NULL);
	cpu_for_each (id)
		SELFTEST_CHECK(ran[id.n] == 1);
}

SELFTEST(ipi_call_leaves_others_alone)
{
	struct cpu_set one = { 0 };

	cpu_for_each (id)
		ran[id.n] = 0;
	cpu_set_add(&one, CPU_ID(cpu_count() - 1));
	ipi_call(&one, note, NULL);
	cpu_for_each (id)
		SELFTEST_CHECK(ran[id.n] == (id.n == cpu_count() - 1));
}

SELFTEST(ipi_call_many_rounds)
{
	struct cpu_set all = all_cpus();

	cpu_for_each (id)
		ran[id.n] = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		ipi_call(&all, note, NULL);
	cpu_for_each (id) {
		SELFTEST_CHECK(ran[id.n] == ROUNDS);
		SELFTEST_CHECK(cpu_id_eq(id, this_cpu_id()) || ipi_count(id) > 0);
	}
}

SELFTEST(lapic_id_is_what_the_cpu_was_started_with)
{
	SELFTEST_CHECK(lapic_id() == this_cpu()->apic_id);
	SELFTEST_CHECK(lapic_reaches(this_cpu()->apic_id));
}

static volatile unsigned fired;

static void count_timer(struct trap_frame *frame)
{
	(void)frame;
	fired++;
}

/* Takes interrupts until the timer has fired or `ns` are over. */
static void wait_timer(unsigned wanted, uint64_t ns)
{
	uint64_t end = time_now() + ns;

	while (fired < wanted && time_now() < end)
		cpu_irq_window();
}

SELFTEST(timer_fires_once_and_not_before)
{
	intr_handler_t former = intr_handler(VECTOR_TIMER);
	uint64_t deadline = time_now() + 2000000;

	intr_register(VECTOR_TIMER, NULL);
	intr_register(VECTOR_TIMER, count_timer);
	fired = 0;
	time_arm(deadline);
	wait_timer(1, 10000000000ull);
	SELFTEST_CHECK(fired == 1 && time_now() + 1000 >= deadline);
	wait_timer(2, 5000000);
	SELFTEST_CHECK(fired == 1);
	/* The past fires at once; none does not fire. */
	time_arm(1);
	wait_timer(2, 10000000000ull);
	SELFTEST_CHECK(fired == 2);
	time_arm(time_now() + 10000000000ull);
	time_arm(UINT64_MAX);
	wait_timer(3, 5000000);
	SELFTEST_CHECK(fired == 2);
	intr_register(VECTOR_TIMER, NULL);
	intr_register(VECTOR_TIMER, former);
	time_arm(0);
}
