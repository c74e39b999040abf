// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: thread/idle_poll.c
// Polling grows while it would have paid, and ends while it would not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "thread/idle_poll.h"

#define MAX_NS 200000ull

static void test_grows_while_work_comes_soon(void **state)
{
	struct idle_poll p = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		idle_poll_done(&p, 50000, true, MAX_NS);
	assert_int_equal(p.ns, 4 * IDLE_POLL_FIRST_NS);
	/* Long enough now: nothing changes while it catches what comes. */
	for (int i = 0; i < 100; i++)
		idle_poll_done(&p, 30000, false, MAX_NS);
	assert_int_equal(p.ns, 4 * IDLE_POLL_FIRST_NS);
	assert_int_equal(p.hits, 100);
	assert_int_equal(p.misses, 3);
	for (int i = 0; i < 100; i++)
		idle_poll_done(&p, MAX_NS, true, MAX_NS);
	assert_int_equal(p.ns, MAX_NS);
}

static void test_ends_while_work_is_rare(void **state)
{
	struct idle_poll p = { .ns = MAX_NS };
	int rounds = 0;

	(void)state;
	for (; p.ns; rounds++)
		idle_poll_done(&p, 10 * MAX_NS, true, MAX_NS);
	assert_in_range(rounds, 3, 6);
	idle_poll_done(&p, 10 * MAX_NS, true, MAX_NS);
	assert_int_equal(p.ns, 0);
}

static void test_never_when_it_is_switched_off(void **state)
{
	struct idle_poll p = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		idle_poll_done(&p, 0, true, 0);
	assert_int_equal(p.ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_while_work_comes_soon),
		cmocka_unit_test(test_ends_while_work_is_rare),
		cmocka_unit_test(test_never_when_it_is_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
