// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/console_arg.c
// Every form of console=, what it selects, and whether it is one that we would have written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/console_arg.h"

static const struct {
	const char *cmdline;
	const char *ports; /* "PORT,BAUD ..." */
	bool given;
} rows[] = {
	{ "", "", false },
	{ "selftest console", "", false },
	{ "console=ttyS0", "3f8,115200", true },
	{ "console=ttyS0,115200n8", "3f8,115200", true },
	{ "console=ttyS1,9600", "2f8,9600", true },
	{ "console=ttyS2,38400n8 x", "3e8,38400", true },
	{ "console=ttyS3,57600n8", "2e8,57600", true },
	{ "console=ttyS4", "", false },
	{ "console=ttyS10", "", false },
	{ "console=ttyS", "", false },
	{ "console=ttyS1,", "2f8,115200", true },
	{ "console=ttyS1,0", "2f8,115200", true },
	{ "console=ttyS1,7", "2f8,115200", true },
	{ "console=ttyS1,9600e7", "2f8,115200", true },
	{ "console=ttyS1,99999999999999999999", "2f8,115200", true },
	{ "console=none", "", true },
	{ "console=ttyS0 console=none", "", true },
	{ "console=none console=ttyS1", "2f8,115200", true },
	{ "console=tty0 console=ttyS1,9600n8 console=hvc1", "2f8,9600", true },
	{ "console=hvc0", "0,115200", true },
	{ "console=hvc0,9600 console=hvc", "", false },
	{ "console=hvc0 console=ttyS1,9600n8 console=hvc0", "2f8,9600 0,115200", true },
	{ "console=hvc0 console=ttyS0", "0,115200 3f8,115200", true },
	{ "console=hvc0 console=none", "", true },
	{ "console=ttyS1 console=ttyS0,9600", "2f8,115200 3f8,9600", true },
	{ "console=ttyS0 console=ttyS1 console=ttyS0,9600", "2f8,115200 3f8,9600", true },
	{ "console=ttyS3 console=ttyS2 console=ttyS1 console=ttyS0 console=ttyS3",
	  "3e8,115200 2f8,115200 3f8,115200 2e8,115200", true },
	{ "console=ttyS3 console=ttyS2 console=hvc0 console=ttyS1 console=ttyS0 console=hvc0",
	  "2e8,115200 3e8,115200 2f8,115200 3f8,115200 0,115200", true },
	{ "console=ttyS1 -- console=ttyS0", "2f8,115200", true },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_args args;
		char text[100] = "";

		console_args_parse(rows[i].cmdline, &args);
		for (unsigned int n = 0; n < args.nr; n++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%x,%u",
				 n ? " " : "", args.at[n].port, args.at[n].baud);
		if (strcmp(text, rows[i].ports) != 0 || args.given != rows[i].given)
			fail_msg("'%s': %s, %s", rows[i].cmdline, text,
				 args.given ? "given" : "not given");
	}
}

static bool good(const char *text)
{
	struct cmdline_word word;

	assert_true(cmdline_next(&text, &word));
	return console_arg_good(&word);
}

static void test_good(void **state)
{
	(void)state;
	assert_true(good("console=ttyS0"));
	assert_true(good("console=ttyS3,9600"));
	assert_true(good("console=ttyS3,9600n8"));
	assert_true(good("console=none"));
	assert_true(good("console=hvc0"));
	assert_false(good("console=hvc1"));
	assert_false(good("console=hvc0,9600"));
	assert_false(good("console"));
	assert_false(good("console="));
	assert_false(good("console=tty0"));
	assert_false(good("console=ttyS4"));
	assert_false(good("console=ttyS0,"));
	assert_false(good("console=ttyS0,9600e8"));
	assert_false(good("console=ttyS0,9600n"));
	assert_false(good("console=ttyS0,7"));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(console_port_name(0x3f8), "ttyS0");
	assert_string_equal(console_port_name(0x2e8), "ttyS3");
	assert_null(console_port_name(0x3f0));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_good),
					    cmocka_unit_test(test_names) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
