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

/* The last word called `name`. False if there is none. */
bool cmdline_find(const char *line, const char *name, struct cmdline_word *w);

/* Is there a word `name`, with or without a value? */
bool cmdline_has(const char *line, const char *name);

/*
 * Copy the value of `name` into buf[size], NUL-terminated. Its length, or -ENOENT (no such word),
 * -EINVAL (it has no value), -ENAMETOOLONG (does not fit; buf is left alone).
 */
int cmdline_str(const char *line, const char *name, char *buf, size_t size) __must_check;

/*
 * The value of `name` as a number (0x..., decimal, suffix K M G T). 0, or -ENOENT, -EINVAL,
 * -ERANGE; *out is written only on success.
 */
int cmdline_u64(const char *line, const char *name, uint64_t *out) __must_check;
