/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic on the machine's memory map. Host-testable; boot CPU only (static scratch memory). */
#pragma once

#include "boot/boot_info.h"

/* Whether two ranges have an address in common. Neither ends beyond 2^64. */
static inline bool mem_ranges_overlap(phys_t base, uint64_t size, phys_t other, uint64_t other_size)
{
	return base < other + other_size && other < base + size;
}

/*
 * Sorts the `nr` <= BOOT_MEM_MAX entries and makes them free of overlaps: where two overlap, the
 * one that is not RAM wins, between those the higher type. Neighbours of one type are joined.
 * Sizes are not 0 and no entry wraps. Returns the new number; 0: it would exceed BOOT_MEM_MAX.
 */
unsigned int mem_map_sanitize(struct boot_mem *mem, unsigned int nr);

/* Is all of [base, base+size) RAM by a sanitized map? */
bool mem_map_is_ram(const struct boot_mem *mem, unsigned int nr, phys_t base, uint64_t size);

/* Bytes of RAM at or above `limit`. */
uint64_t mem_map_ram_above(const struct boot_mem *mem, unsigned int nr, phys_t limit);

/*
 * The lowest `align`ed address >= from with `size` bytes of RAM below `limit`, clear of the `avoid`
 * ranges; 0: none.
 */
phys_t mem_map_find(const struct boot_mem *mem, unsigned int nr, const struct boot_mem *avoid,
		    unsigned int nr_avoid, phys_t from, phys_t limit, uint64_t size,
		    uint64_t align);
