// SPDX-License-Identifier: GPL-2.0-or-later
// The lock's states on one CPU, and each misuse that the debug image must find.
#include "cpu/selftest.h"
#include "lib/string.h"
#include "lock/lock_debug.h"

static const struct lock_class low_class = { "test low", LOCK_RANK_OBJECT };
static const struct lock_class high_class = { "test high", LOCK_RANK_ZONE };
static struct lock low = LOCK_INIT(&low_class), high = LOCK_INIT(&high_class);

static const char *found;

static void note(const char *what)
{
	found = what;
}

SELFTEST(lock_states)
{
	SELFTEST_CHECK(!lock_held(&low));
	lock_acquire(&low);
	SELFTEST_CHECK(lock_held(&low) && !lock_try(&low));
	lock_acquire(&high);
	lock_release(&low);
	SELFTEST_CHECK(!lock_held(&low) && lock_held(&high));
	lock_release(&high);
	SELFTEST_CHECK(lock_try(&low));
	lock_release(&low);
	lock_assert_none();
}

/* Tickets are unique while there are fewer CPUs than numbers, also where the numbers begin anew. */
_Static_assert(CPU_MAX < UINT32_MAX, "a ticket for every CPU");

SELFTEST(lock_tickets_wrap)
{
	struct lock l;

	lock_init(&l, &low_class);
	l.next = l.serving = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++) {
		lock_acquire(&l);
		SELFTEST_CHECK(lock_held(&l) && !lock_try(&l));
		lock_release(&l);
	}
	SELFTEST_CHECK(l.next == 2 && l.serving == 2);
}

static const struct lock_class mcs_class = { "test mcs", LOCK_RANK_OBJECT | LOCK_MCS };

/* An MCS lock is given back in any order, and its nodes with it. */
SELFTEST(lock_mcs_states)
{
	struct lock l;

	lock_init(&l, &mcs_class);
	for (int i = 0; i < 40; i++) {
		lock_acquire(&l);
		SELFTEST_CHECK(lock_held(&l) && !lock_try(&l));
		lock_acquire(&high);
		lock_release(&l);
		SELFTEST_CHECK(!lock_held(&l) && l.tail == 0);
		lock_release(&high);
	}
	SELFTEST_CHECK(lock_try(&l));
	lock_release(&l);
}

SELFTEST(lock_order_violation)
{
	found = "";
	lock_acquire(&high);
	lock_debug_set_hook(note);
	lock_acquire(&low);
	lock_debug_set_hook(NULL);
	lock_release(&low);
	lock_release(&high);
	SELFTEST_CHECK(!strcmp(found, "acquired out of order"));
}

SELFTEST(lock_wrong_release)
{
	struct lock other = LOCK_INIT(&low_class);

	found = "";
	lock_debug_set_hook(note);
	lock_debug_release(&other);
	lock_debug_set_hook(NULL);
	SELFTEST_CHECK(!strcmp(found, "released by a CPU that does not hold it"));
}

SELFTEST(lock_reacquire)
{
	found = "";
	lock_acquire(&low);
	lock_debug_set_hook(note);
	lock_debug_before(&low);
	lock_debug_set_hook(NULL);
	lock_release(&low);
	SELFTEST_CHECK(!strcmp(found, "acquired again by its owner"));
}

SELFTEST(lock_held_where_none_may_be)
{
	found = "";
	lock_acquire(&low);
	lock_debug_set_hook(note);
	lock_assert_none();
	lock_debug_set_hook(NULL);
	lock_release(&low);
	SELFTEST_CHECK(!strcmp(found, "held where none may be"));
}
