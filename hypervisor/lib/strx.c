// SPDX-License-Identifier: GPL-2.0-or-later
// String functions that libc lacks: bounded copy, prefix test and number parsing. All of them
// look only at the bytes that they are given, and report what doesn't fit instead of cutting it
// silently. Used in the kernel and on the host.
#include "lib/string.h"
#include "lib/errno.h"

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size != 0) {
		size_t n = MIN(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* The shift that a size suffix stands for, or -1. */
static int suffix_shift(char c)
{
	static const char letters[] = "kmgt";

	for (int i = 0; i < 4; i++) {
		if ((c | 0x20) == letters[i])
			return 10 * (i + 1);
	}
	return -1;
}

int str_to_u64(const char *s, size_t len, bool suffix, uint64_t *out)
{
	int shift = suffix && len > 1 ? suffix_shift(s[len - 1]) : -1;
	unsigned int base = 10;
	uint64_t v = 0;

	if (shift > 0)
		len--;
	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
		len -= 2;
	}
	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = (unsigned int)digit_value(s[i]);

		if (d >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return -ERANGE;
	}
	if (shift > 0 && v >> (64 - shift) != 0)
		return -ERANGE;
	*out = shift > 0 ? v << shift : v;
	return 0;
}
