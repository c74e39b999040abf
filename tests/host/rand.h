/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers for host tests: the same in every run (xorshift64*). */
#pragma once

#include "lib/types.h"

static inline uint64_t host_rand(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* 0 .. n-1 */
static inline uint64_t host_rand_below(uint64_t *state, uint64_t n)
{
	return (host_rand(state) >> 11) % n;
}
