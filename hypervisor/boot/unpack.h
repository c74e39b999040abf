/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An initrd of several parts, some of them compressed, to one row of plain archives. Host-testable;
 * boot CPU.
 */
#pragma once

#include "lib/inflate.h"

struct unpack_result {
	size_t size;      /* bytes of output */
	const char *what; /* NULL: all is well; else what is wrong with the part at `at` */
	size_t at;        /* offset in the input */
};

/* Is any part of in[0..size) something else than a plain archive? */
bool unpack_needed(const uint8_t *in, size_t size);

/*
 * Puts every part to out[0..room), each at a multiple of 4; stops at the first that is damaged,
 * unknown or too large. Parts are newc archives (damaged ones go in as they are: their reader says
 * so), gzip and LZ4's legacy frames. `progress` is told how much of the input is done.
 */
struct unpack_result unpack(const uint8_t *in, size_t size, uint8_t *out, size_t room,
			    struct inflate_work *work, const struct progress *progress);
