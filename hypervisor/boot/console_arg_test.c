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
	{ "console=uart8250,io,0x2f8", "2f8,0", true },
	{ "console=uart,io,760,9600n8", "2f8,9600", true },
	{ "console=ttyS1 console=ttyS0 console=uart,io,0x2f8", "3f8,115200 2f8,0", true },
	{ "console=uart8250,mmio,0xfe000000,115200n8", "fe000000/1,115200", true },
	{ "console=uart8250,mmio16,0xfe000000", "fe000000/2,0", true },
	{ "console=uart8250,mmio32,0x3fe000000,57600", "3fe000000/4,57600", true },
	{ "console=uart,0xfe000000", "fe000000/1,0", true },
	{ "console=uart8250,0xfe000000,9600", "fe000000/1,9600", true },
	/* A rate that we cannot do, where the one that is set may be right. */
	{ "console=uart8250,0xfe000000,9601", "fe000000/1,0", true },
	{ "console=uart8250,io,0x2f8,", "2f8,0", true },
	/* One that is no PC's port: the last. */
	{ "console=uart,io,0xd000 console=hvc0 console=uart,mmio,0xfe000000",
	  "0,115200 fe000000/1,0", true },
	{ "console=uart,0xfe000000 console=ttyS0 console=uart,mmio32,0xfe000000",
	  "3f8,115200 fe000000/4,0", true },
	{ "console=ttyS3 console=ttyS2 console=uart,0xfe000000 console=hvc0 console=ttyS1 "
	  "console=ttyS0 console=uart,io,0xd000",
	  "2e8,115200 3e8,115200 0,115200 2f8,115200 3f8,115200 d000,0", true },
	{ "console=uart console=uart8250 console=uart, console=uart8250,fe000000", "", false },
	{ "console=uart8251,io,0x2f8 console=uart8250,mmio32be,0xfe000000", "", false },
	{ "console=uart,io, console=uart,io console=uart,mmio,x console=uart,mmio,", "", false },
	{ "console=uart,mmio,0 console=uart,0x console=uart,0x0 console=uart,io,0", "", false },
	/* More than 64 bits, more than there are ports, ports of the board itself and of PCI. */
	{ "console=uart,mmio,0x10000000000000000", "", false },
	{ "console=uart,io,0xfff9 console=uart,io,0x102f8", "", false },
	{ "console=uart,io,0xff console=uart,io,0xcf1 console=uart,io,0xcff", "", false },
	{ "console=uart,io,0xcf0 console=uart,io,0xd00", "d00,0", true },
	{ "console=uart,io,0xfff8", "fff8,0", true },
};

/* "PORT,BAUD" or "ADDRESS/WIDTH,BAUD", behind what is there. */
static void show(const struct console_arg *arg, char *text)
{
	char *end = text + strlen(text);

	if (end != text)
		*end++ = ' ';
	if (arg->memory == 0) {
		sprintf(end, "%x,%u", arg->port, arg->baud);
		return;
	}
	assert_int_equal(arg->width, arg->stride);
	sprintf(end, "%llx/%u,%u", (unsigned long long)arg->memory, arg->width, arg->baud);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_args args;
		char text[200] = "";

		console_args_parse(rows[i].cmdline, NULL, &args);
		for (unsigned int n = 0; n < args.nr; n++)
			show(&args.at[n], text);
		if (strcmp(text, rows[i].ports) != 0 || args.given != rows[i].given)
			fail_msg("'%s': %s, %s", rows[i].cmdline, text,
				 args.given ? "given" : "not given");
	}
}

/* The odd addresses are not to be used. */
static bool odd_refused(const struct console_arg *arg, const struct cmdline_word *word)
{
	assert_true(cmdline_is(word, "console"));
	return arg->memory % 2 != 0;
}

/* A word that is refused takes no other's place. */
static void test_refused(void **state)
{
	struct console_args args;

	(void)state;
	console_args_parse("console=uart,0xfe000001", odd_refused, &args);
	assert_false(args.given);
	assert_int_equal(args.nr, 0);
	console_args_parse("console=uart,0xfe000002 console=ttyS0 console=uart,0xfe000001",
			   odd_refused, &args);
	assert_true(args.given);
	assert_int_equal(args.nr, 2);
	assert_int_equal(args.at[0].memory, 0xfe000002);
	assert_int_equal(args.at[1].port, 0x3f8);
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
	assert_true(good("console=uart8250,io,0x3f8,115200n8"));
	assert_true(good("console=uart,mmio32,0xfe000000"));
	assert_true(good("console=uart,0xfe000000"));
	assert_false(good("console=uart,0xfe000000,"));
	assert_false(good("console=uart,0xfe000000,9600e7"));
	assert_false(good("console=uart,io,0x3f8x"));
	assert_false(good("console=uart,io,0x10"));
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
					    cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_good),
					    cmocka_unit_test(test_names) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
