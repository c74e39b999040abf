// SPDX-License-Identifier: GPL-2.0-or-later
// The map is cut at every entry's start and end. Within one slice the set of entries is constant:
// the strongest gives the slice its type, and equal neighbours are joined while they are written.
// Quadratic, but a map has a few dozen entries and this runs once.
#include "boot/mem_map.h"

#include "lib/string.h"

static phys_t cuts[2 * BOOT_MEM_MAX];
static struct boot_mem result[BOOT_MEM_MAX];

static void sort_cuts(unsigned int nr)
{
	for (unsigned int i = 1; i < nr; i++) {
		phys_t v = cuts[i];
		unsigned int j = i;
		for (; j > 0 && cuts[j - 1] > v; j--)
			cuts[j] = cuts[j - 1];
		cuts[j] = v;
	}
}

/* The type of the strongest entry that covers `at`; 0: none does. */
static unsigned int type_at(const struct boot_mem *mem, unsigned int nr, phys_t at)
{
	unsigned int type = 0;
	for (unsigned int i = 0; i < nr; i++)
		if (mem[i].base <= at && at - mem[i].base < mem[i].size)
			type = MAX(type, (unsigned int)mem[i].type);
	return type;
}

unsigned int mem_map_sanitize(struct boot_mem *mem, unsigned int nr)
{
	unsigned int out = 0;
	for (unsigned int i = 0; i < nr; i++) {
		cuts[2 * i] = mem[i].base;
		cuts[2 * i + 1] = mem[i].base + mem[i].size;
	}
	sort_cuts(2 * nr);
	for (unsigned int i = 0; i + 1 < 2 * nr; i++) {
		phys_t base = cuts[i], end = cuts[i + 1];
		if (base == end)
			continue;
		unsigned int type = type_at(mem, nr, base);
		if (type == 0)
			continue;
		struct boot_mem *last = out > 0 ? &result[out - 1] : NULL;
		if (last && last->type == type && last->base + last->size == base) {
			last->size += end - base;
			continue;
		}
		if (out == BOOT_MEM_MAX)
			return 0;
		result[out++] = (struct boot_mem){ base, end - base, (enum boot_mem_type)type };
	}
	memcpy(mem, result, out * sizeof(*mem));
	return out;
}

bool mem_map_is_ram(const struct boot_mem *mem, unsigned int nr, phys_t base, uint64_t size)
{
	for (unsigned int i = 0; i < nr; i++)
		if (mem[i].type == BOOT_MEM_RAM && base >= mem[i].base &&
		    base - mem[i].base < mem[i].size)
			return size <= mem[i].size - (base - mem[i].base);
	return false;
}

uint64_t mem_map_ram_above(const struct boot_mem *mem, unsigned int nr, phys_t limit)
{
	uint64_t above = 0;

	for (unsigned int i = 0; i < nr; i++) {
		phys_t end = mem[i].base + mem[i].size;

		if (mem[i].type == BOOT_MEM_RAM && end > limit)
			above += end - MAX(mem[i].base, limit);
	}
	return above;
}

/* The first of `avoid` that touches [base, base+size); NULL: none. */
static const struct boot_mem *overlap(const struct boot_mem *avoid, unsigned int nr, phys_t base,
				      uint64_t size)
{
	for (unsigned int i = 0; i < nr; i++)
		if (mem_ranges_overlap(avoid[i].base, avoid[i].size, base, size))
			return &avoid[i];
	return NULL;
}

phys_t mem_map_find(const struct boot_mem *mem, unsigned int nr, const struct boot_mem *avoid,
		    unsigned int nr_avoid, phys_t from, phys_t limit, uint64_t size, uint64_t align)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (mem[i].type != BOOT_MEM_RAM || mem[i].base >= limit)
			continue;
		phys_t end = MIN(mem[i].base + mem[i].size, limit);
		phys_t at = ALIGN_UP(MAX(mem[i].base, from), align);
		while (at < end && size <= end - at) {
			const struct boot_mem *hit = overlap(avoid, nr_avoid, at, size);
			if (!hit)
				return at;
			at = ALIGN_UP(hit->base + hit->size, align);
		}
	}
	return 0;
}
