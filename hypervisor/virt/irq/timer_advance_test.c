// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: virt/irq/timer_advance.c
// The amount comes to rest at the way's length, forgets what was not the way, and has a limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/host/rand.h"
#include "virt/irq/timer_advance.h"

/* Interrupts of timers that were set so early, over a way of `length`. */
static void repeat(struct timer_advance *a, unsigned times, int64_t length)
{
	while (times--)
		timer_advance_learn(a, length - a->ticks);
}

static void test_learns_the_way(void **state)
{
	struct timer_advance a = { 0 };

	(void)state;
	repeat(&a, 1, 900);
	assert_in_range(a.ticks, 1, 900);
	repeat(&a, 50, 900);
	assert_in_range(a.ticks, 900, 907);
	repeat(&a, 100, 300);
	assert_in_range(a.ticks, 300, 307);
	repeat(&a, 100, 0);
	assert_in_range(a.ticks, 0, 7);
}

/* Of a way whose length varies most are in time. */
static void test_uneven(void **state)
{
	struct timer_advance a = { 0 };
	uint64_t r = 1;
	unsigned late = 0;

	(void)state;
	for (unsigned i = 0; i < 1100; i++) {
		int64_t length = 800 + (int64_t)host_rand_below(&r, 400);

		late += i >= 100 && length > a.ticks;
		timer_advance_learn(&a, length - a.ticks);
	}
	assert_in_range(late, 0, 500);
	assert_in_range(a.ticks, 800, 1300);
}

static void test_limits(void **state)
{
	struct timer_advance a = { .ticks = 500 };

	(void)state;
	timer_advance_learn(&a, TIMER_ADVANCE_MAX + 1);
	timer_advance_learn(&a, -TIMER_ADVANCE_MAX - 1);
	timer_advance_learn(&a, INT64_MIN);
	timer_advance_learn(&a, INT64_MAX);
	assert_int_equal(a.ticks, 500);
	for (unsigned i = 0; i < 100; i++)
		timer_advance_learn(&a, TIMER_ADVANCE_MAX);
	assert_int_equal(a.ticks, TIMER_ADVANCE_MAX);
	for (unsigned i = 0; i < 100; i++)
		timer_advance_learn(&a, -TIMER_ADVANCE_MAX);
	assert_int_equal(a.ticks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_the_way),
		cmocka_unit_test(test_uneven),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
