/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Bitmaps of any length in arrays of uint64_t. Not atomic: the owner serializes access.
 * Lengths and positions are in bits; bits of the last word beyond the length are kept zero by
 * these functions and are never reported.
 */
#include "lib/bits.h"

#define BITMAP_WORDS(nbits)         (((nbits) + 63) / 64)
#define DECLARE_BITMAP(name, nbits) uint64_t name[BITMAP_WORDS(nbits)]

static inline void bitmap_zero(uint64_t *map, size_t nbits)
{
	for (size_t i = 0; i < BITMAP_WORDS(nbits); i++)
		map[i] = 0;
}

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
	return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

static inline void bitmap_set_range(uint64_t *map, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		bitmap_set(map, i);
}

static inline void bitmap_clear_range(uint64_t *map, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		bitmap_clear(map, i);
}

/* First bit >= from whose value, xor-ed with `invert`, is 1; nbits if there is none. */
static inline size_t bitmap_scan(const uint64_t *map, size_t nbits, size_t from, uint64_t invert)
{
	for (size_t w = from / 64; from < nbits; from = ++w * 64) {
		uint64_t word = (map[w] ^ invert) & (~0ULL << (from % 64));

		if (word != 0)
			return MIN(w * 64 + bit_lowest(word), nbits);
	}
	return nbits;
}

/* First set bit at or after `from`; nbits if there is none. */
static inline size_t bitmap_next_set(const uint64_t *map, size_t nbits, size_t from)
{
	return bitmap_scan(map, nbits, from, 0);
}

/* First clear bit at or after `from`; nbits if there is none. */
static inline size_t bitmap_next_clear(const uint64_t *map, size_t nbits, size_t from)
{
	return bitmap_scan(map, nbits, from, ~0ULL);
}

/* Number of set bits among the first nbits. */
static inline size_t bitmap_count(const uint64_t *map, size_t nbits)
{
	size_t n = 0;

	for (size_t i = 0; i < nbits / 64; i++)
		n += bit_count(map[i]);
	if (nbits % 64 != 0)
		n += bit_count(map[nbits / 64] & ~(~0ULL << (nbits % 64)));
	return n;
}

static inline bool bitmap_empty(const uint64_t *map, size_t nbits)
{
	return bitmap_next_set(map, nbits, 0) == nbits;
}

/* First run of `count` clear bits; its start, or nbits if there is none. count > 0. */
static inline size_t bitmap_find_clear_run(const uint64_t *map, size_t nbits, size_t count)
{
	size_t start = bitmap_next_clear(map, nbits, 0);

	while (start < nbits) {
		size_t end = bitmap_next_set(map, nbits, start);

		if (end - start >= count)
			return start;
		start = bitmap_next_clear(map, nbits, end);
	}
	return nbits;
}

/* for_each_set_bit(i, map, nbits): i (size_t) runs over the set bits, upwards. */
#define for_each_set_bit(i, map, nbits)                           \
	for ((i) = bitmap_next_set(map, nbits, 0); (i) < (nbits); \
	     (i) = bitmap_next_set(map, nbits, (i) + 1))
