/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the kernel's command line: one table, which says what each may be, what holds
 * without it, and what it is for. It checks a command line, answers those who ask for a word, and
 * is the source of docs/boot.md. What stands behind a lone `--` is init's and none of ours.
 *
 * Pure functions on strings, any context, no locks; host-testable.
 */
#pragma once

#include "lib/cmdline.h"

/* The exit code that an emulator is told of when strata.panic=poweroff ends the machine. */
#define BOOT_PANIC_CODE 126

struct boot_word {
	const char *name;
	/*
	 * Alternatives, `|` between them: one in small letters is meant as it stands, one in
	 * capitals is a number from `min` to `max`, or any text when `max` is 0. NULL: the word
	 * has no value.
	 */
	const char *values;
	const char *preset; /* what holds without the word, for people; NULL: nothing does */
	const char *help;
	uint64_t min, max, number; /* number: what holds without the word */
	bool bare;                 /* the value may be missing */
	bool debug;                /* of the debug image alone */
	bool loader;               /* put there by loaders, of no meaning for the kernel */
	bool (*good)(const struct cmdline_word *w); /* instead of the check by `values` */
};

extern const struct boot_word boot_words[];
extern const unsigned int nr_boot_words;

/*
 * One line for each word that is not in the table, or has not the value that it should. A word
 * with a dot whose first part is none of ours is another program's, and nobody is told.
 */
void boot_words_check(const char *cmdline, bool debug, void (*warn)(const char *line));

/* The last word `name` (of the table) whose value is good; w may be NULL. False: there is none. */
bool boot_word_find(const char *cmdline, const char *name, struct cmdline_word *w);

/* Its value, NUL-terminated: the length; -ENOENT, also without a value; -ENAMETOOLONG. */
int boot_word_str(const char *cmdline, const char *name, char *buf, size_t size) __must_check;

/* Its value as a number; what holds without the word when it is not there, or no number. */
uint64_t boot_word_number(const char *cmdline, const char *name);

/* Which alternative of `values` its value is, from 0; -ENOENT: there is none. */
int boot_word_choice(const char *cmdline, const char *name) __must_check;
