// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/shell/words.c
// Lines and the words that they split into, good and bad.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mgmt/shell/shell.h"

static void expect_words(const char *line, int n, const char *const *expected)
{
	char *words[WORDS_MAX], *buffer;
	const char *error;

	assert_int_equal(words_split(line, words, &buffer, &error), n);
	for (int i = 0; i < n; i++)
		assert_string_equal(words[i], expected[i]);
	free(buffer);
}

static void expect_error(const char *line, const char *sentence)
{
	char *words[WORDS_MAX], *buffer;
	const char *error;

	assert_int_equal(words_split(line, words, &buffer, &error), -1);
	assert_string_equal(error, sentence);
	assert_null(buffer);
}

static void test_good(void **state)
{
	(void)state;
	expect_words("", 0, NULL);
	expect_words("  \t ", 0, NULL);
	expect_words("# all comment", 0, NULL);
	expect_words("vm list", 2, (const char *[]){ "vm", "list" });
	expect_words(" a  b#c #d", 2, (const char *[]){ "a", "b#c" });
	expect_words("'a b' \"c d\"", 2, (const char *[]){ "a b", "c d" });
	expect_words("a'b'\"c\"d", 1, (const char *[]){ "abcd" });
	expect_words("a\\ b \\'", 2, (const char *[]){ "a b", "'" });
	expect_words("\"a\\\"b\" '\\'", 2, (const char *[]){ "a\"b", "\\" });
	expect_words("'' x", 2, (const char *[]){ "", "x" });
}

static void test_bad(void **state)
{
	(void)state;
	expect_error("a 'b", "a quote is not closed");
	expect_error("\"b\\\"", "a quote is not closed");
	expect_error("a \\", "nothing follows the last \\");
}

static void test_too_many(void **state)
{
	char line[2 * WORDS_MAX + 3] = "";

	(void)state;
	for (int i = 0; i < WORDS_MAX; i++)
		strcat(line, "a ");
	char *words[WORDS_MAX], *buffer;
	const char *error;
	assert_int_equal(words_split(line, words, &buffer, &error), WORDS_MAX);
	free(buffer);
	strcat(line, "a");
	expect_error(line, "more than 64 words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
