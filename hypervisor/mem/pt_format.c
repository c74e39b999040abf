// SPDX-License-Identifier: GPL-2.0-or-later
// The formats. Host and nested tables are the same x86-64 entries (AMD APM 2,
// "Page-Translation-Table Entry Fields" and "Nested Paging"); in nested ones every guest access is
// a user access, so U/S is set throughout. The address of a leaf that is kept but not present is
// stored inverted, so that no CPU forwards data from it (L1TF).
#include "mem/pt.h"

#define PTE_P     (1ull << 0)
#define PTE_W     (1ull << 1)
#define PTE_U     (1ull << 2)
#define PTE_PWT   (1ull << 3)
#define PTE_PCD   (1ull << 4)
#define PTE_A     (1ull << 5)
#define PTE_D     (1ull << 6)
#define PTE_PS    (1ull << 7)
#define PTE_G     (1ull << 8)
#define PTE_OWNED (1ull << 9)  /* available to software */
#define PTE_KEPT  (1ull << 10) /* available to software: a leaf without P */
#define PTE_NX    (1ull << 63)
#define PTE_ADDR  0x000ffffffffff000ull

static phys_t leaf_mask(unsigned level)
{
	return PTE_ADDR & ~(pt_level_size(level) - 1);
}

static uint64_t bit_if(unsigned rights, unsigned right, uint64_t bit)
{
	return rights & right ? bit : 0;
}

static uint64_t x86_leaf(phys_t pa, unsigned level, unsigned rights)
{
	uint64_t e = PTE_A;

	e |= bit_if(rights, PT_WRITE, PTE_W);
	e |= bit_if(~rights, PT_EXEC, PTE_NX);
	e |= bit_if(rights, PT_UNCACHED, PTE_PCD | PTE_PWT);
	e |= bit_if(rights, PT_DIRTY, PTE_D);
	e |= bit_if(rights, PT_OWNED, PTE_OWNED);
	e |= level ? PTE_PS : 0;
	if (rights & PT_READ)
		return e | PTE_P | pa;
	return e | PTE_KEPT | (~pa & leaf_mask(level));
}

static uint64_t host_leaf(phys_t pa, unsigned level, unsigned rights)
{
	return x86_leaf(pa, level, rights) | bit_if(rights, PT_USER, PTE_U) |
	       bit_if(rights, PT_GLOBAL, PTE_G);
}

static uint64_t npt_leaf(phys_t pa, unsigned level, unsigned rights)
{
	return x86_leaf(pa, level, rights) | PTE_U;
}

/* Tables give every right; the leaves decide. */
static uint64_t x86_table(phys_t pa)
{
	return pa | PTE_P | PTE_W | PTE_U | PTE_A;
}

static bool x86_is_leaf(uint64_t entry, unsigned level)
{
	return level == 0 || (entry & PTE_PS);
}

static phys_t x86_address(uint64_t entry, unsigned level, bool leaf)
{
	phys_t mask = leaf ? leaf_mask(level) : PTE_ADDR;

	return (entry & PTE_P ? entry : ~entry) & mask;
}

static unsigned x86_rights(uint64_t e)
{
	unsigned rights = 0;

	rights |= e & PTE_P ? PT_READ : 0;
	rights |= e & PTE_W ? PT_WRITE : 0;
	rights |= e & PTE_NX ? 0 : PT_EXEC;
	rights |= (e & (PTE_PCD | PTE_PWT)) ? PT_UNCACHED : 0;
	rights |= e & PTE_D ? PT_DIRTY : 0;
	rights |= e & PTE_OWNED ? PT_OWNED : 0;
	return rights;
}

static unsigned host_rights(uint64_t e)
{
	return x86_rights(e) | (e & PTE_U ? PT_USER : 0) | (e & PTE_G ? PT_GLOBAL : 0);
}

struct pt_format pt_host_format = {
	.name = "host",
	.max_leaf_level = PT_LEVEL_2M,
	.leaf = host_leaf,
	.table = x86_table,
	.is_leaf = x86_is_leaf,
	.address = x86_address,
	.rights = host_rights,
};

struct pt_format pt_npt_format = {
	.name = "npt",
	.max_leaf_level = PT_LEVEL_2M,
	.leaf = npt_leaf,
	.table = x86_table,
	.is_leaf = x86_is_leaf,
	.address = x86_address,
	.rights = x86_rights,
};

const struct pt_format pt_index_format = {
	.name = "index",
	.max_leaf_level = PT_LEVEL_1G,
	.leaf = npt_leaf,
	.table = x86_table,
	.is_leaf = x86_is_leaf,
	.address = x86_address,
	.rights = x86_rights,
};
