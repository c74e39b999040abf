// SPDX-License-Identifier: GPL-2.0-or-later
// A table of ranges, searched from the first one. Lengths are compared without adding, so that
// a parser's wild length cannot wrap the check.
#include "tests/host/phys.h"

#include <stdlib.h>

static struct {
	phys_t base;
	const char *bytes;
	uint64_t size;
} ranges[PHYS_RANGES];
static unsigned int nr_ranges;

void phys_reset(void)
{
	nr_ranges = 0;
}

void phys_add(phys_t base, const void *bytes, uint64_t size)
{
	if (nr_ranges == PHYS_RANGES)
		abort();
	ranges[nr_ranges].base = base;
	ranges[nr_ranges].bytes = bytes;
	ranges[nr_ranges++].size = size;
}

const void *phys_map(phys_t pa, uint64_t len)
{
	for (unsigned int i = 0; i < nr_ranges; i++) {
		if (pa < ranges[i].base || pa - ranges[i].base > ranges[i].size)
			continue;
		uint64_t off = pa - ranges[i].base;
		if (len != 0 && len <= ranges[i].size - off)
			return ranges[i].bytes + off;
	}
	return NULL;
}
