// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/words.c boot/console_arg.c
// What is said about a command line, what those who ask for a word get, and the table itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "boot/words.h"
#include "lib/errno.h"

static char said[4096];

static void note(const char *line)
{
	assert_true(strncmp(line, "command line: ", 14) == 0);
	strcat(said, line + 14);
	strcat(said, "\n");
}

/* `lines`: what is said, each with its newline, less the beginning that all have. */
static void expect(const char *cmdline, const char *lines)
{
	said[0] = '\0';
	boot_words_check(cmdline, true, note);
	assert_string_equal(said, lines);
}

static void test_good(void **state)
{
	(void)state;
	expect("", "");
	expect("console=ttyS0,115200n8 console=none strata.log=debug init=/bin/x maxcpus=256", "");
	expect("console=uart8250,mmio32,0xfe000000,9600n8 console=uart,0xfe000000", "");
	expect("strata.panic=wait strata.panic=reboot strata.panic=poweroff strata.panic=30", "");
	expect("selftest selftest=lock,mem llog strata.mutants=0x10 watchdog=0 idle.poll=9K", "");
	expect("strata.run=\"/a b\" strata.exit=ci -- quiet maxcpus=x", "");
	expect("BOOT_IMAGE=/boot/x initrd=\\a initrd=b BOOTIF=01-52-54 BOOT_IMAGE", "");
	expect("rd.debug systemd.unit=rescue.target a.b=c", "");
}

static void test_bad(void **state)
{
	(void)state;
	expect("quiet watchdog=0 splash=x", "quiet: no such word: ignored\n"
					    "splash=x: no such word: ignored\n");
	expect("Console=ttyS0 consol=x maxcpu=2 =x", "Console=ttyS0: no such word: ignored\n"
						     "consol=x: no such word: ignored\n"
						     "maxcpu=2: no such word: ignored\n"
						     "=x: no such word: ignored\n");
	expect("strata.lok=debug idle.pol=1 .x",
	       "strata.lok=debug: no such word: ignored\nidle.pol=1: no such word: ignored\n"
	       ".x: no such word: ignored\n");
	expect("maxcpus=0 maxcpus=257 maxcpus= maxcpus maxcpus=two",
	       "maxcpus=0: expected NUMBER (from 1 to 256)\n"
	       "maxcpus=257: expected NUMBER (from 1 to 256)\n"
	       "maxcpus=: expected NUMBER (from 1 to 256)\n"
	       "maxcpus: expected NUMBER (from 1 to 256)\n"
	       "maxcpus=two: expected NUMBER (from 1 to 256)\n");
	expect("strata.log strata.log=inf strata.log=infos",
	       "strata.log: expected error|warn|info|debug\n"
	       "strata.log=inf: expected error|warn|info|debug\n"
	       "strata.log=infos: expected error|warn|info|debug\n");
	expect("strata.panic=halt", "strata.panic=halt: expected wait|reboot|poweroff|SECONDS "
				    "(from 0 to 3600)\n");
	expect("mitigations mitigations=on mitigations=auto mitigations=off",
	       "mitigations: expected auto|off\nmitigations=on: expected auto|off\n");
	expect("console=ttyS4 llog=1 init=",
	       "console=ttyS4: expected ttySN[,BAUD[n8]]|uart[8250],TYPE,ADDRESS[,BAUD[n8]]|hvc0"
	       "|none\nllog=1: expected no value\n"
	       "init=: expected PATH\n");
}

static void test_shown(void **state)
{
	static const char long_word[] =
		"x=\x1b[31m\xc3\xa4"
		"0123456789012345678901234567890123456789012345678901234567890123";
	(void)state;
	expect(long_word,
	       "x=?[31m??012345678901234567890123456789012345678901234567890...: no such word: "
	       "ignored\n");
	expect("a b c d e f g h i j",
	       "a: no such word: ignored\nb: no such word: ignored\nc: no such word: ignored\n"
	       "d: no such word: ignored\ne: no such word: ignored\nf: no such word: ignored\n"
	       "g: no such word: ignored\nh: no such word: ignored\n2 more words are ignored\n");
}

static void test_release(void **state)
{
	(void)state;
	said[0] = '\0';
	boot_words_check("llog strata.mutants=5 watchdog=3", false, note);
	assert_string_equal(said, "llog: expected the debug image\n"
				  "strata.mutants=5: expected the debug image\n");
}

static void test_values(void **state)
{
	char buf[6];

	(void)state;
	assert_int_equal(boot_word_number("", "watchdog"), 10);
	assert_int_equal(boot_word_number("watchdog=7", "watchdog"), 7);
	assert_int_equal(boot_word_number("watchdog=7 watchdog=3601", "watchdog"), 7);
	assert_int_equal(boot_word_number("-- watchdog=7", "watchdog"), 10);
	assert_int_equal(boot_word_number("strata.panic=9", "strata.panic"), 9);
	assert_int_equal(boot_word_number("strata.panic=wait", "strata.panic"), 0);
	assert_int_equal(boot_word_choice("", "strata.panic"), -ENOENT);
	assert_int_equal(boot_word_choice("strata.panic=wait", "strata.panic"), 0);
	assert_int_equal(boot_word_choice("strata.panic=3", "strata.panic"), 3);
	assert_int_equal(boot_word_choice("strata.log=debug strata.log=x", "strata.log"), 3);
	assert_int_equal(boot_word_str("init=/x", "init", buf, sizeof(buf)), 2);
	assert_string_equal(buf, "/x");
	assert_int_equal(boot_word_str("init=/12345", "init", buf, sizeof(buf)), -ENAMETOOLONG);
	assert_int_equal(boot_word_str("selftest", "selftest", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(boot_word_str("-- init=/x", "init", buf, sizeof(buf)), -ENOENT);
}

/* Each row can be met, and none twice. */
static void test_table(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_boot_words; i++) {
		const struct boot_word *w = &boot_words[i];

		assert_non_null(w->help);
		assert_true(w->max == 0 || (w->min <= w->number && w->number <= w->max) ||
			    (w->number == 0 && w->preset != NULL));
		assert_true(w->values != NULL || (w->max == 0 && w->preset == NULL));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(w->name, boot_words[j].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_shown),  cmocka_unit_test(test_release),
		cmocka_unit_test(test_values), cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
