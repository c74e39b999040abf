/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line says about the first program: `init=PATH` and, behind the word `--`, its
 * arguments; `strata.run=SCRIPT` and `strata.exit=VM` go before them as -r and -e. Pure parsing;
 * host-testable.
 */
#pragma once

#include "lib/types.h"

#define INIT_PATH_DEFAULT "/bin/init"
#define INIT_PATH_MAX     256
#define INIT_ARGS_MAX     2048 /* bytes of all arguments with their NULs */

struct init_words {
	char path[INIT_PATH_MAX];
	char args[INIT_ARGS_MAX]; /* one behind the other, each with its NUL; the first is the path
				   */
	size_t args_size;
	unsigned int nr_args;
};

/*
 * Blanks separate arguments; double quotes hold one together and are not part of it. 0, or -E2BIG:
 * something does not fit.
 */
int init_words_parse(const char *cmdline, struct init_words *w) __must_check;
