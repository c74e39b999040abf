/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Bit arithmetic on 64-bit words. Pure functions. */
#include "lib/types.h"

#define BIT(n) (1ULL << (n))
/* Mask of the bits hi..lo, both included; 0 <= lo <= hi <= 63. */
#define BITS(hi, lo) ((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))
/* The field hi..lo of `v`, shifted down. */
#define BITS_GET(v, hi, lo) (((v)&BITS(hi, lo)) >> (lo))

static inline bool is_pow2(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* Number of the lowest set bit; x != 0. */
static inline unsigned int bit_lowest(uint64_t x)
{
	return (unsigned int)__builtin_ctzll(x);
}

/* Number of the highest set bit (floor of log2); x != 0. */
static inline unsigned int bit_highest(uint64_t x)
{
	return 63u ^ (unsigned int)__builtin_clzll(x);
}

/* Ceiling of log2; x != 0. */
static inline unsigned int log2_up(uint64_t x)
{
	return bit_highest(x) + !is_pow2(x);
}

/* Smallest power of two >= x; 1 <= x <= 2^63. */
static inline uint64_t pow2_up(uint64_t x)
{
	return BIT(log2_up(x));
}

/* Number of set bits. Not the builtin: without POPCNT that calls into libgcc. */
static inline unsigned int bit_count(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned int)((x * 0x0101010101010101ULL) >> 56);
}

/* for_each_bit(i, word): i runs over the numbers of the set bits of a 64-bit word, upwards. */
#define for_each_bit(i, word)                                         \
	for (uint64_t bits_left_ = (word);                            \
	     bits_left_ != 0 && ((i) = bit_lowest(bits_left_), true); \
	     bits_left_ &= bits_left_ - 1)
