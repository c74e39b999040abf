/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Bounds that hold on mispredicted paths as well (Spectre variant 1; AMD, "Software Techniques for
 * Managing Speculation on AMD Processors", V1-1). For an index that a guest or ring 3 chose, behind
 * the ordinary check of its range. Pure functions; no branch.
 */
#include "lib/types.h"

/* `index` if index < size, else 0. */
static inline uint64_t nospec_index(uint64_t index, uint64_t size)
{
	uint64_t mask;

	__asm__("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(index), "r"(size) : "cc");
	return index & mask;
}
