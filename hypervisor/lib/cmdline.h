/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The kernel command line: words separated by blanks, `name` or `name=value`. A value may be in
 * double quotes, which are then not part of it: name="a b". When a name comes twice, the later
 * wins. No state, no locks.
 */
#include "lib/types.h"

/* One word; the pointers lead into the command line and are not terminated. */
struct cmdline_word {
	const char *name;
	size_t name_len;
	const char *value; /* NULL: no `=` */
	size_t value_len;
};

/* Fetch the word at *pos and move *pos behind it. False at the end of the line. */
bool cmdline_next(const char **pos, struct cmdline_word *w);

/* Is it called so? Has it that value? */
bool cmdline_is(const struct cmdline_word *w, const char *name);
bool cmdline_value_is(const struct cmdline_word *w, const char *value);

/* Is it the lone `--`, behind which other rules hold? */
bool cmdline_ends(const struct cmdline_word *w);

/*
 * Copy its value into buf[size], NUL-terminated. The length, or -EINVAL (it has none),
 * -ENAMETOOLONG (does not fit; buf is left alone).
 */
int cmdline_copy(const struct cmdline_word *w, char *buf, size_t size) __must_check;

/*
 * Its value as a number (0x..., decimal, suffix K M G T). 0, or -EINVAL, -ERANGE; *out is written
 * only on success.
 */
int cmdline_number(const struct cmdline_word *w, uint64_t *out) __must_check;
