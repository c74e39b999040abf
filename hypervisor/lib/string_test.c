// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's string functions against libc's, on random contents, lengths and alignments.
// string.c is included under other names, since on the host libc has the real ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#define memcpy  k_memcpy
#define memmove k_memmove
#define memset  k_memset
#define memcmp  k_memcmp
#define memchr  k_memchr
#define strlen  k_strlen
#define strnlen k_strnlen
#define strcmp  k_strcmp
#define strncmp k_strncmp
#define strchr  k_strchr
#define strrchr k_strrchr
#define strstr  k_strstr
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#include "lib/errno.h"

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void fill_random(uint8_t *p, size_t n, unsigned int letters)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((unsigned int)rand() % letters);
}

static void test_memory(void **state)
{
	uint8_t a[256], b[256];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand() % 100, from = (size_t)rand() % 100,
		       to = (size_t)rand() % 100;

		fill_random(a, sizeof(a), 256);
		memcpy(b, a, sizeof(a));
		assert_ptr_equal(k_memmove(a + to, a + from, n), a + to);
		memmove(b + to, b + from, n);
		assert_memory_equal(a, b, sizeof(a));
		assert_ptr_equal(k_memset(a + to, (int)from, n), a + to);
		memset(b + to, (int)from, n);
		assert_memory_equal(a, b, sizeof(a));
		assert_ptr_equal(k_memcpy(a, b + 100, n), a);
		memcpy(b, b + 100, n);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void test_compare(void **state)
{
	char a[16], b[16];

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t n = (size_t)rand() % 16;

		fill_random((uint8_t *)a, 15, 3);
		fill_random((uint8_t *)b, 15, 3);
		a[15] = b[15] = '\0';
		assert_int_equal(sign(k_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		assert_int_equal(sign(k_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(k_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		assert_int_equal(k_strlen(a), strlen(a));
		assert_int_equal(k_strnlen(a, n), strnlen(a, n));
		assert_ptr_equal(k_strchr(a, 2), strchr(a, 2));
		assert_ptr_equal(k_strchr(a, 0), strchr(a, 0));
		assert_ptr_equal(k_strrchr(a, 1), strrchr(a, 1));
		assert_ptr_equal(k_strrchr(a, 0), strrchr(a, 0));
		assert_ptr_equal(k_memchr(a, 2, n), memchr(a, 2, n));
		b[3] = '\0';
		assert_ptr_equal(k_strstr(a, b), strstr(a, b));
	}
	assert_true(k_strcmp("\x80", "a") > 0);
}

static void test_str_copy(void **state)
{
	char buf[4] = "zzz";

	(void)state;
	assert_int_equal(str_copy(buf, "ab", sizeof(buf)), 2);
	assert_string_equal(buf, "ab");
	assert_int_equal(str_copy(buf, "abcdef", sizeof(buf)), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(str_copy(buf, "x", 0), 1);
	assert_string_equal(buf, "abc");
	assert_true(str_starts("console=ttyS0", "console="));
	assert_false(str_starts("con", "console"));
}

static int parse(const char *s, bool suffix, uint64_t *v)
{
	return str_to_u64(s, strlen(s), suffix, v);
}

static void test_numbers(void **state)
{
	uint64_t v = 77;

	(void)state;
	assert_int_equal(parse("", true, &v), -EINVAL);
	assert_int_equal(parse("0x", true, &v), -EINVAL);
	assert_int_equal(parse("12a", true, &v), -EINVAL);
	assert_int_equal(parse("-1", true, &v), -EINVAL);
	assert_int_equal(parse("1K", false, &v), -EINVAL);
	assert_int_equal(parse("K", true, &v), -EINVAL);
	assert_int_equal(parse("18446744073709551616", true, &v), -ERANGE);
	assert_int_equal(parse("16777216T", true, &v), -ERANGE);
	assert_int_equal(v, 77);
	assert_int_equal(parse("18446744073709551615", true, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse("0xFfFfFfFfFfFfFfFf", true, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse("16777215T", true, &v), 0);
	assert_true(v == TiB(16777215));
	assert_int_equal(parse("3g", true, &v), 0);
	assert_true(v == GiB(3));
	assert_int_equal(parse("0x10M", true, &v), 0);
	assert_true(v == MiB(16));
	assert_int_equal(parse("007", true, &v), 0);
	assert_int_equal(v, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_str_copy),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
