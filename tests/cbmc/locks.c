// SPDX-License-Identifier: GPL-2.0-or-later
// A second, independent check of the locks: CBMC looks at all executions of CPUS threads under TSO,
// spins cut off after a few rounds (tests/cbmc/run). The lock's files are the kernel's. Only one
// thread is between acquire and release, and what it wrote there is seen by the next.
#include "lock/lock.h"

__CPROVER_thread_local unsigned checked_cpu;

static const struct lock_class class = { "checked", LOCK_RANK_OBJECT | KIND };
static struct lock lock = LOCK_INIT(&class);
static unsigned inside, count;

static void enter_and_leave(unsigned cpu)
{
	checked_cpu = cpu;
	lock_acquire(&lock);
	__CPROVER_assert(inside == 0, "mutual exclusion");
	inside = 1;
	count++;
	inside = 0;
	lock_release(&lock);
}

int main(void)
{
__CPROVER_ASYNC_1:
	enter_and_leave(1);
	enter_and_leave(0);
	return 0;
}
