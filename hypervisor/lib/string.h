/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The C library's memory and string functions that the kernel uses, with their standard
 * contracts (string.c, kernel only: on the host libc has them), and a few that libc lacks
 * (strx.c, both). No state, no locks.
 */
#include "lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);

/*
 * Copy `src` into dst[size], always NUL-terminated unless size is 0. Returns strlen(src): a
 * result >= size says that the copy was cut short.
 */
size_t str_copy(char *dst, const char *src, size_t size);
#define strlcpy(dst, src, size) str_copy(dst, src, size)

/* Does `s` begin with `prefix`? */
bool str_starts(const char *s, const char *prefix);

/*
 * Parse the whole of s[0..len) as an unsigned number (0x for hexadecimal, else decimal), with an
 * optional suffix K, M, G or T (powers of 1024) if `suffix` is true.
 * 0, or -EINVAL (not a number) or -ERANGE (more than 64 bits); *out is written only on success.
 */
int str_to_u64(const char *s, size_t len, bool suffix, uint64_t *out) __must_check;
