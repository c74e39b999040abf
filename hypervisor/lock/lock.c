// SPDX-License-Identifier: GPL-2.0-or-later
// Ticket lock, as in mC2: fetch-and-increment takes a ticket, the holder hands on by raising
// `serving`. The checks of the debug image (lock_debug.c) see every acquire and release; in the
// release image they are empty.
#include "lock/lock.h"

#include "lock/lock_debug.h"

void lock_init(struct lock *l, const struct lock_class *class)
{
	*l = (struct lock)LOCK_INIT(class);
}

void lock_acquire(struct lock *l)
{
	lock_debug_before(l);
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_relax();
	lock_debug_taken(l);
}

bool lock_try(struct lock *l)
{
	uint32_t serving = __atomic_load_n(&l->serving, __ATOMIC_RELAXED);
	uint32_t expected = serving;

	if (!__atomic_compare_exchange_n(&l->next, &expected, serving + 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	lock_debug_taken(l);
	return true;
}

void lock_release(struct lock *l)
{
	lock_debug_release(l);
	/* Only the holder writes it. */
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}
