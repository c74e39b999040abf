/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of physical ranges, for the start. Pure functions on caller's arrays; host-testable. Sorted
 * and disjoint after ranges_normalize(); sizes are multiples of 4096 then.
 */
#pragma once

#include "mem/init.h"

struct range_set {
	unsigned nr;
	struct mem_range at[MEM_RANGES_MAX];
};

/*
 * Copies `in` to `out`: whole pages below `limit` (shrunk inwards if `inwards`, else outwards),
 * sorted, without overlaps (the range that stands first in `in` wins), neighbours of one node
 * joined. false: more than MEM_RANGES_MAX.
 */
bool ranges_normalize(struct range_set *out, const struct mem_range *in, unsigned nr, bool inwards,
		      phys_t limit);

/* out = a less b; both normalized. false: too many. */
bool ranges_subtract(struct range_set *out, const struct range_set *a, const struct range_set *b);

/* out = what of `a` lies in `b`; the nodes are a's. false: too many. */
bool ranges_intersect(struct range_set *out, const struct range_set *a, const struct range_set *b);

uint64_t ranges_size(const struct range_set *s);

/*
 * Takes `size` bytes, aligned, out of the set, as high as they fit below `limit`; 0: nowhere. *node
 * gets the range's.
 */
phys_t ranges_take(struct range_set *s, uint64_t size, uint64_t align, phys_t limit, int *node);
