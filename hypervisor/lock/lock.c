// SPDX-License-Identifier: GPL-2.0-or-later
// Ticket lock, as in mC2: fetch-and-increment takes a ticket, the holder hands on by raising
// `serving`. Locks whose class says so are MCS locks (mcs.c). The checks of the debug image
// (lock_debug.c) see every acquire and release, and so does the logical log; in the release image
// both are empty.
#include "lock/lock.h"

#include "lock/llog.h"
#include "lock/lock_debug.h"
#include "lock/lock_impl.h"
#include "lock/lock_stall.h"

void lock_init(struct lock *l, const struct lock_class *class)
{
	*l = (struct lock)LOCK_INIT(class);
	llog_lock_init(l);
}

static bool is_mcs(const struct lock *l)
{
	return l->class->rank & LOCK_MCS;
}

/* Out of line, so that a free lock pays nothing for it. */
static __noinline void ticket_wait(struct lock *l, uint32_t ticket, uint32_t serving)
{
	struct lock_wait wait = { 0 };

	llog_lock_waits(l, ticket, serving, 0);
	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		lock_wait_step(l, &wait);
}

static void ticket_acquire(struct lock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	uint32_t serving = __atomic_load_n(&l->serving, __ATOMIC_ACQUIRE);

	if (serving != ticket)
		ticket_wait(l, ticket, serving);
	llog_lock_taken(l, ticket, 0);
}

static bool ticket_try(struct lock *l)
{
	uint32_t serving = __atomic_load_n(&l->serving, __ATOMIC_RELAXED);
	uint32_t expected = serving;

	if (!__atomic_compare_exchange_n(&l->next, &expected, serving + 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	llog_lock_taken(l, serving, 0);
	return true;
}

static void ticket_release(struct lock *l)
{
	llog_lock_freed(l);
	/* Only the holder writes it. */
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

void lock_acquire(struct lock *l)
{
	lock_debug_before(l);
	if (is_mcs(l))
		mcs_acquire(l);
	else
		ticket_acquire(l);
	lock_debug_taken(l);
}

bool lock_try(struct lock *l)
{
	if (!(is_mcs(l) ? mcs_try(l) : ticket_try(l)))
		return false;
	lock_debug_taken(l);
	return true;
}

void lock_release(struct lock *l)
{
	lock_debug_release(l);
	if (is_mcs(l))
		mcs_release(l);
	else
		ticket_release(l);
}
