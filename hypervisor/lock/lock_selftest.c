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
