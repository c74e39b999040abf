// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/console_arg.c
// Every form of console= and what it selects.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "boot/console_arg.h"

static const struct {
	const char *cmdline;
	uint16_t port;
	uint32_t baud;
} rows[] = {
	{ "", 0x3f8, 115200 },
	{ "selftest console", 0x3f8, 115200 },
	{ "console=ttyS0", 0x3f8, 115200 },
	{ "console=ttyS0,115200n8", 0x3f8, 115200 },
	{ "console=ttyS1,9600", 0x2f8, 9600 },
	{ "console=ttyS2,38400n8 x", 0x3e8, 38400 },
	{ "console=ttyS3,57600n8", 0x2e8, 57600 },
	{ "console=ttyS4", 0x3f8, 115200 },
	{ "console=ttyS10", 0x3f8, 115200 },
	{ "console=ttyS", 0x3f8, 115200 },
	{ "console=ttyS1,", 0x2f8, 115200 },
	{ "console=ttyS1,0", 0x2f8, 115200 },
	{ "console=ttyS1,7", 0x2f8, 115200 },
	{ "console=ttyS1,99999999999999999999", 0x2f8, 115200 },
	{ "console=none", 0, 0 },
	{ "console=ttyS0 console=none", 0, 0 },
	{ "console=none console=ttyS1", 0x2f8, 115200 },
	{ "console=tty0 console=ttyS1,9600n8 console=hvc0", 0x2f8, 9600 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_arg arg;
		console_arg_parse(rows[i].cmdline, &arg);
		if (arg.port != rows[i].port || (rows[i].port && arg.baud != rows[i].baud))
			fail_msg("'%s': port %#x, baud %u", rows[i].cmdline, arg.port, arg.baud);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
