// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/cpu_list.c
// What people write, back and forth, and what is no list.
#include "mgmt/lib/cpu_list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/types.h"

static void reads_and_writes(void **state)
{
	static const char *const same[] = { "0", "255", "0-255", "1,3,5-7", "62-65,128" };
	uint64_t cpus[CPU_SET_BITS / 64];
	char text[64];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(same); i++) {
		assert_int_equal(cpu_list_parse(same[i], cpus), 0);
		cpu_list_format(text, sizeof(text), cpus);
		assert_string_equal(text, same[i]);
	}
	assert_int_equal(cpu_list_parse("7,5,6,5-6", cpus), 0);
	cpu_list_format(text, sizeof(text), cpus);
	assert_string_equal(text, "5-7");
	assert_int_equal(cpu_list_parse("2,4,6,8", cpus), 0);
	cpu_list_format(text, 5, cpus);
	assert_string_equal(text, "2,4,");
	memset(cpus, 0, sizeof(cpus));
	cpu_list_format(text, sizeof(text), cpus);
	assert_string_equal(text, "");
}

static void refuses_what_is_no_list(void **state)
{
	static const char *const bad[] = { "",
					   ",",
					   "1,",
					   "-1",
					   "256",
					   "3-2",
					   "1-",
					   "1--2",
					   "1 2",
					   "1,,2",
					   "0x10",
					   "a",
					   "99999999999999999999" };
	uint64_t cpus[CPU_SET_BITS / 64];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cpu_list_parse(bad[i], cpus), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(refuses_what_is_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
