// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/init_words.c boot/words.c boot/console_arg.c
// The words of the command line that are for the first program.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "boot/init_words.h"
#include "lib/errno.h"

static struct init_words w;

/* `args` as they should be, joined by '|'. */
static void expect(const char *cmdline, const char *path, const char *args)
{
	char joined[INIT_ARGS_MAX + 1] = "";
	unsigned int nr = 0;

	memset(&w, 0x5a, sizeof(w));
	assert_int_equal(init_words_parse(cmdline, &w), 0);
	assert_string_equal(w.path, path);
	for (size_t pos = 0; pos < w.args_size; pos += strlen(w.args + pos) + 1) {
		strcat(joined, nr++ ? "|" : "");
		strcat(joined, w.args + pos);
	}
	assert_string_equal(joined, args);
	assert_int_equal(w.nr_args, nr);
}

static void test_path(void **state)
{
	(void)state;
	expect("", "/bin/init", "/bin/init");
	expect("console=ttyS0 quiet", "/bin/init", "/bin/init");
	expect("init=/bin/busybox quiet", "/bin/busybox", "/bin/busybox");
	expect("init=/a init=/b", "/b", "/b");
	expect("init init= xinit=/c initx=/d", "/bin/init", "/bin/init");
}

static void test_args(void **state)
{
	(void)state;
	expect("init=/b --", "/b", "/b");
	expect("init=/b -- ls /bin", "/b", "/b|ls|/bin");
	expect("init=/b --   ls \t /bin  ", "/b", "/b|ls|/bin");
	expect("-- init=/not/this one=two -- x", "/bin/init",
	       "/bin/init|init=/not/this|one=two|--|x");
	expect("--=1 --x -- y", "/bin/init", "/bin/init|y");
}

static void test_quotes(void **state)
{
	(void)state;
	expect("-- sh -c \"echo a  b\"", "/bin/init", "/bin/init|sh|-c|echo a  b");
	expect("-- a\"b c\"d \"\" x", "/bin/init", "/bin/init|ab cd||x");
	expect("-- \"open end", "/bin/init", "/bin/init|open end");
	expect("note=\"a -- b\" -- c", "/bin/init", "/bin/init|c");
}

static void test_forwarded(void **state)
{
	(void)state;
	expect("strata.run=/etc/ci", "/bin/init", "/bin/init|-r|/etc/ci");
	expect("strata.exit=ci strata.run=/a x strata.run=/b -- z", "/bin/init",
	       "/bin/init|-r|/b|-e|ci|z");
	expect("strata.exit=init", "/bin/init", "/bin/init");
	expect("strata.exit=selftest strata.run=", "/bin/init", "/bin/init");
	expect("strata.exit strata.exit=inits", "/bin/init", "/bin/init|-e|inits");
	expect("strata.exit=a -- strata.exit=b strata.run=/c", "/bin/init",
	       "/bin/init|-e|a|strata.exit=b|strata.run=/c");
	expect("strata.run=\"a b\"", "/bin/init", "/bin/init|-r|a b");
}

static void test_too_long(void **state)
{
	char line[2 * INIT_ARGS_MAX] = "init=/";

	(void)state;
	memset(line + 6, 'a', INIT_PATH_MAX - 2);
	assert_int_equal(init_words_parse(line, &w), 0);
	line[6 + INIT_PATH_MAX - 2] = 'a';
	assert_int_equal(init_words_parse(line, &w), -E2BIG);

	memset(line, 0, sizeof(line));
	memcpy(line, "-- ", 3);
	memset(line + 3, 'b', INIT_ARGS_MAX - sizeof(INIT_PATH_DEFAULT) - 1);
	assert_int_equal(init_words_parse(line, &w), 0);
	assert_int_equal(w.args_size, INIT_ARGS_MAX);
	line[strlen(line)] = 'b';
	assert_int_equal(init_words_parse(line, &w), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),     cmocka_unit_test(test_args),
		cmocka_unit_test(test_quotes),   cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
