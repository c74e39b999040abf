/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel command line: words separated by white space, each NAME or NAME=VALUE. A value may be
 * in double quotes to hold white space. The line is NUL-terminated and never changed.
 */
#pragma once

#include "lib/types.h"

struct cmdline_word {
	const char *name;
	size_t name_len;
	const char *value; /* NULL: a word without '=' */
	size_t value_len;
};

/* Reads the word at *cursor and moves the cursor behind it; false at the end of the line. */
bool cmdline_next(const char **cursor, struct cmdline_word *word);

/* The last word of that name, so that a later one overrides an earlier one; false: none. */
bool cmdline_find(const char *cmdline, const char *name, struct cmdline_word *word);

/* Is the word there, with or without a value? */
bool cmdline_has(const char *cmdline, const char *name);

bool cmdline_name_is(const struct cmdline_word *word, const char *name);

/* Copies the value of `name` to buf[size], cut to fit; false: no such word or no value. */
bool cmdline_copy(const char *cmdline, const char *name, char *buf, size_t size);
