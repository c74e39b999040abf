// SPDX-License-Identifier: GPL-2.0-or-later
// Loans for host tests: threads are numbered by their CPU and are not looked into; who lends to
// whom is kept in a table for the test to see.
#include "cpu/log.h"
#include "tests/host/thread.h"
#include "thread/loan.h"

static unsigned lends_to[CPU_MAX]; /* [a] CPU + 1; 0: lends nothing */

/* As small numbers: the host's threads have none of the kernel's structs. */
static unsigned number_of(const struct thread *t)
{
	return (unsigned)((uintptr_t)t - 1);
}

void host_threads_begin(void)
{
	for (unsigned i = 0; i < cpu_count(); i++)
		cpu_get(CPU_ID(i))->current = (struct thread *)(uintptr_t)(i + 1);
}

unsigned host_lends_to(unsigned cpu)
{
	return __atomic_load_n(&lends_to[cpu], __ATOMIC_SEQ_CST);
}

void loan_prepare(void)
{
	ASSERT(host_lends_to(number_of(thread_current())) == 0);
}

void loan_begin(struct thread *from, struct thread *to)
{
	ASSERT(from != to && host_lends_to(number_of(from)) == 0);
	__atomic_store_n(&lends_to[number_of(from)], number_of(to) + 1, __ATOMIC_SEQ_CST);
}

void loan_end(struct thread *from)
{
	__atomic_store_n(&lends_to[number_of(from)], 0, __ATOMIC_SEQ_CST);
}

/* The call is over, so its loan is. */
void loan_settle(void)
{
	ASSERT(host_lends_to(number_of(thread_current())) == 0);
}
