// SPDX-License-Identifier: GPL-2.0-or-later
// Formatting against libc's: every combination of flags, widths, precisions and lengths gives the
// same bytes and the same length; and the cases in which ours is meant to differ.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/fmt.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static const char *const flags[] = { "", "-", "0", "+", " ", "#", "-0", "+0", "- ", "#0", "-#" };
static const char *const widths[] = { "", "1", "7", "20" };
static const char *const precisions[] = { "", ".", ".0", ".3", ".18" };

static void same(const char *spec, const char *ours, size_t n, const char *libc, int m)
{
	if (strcmp(ours, libc) != 0 || n != (size_t)m)
		fail_msg("%s: ours '%s' (%zu), libc '%s' (%d)", spec, ours, n, libc, m);
}

static void compare_integer(const char *spec, const char *length, uint64_t v)
{
	char ours[128], libc[128];

	if (strcmp(length, "l") == 0 || strcmp(length, "ll") == 0 || strcmp(length, "z") == 0)
		same(spec, ours, fmt_snprintf(ours, sizeof(ours), spec, v), libc,
		     snprintf(libc, sizeof(libc), spec, v));
	else
		same(spec, ours, fmt_snprintf(ours, sizeof(ours), spec, (unsigned int)v), libc,
		     snprintf(libc, sizeof(libc), spec, (unsigned int)v));
}

static void test_integers(void **state)
{
	static const char *const lengths[] = { "", "hh", "h", "l", "ll", "z" };
	static const uint64_t values[] = { 0,          1,          42,         127,
					   0x80,       0xffff,     0x7fffffff, 0x80000000,
					   0xffffffff, 0x12345678, INT64_MAX,  1ULL << 63,
					   UINT64_MAX };

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
					for (const char *c = "diuxX"; *c != '\0'; c++) {
						char spec[32];

						sprintf(spec, "[%%%s%s%s%s%c]", flags[f], widths[w],
							precisions[p], lengths[l], *c);
						for (size_t v = 0; v < ARRAY_SIZE(values); v++)
							compare_integer(spec, lengths[l],
									values[v]);
					}
}

static void test_strings(void **state)
{
	static const char *const string_flags[] = { "", "-" };
	static const char *const strings[] = { "", "a", "hello", "a longer string of some length" };
	char ours[128], libc[128];

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(string_flags); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (size_t s = 0; s < ARRAY_SIZE(strings); s++) {
					char spec[32];

					sprintf(spec, "<%%%s%s%ss>", string_flags[f], widths[w],
						precisions[p]);
					same(spec, ours,
					     fmt_snprintf(ours, sizeof(ours), spec, strings[s]),
					     libc, snprintf(libc, sizeof(libc), spec, strings[s]));
				}
}

static void test_mixed(void **state)
{
	char ours[128], libc[128];
	const char raw[3] = { 'x', 'y', 'z' };

	(void)state;
#define SAME(...)                                                                \
	same("mixed", ours, fmt_snprintf(ours, sizeof(ours), __VA_ARGS__), libc, \
	     snprintf(libc, sizeof(libc), __VA_ARGS__))
	SAME("%c%c|%5c|%-5c|%%", 'a', 'b', 'c', 'd');
	SAME("%.*s|%*d|%-*d|%*d", 3, raw, 6, 42, 6, 42, -6, 42);
	SAME("%.*d", -1, 7);
	SAME("%p %016lx %zu %td", (void *)0x1234, 0xdeadbeefUL, (size_t)9, (ptrdiff_t)-3);
	SAME("%o %lo", 0755, 0777777777777UL);
	SAME("%d %s %llx %s", 1, "two", 3ULL, "four");
#undef SAME
}

static void test_limits(void **state)
{
	char *volatile none = NULL;
	char buf[8];

	(void)state;
	memset(buf, 'z', sizeof(buf));
	assert_int_equal(fmt_snprintf(buf, 4, "%s", "hello"), 5);
	assert_memory_equal(buf, "hel\0zzzz", 8);
	assert_int_equal(fmt_snprintf(buf, 1, "%d", 12345), 5);
	assert_memory_equal(buf, "\0el\0zzzz", 8);
	assert_int_equal(fmt_snprintf(NULL, 0, "%08x|%s", 1, "abc"), 12);
	assert_int_equal(fmt_snprintf(buf, sizeof(buf), "%s", none), 6);
	assert_string_equal(buf, "(null)");
}

static void test_unknown_conversion(void **state)
{
	const char *volatile odd = "a%5kb%";
	char buf[32];

	(void)state;
	fmt_snprintf(buf, sizeof(buf), odd);
	assert_string_equal(buf, "a%5kb%");
}

static void count_sink(void *ctx, const char *s, size_t len)
{
	(void)s;
	*(size_t *)ctx += len;
}

static void test_sink(void **state)
{
	size_t seen = 0;

	(void)state;
	assert_int_equal(fmt_printf(count_sink, &seen, "%5d:%s", 1, "xyz"), 9);
	assert_int_equal(seen, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers), cmocka_unit_test(test_strings),
		cmocka_unit_test(test_mixed),    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sink),     cmocka_unit_test(test_unknown_conversion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
