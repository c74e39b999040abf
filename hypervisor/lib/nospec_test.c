// SPDX-License-Identifier: GPL-2.0-or-later
// The mask at the ends of the range; what it does to speculation no test on the host can show.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/nospec.h"

static void inside_is_kept(void **state)
{
	(void)state;
	assert_int_equal(nospec_index(0, 1), 0);
	assert_int_equal(nospec_index(4, 5), 4);
	assert_int_equal(nospec_index(UINT64_MAX - 1, UINT64_MAX), UINT64_MAX - 1);
	assert_int_equal(nospec_index(1ull << 40, (1ull << 40) + 1), 1ull << 40);
}

static void outside_is_zero(void **state)
{
	(void)state;
	assert_int_equal(nospec_index(0, 0), 0);
	assert_int_equal(nospec_index(5, 5), 0);
	assert_int_equal(nospec_index(1ull << 63, 5), 0);
	assert_int_equal(nospec_index(UINT64_MAX, UINT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inside_is_kept),
		cmocka_unit_test(outside_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
