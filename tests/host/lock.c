// SPDX-License-Identifier: GPL-2.0-or-later
// Ticket locks for host tests: a waiter yields, since the holder may be a thread that does not run.
// Owner and re-acquire are checked; ranks are the kernel's business (lock/lock.c), whose own test
// runs on the host by itself.
#include <sched.h>
#include "cpu/log.h"
#include "lock/lock.h"

void lock_init(struct lock *l, const struct lock_class *class)
{
	*l = (struct lock)LOCK_INIT(class);
}

static void note_owner(struct lock *l)
{
	__atomic_store_n(&l->owner, this_cpu_id().n + 1u, __ATOMIC_RELAXED);
}

void lock_acquire(struct lock *l)
{
	uint32_t ticket;

	ASSERT(!lock_held(l));
	ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		sched_yield();
	note_owner(l);
}

bool lock_try(struct lock *l)
{
	uint32_t ticket = __atomic_load_n(&l->serving, __ATOMIC_RELAXED);

	if (!__atomic_compare_exchange_n(&l->next, &ticket, ticket + 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	note_owner(l);
	return true;
}

void lock_release(struct lock *l)
{
	ASSERT(lock_held(l));
	__atomic_store_n(&l->owner, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

bool lock_held(const struct lock *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == this_cpu_id().n + 1u;
}

void lock_assert_none(void)
{
}
