// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: io/tty.c
// Lines edited in canonical mode with their echo, bytes passed on in raw mode, and that nothing is
// lost when modes change or the buffer fills. Random input is compared with a model of a line
// editor.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "io/tty.h"
#include "lib/errno.h"
#include "tests/host/rand.h"

static uint8_t input[TTY_INPUT_SIZE];
static struct tty tty;
static char echoed[65536];
static size_t nr_echoed;

static void take_echo(void *ctx, const uint8_t *bytes, size_t len)
{
	assert_ptr_equal(ctx, echoed);
	if (len <= sizeof(echoed) - nr_echoed) {
		memcpy(echoed + nr_echoed, bytes, len);
		nr_echoed += len;
	}
}

static int setup(void **state)
{
	(void)state;
	nr_echoed = 0;
	tty_init(&tty, input, take_echo, echoed);
	return 0;
}

static void type(const char *s)
{
	tty_input(&tty, (const uint8_t *)s, strlen(s));
}

static void expect_read(size_t len, const char *text)
{
	uint8_t buf[256];

	assert_int_equal(tty_read(&tty, buf, len), strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void expect_nothing(void)
{
	uint8_t b;

	assert_false(tty_readable(&tty));
	assert_int_equal(tty_read(&tty, &b, 1), -EAGAIN);
}

static void expect_echo(const char *text)
{
	assert_int_equal(nr_echoed, strlen(text));
	assert_memory_equal(echoed, text, nr_echoed);
	nr_echoed = 0;
}

static void set_lflag(uint32_t clear, uint32_t set)
{
	struct tty_termios t = tty.termios;

	t.lflag = (t.lflag & ~clear) | set;
	tty_set_termios(&tty, &t);
}

static void test_lines(void **state)
{
	(void)state;
	type("abc");
	expect_nothing();
	type("d\rsecond\n");
	expect_echo("abcd\r\nsecond\r\n");
	assert_int_equal(tty_pending(&tty), 12);
	expect_read(100, "abcd\n");
	expect_read(3, "sec"); /* a line in pieces */
	expect_read(100, "ond\n");
	expect_nothing();
}

static void test_editing(void **state)
{
	(void)state;
	type("ab\x7f\x7f\x7fxy\bz\r");
	expect_echo("ab\b \b\b \bxy\b \bz\r\n");
	expect_read(100, "xz\n");
	type("forget\x15"
	     "kept\r");
	expect_read(100, "kept\n");
	nr_echoed = 0;
	type("\x01\x7f");
	expect_echo("^A\b\b  \b\b");
	type("gone\x03stays\r");
	expect_echo("gone^C\r\nstays\r\n");
	expect_read(100, "stays\n");
}

static void test_end_of_file(void **state)
{
	uint8_t buf[8];

	(void)state;
	type("\x04");
	assert_true(tty_readable(&tty));
	assert_int_equal(tty_read(&tty, buf, sizeof(buf)), 0);
	expect_nothing();
	type("abc\x04");
	expect_read(3, "abc"); /* exactly as much: no end of file follows */
	expect_nothing();
	type("abc\x04");
	expect_read(100, "abc");
	expect_nothing();
}

static void test_raw(void **state)
{
	struct tty_termios t;
	uint8_t b;

	(void)state;
	set_lflag(TTY_ICANON | TTY_ECHO | TTY_ISIG, 0);
	type("a\x7f\x03\x04\x15");
	expect_echo("");
	expect_read(100, "a\x7f\x03\x04\x15");
	expect_nothing();
	type("\r");
	expect_read(1, "\n");
	t = tty.termios;
	t.iflag = 0;
	t.cc[TTY_VMIN] = 0;
	tty_set_termios(&tty, &t);
	type("\r");
	expect_read(1, "\r");
	assert_int_equal(tty_read(&tty, &b, 1), 0); /* VMIN 0: never waits */
}

/* A shell goes raw for each prompt: what was typed in between must be there, finished or not. */
static void test_mode_changes(void **state)
{
	(void)state;
	type("one\rtwo");
	set_lflag(TTY_ICANON | TTY_ECHO, 0);
	expect_read(100, "one\ntwo");
	type("raw");
	set_lflag(0, TTY_ICANON | TTY_ECHO);
	type("x\r");
	expect_read(100, "rawx\n");
	expect_nothing();
}

static void test_full(void **state)
{
	(void)state;
	set_lflag(TTY_ECHO, 0);
	for (uint32_t i = 0; i < TTY_INPUT_SIZE - 1; i++) {
		assert_true(tty_room(&tty) > 0);
		type("a");
	}
	type("b"); /* a line that is longer than the buffer loses its end ... */
	assert_int_equal(tty.lost, 1);
	type("\r"); /* ... but it ends, and then the device must wait */
	assert_int_equal(tty.lost, 1);
	assert_int_equal(tty_room(&tty), 0);
	assert_int_equal(tty_pending(&tty), TTY_INPUT_SIZE);
	expect_read(3, "aaa");
	assert_int_equal(tty_room(&tty), 2);
	tty_flush_input(&tty);
	expect_nothing();
}

static void test_output(void **state)
{
	const uint8_t text[] = "a\nb\n";
	struct tty_termios t;
	uint8_t out[8];
	size_t used;

	(void)state;
	assert_int_equal(tty_output(&tty, text, 4, &used, out, sizeof(out)), 6);
	assert_int_equal(used, 4);
	assert_memory_equal(out, "a\r\nb\r\n", 6);
	assert_int_equal(tty_output(&tty, text, 4, &used, out, 2), 1); /* CR and NL go together */
	assert_int_equal(used, 1);
	t = tty.termios;
	t.oflag = 0;
	tty_set_termios(&tty, &t);
	assert_int_equal(tty_output(&tty, text, 4, &used, out, sizeof(out)), 4);
	assert_memory_equal(out, text, 4);
}

static void test_against_model(void **state)
{
	static const char alphabet[] = "abcdefgh\x7f\x15\x03\r\n";
	char line[4096], lines[65536], got[65536];
	size_t n = 0, total = 0, taken = 0;
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char c = alphabet[host_rand_below(&seed, sizeof(alphabet) - 1)];

		tty_input(&tty, (const uint8_t *)&c, 1);
		if (c == 0x7f)
			n -= n != 0;
		else if (c == 0x15 || c == 3)
			n = 0;
		else
			line[n++] = c == '\r' ? '\n' : c;
		if (n != 0 && line[n - 1] == '\n') {
			memcpy(lines + total, line, n);
			total += n;
			n = 0;
		}
		if (host_rand_below(&seed, 4) == 0 && tty_readable(&tty)) {
			int64_t r = tty_read(&tty, (uint8_t *)got + taken,
					     1 + host_rand_below(&seed, 10));

			assert_true(r > 0);
			taken += (size_t)r;
		}
	}
	while (tty_readable(&tty))
		taken += (size_t)tty_read(&tty, (uint8_t *)got + taken, sizeof(got) - taken);
	assert_int_equal(taken, total);
	assert_memory_equal(got, lines, total);
	assert_int_equal(tty.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lines, setup),
		cmocka_unit_test_setup(test_editing, setup),
		cmocka_unit_test_setup(test_end_of_file, setup),
		cmocka_unit_test_setup(test_raw, setup),
		cmocka_unit_test_setup(test_mode_changes, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_output, setup),
		cmocka_unit_test_setup(test_against_model, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
