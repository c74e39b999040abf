// SPDX-License-Identifier: GPL-2.0-or-later
// One walk for the four kinds of paging: each is a row that says how many levels there are and how
// wide an entry and an index are. Rights are collected on the way down and judged at the leaf;
// accessed and dirty bits are set after that, as the CPU does before it completes the access.

#include "vmm/emu/parts.h"

#define PTE_P  (1ull << 0)
#define PTE_W  (1ull << 1)
#define PTE_U  (1ull << 2)
#define PTE_A  (1ull << 5)
#define PTE_D  (1ull << 6)
#define PTE_PS (1ull << 7)
#define PTE_NX (1ull << 63)

#define PF_PRESENT  1u
#define PF_WRITE    2u
#define PF_USER     4u
#define PF_RESERVED 8u
#define PF_FETCH    16u

#define LEVELS_MAX 5

struct paging {
	unsigned levels, entry_size, index_bits;
	uint64_t root_mask; /* address bits of CR3 */
	uint64_t entry_mask;
	unsigned large_levels; /* levels (1: leaf tables) whose entries may be large pages */
};

static const struct paging paging32 = { 2, 4, 10, 0xfffff000, 0xfffff000, 0 };
static const struct paging paging32_pse = { 2, 4, 10, 0xfffff000, 0xfffff000, 2 };
static const struct paging paging_pae = { 3, 8, 9, 0xffffffe0, 0xffffffffff000, 2 };
static const struct paging paging_long = { 4, 8, 9, 0xffffffffff000, 0xffffffffff000, 3 };
static const struct paging paging_la57 = { 5, 8, 9, 0xffffffffff000, 0xffffffffff000, 3 };

struct walk {
	uint64_t entries[LEVELS_MAX]; /* by level - 1 */
	void *places[LEVELS_MAX];
	uint64_t all; /* AND of all entries: P W U */
	bool nx;
	unsigned level; /* of the leaf */
};

static const struct paging *paging_of(const struct emu *e)
{
	if (e->sregs.efer & EFER_LMA)
		return e->sregs.cr4 & CR4_LA57 ? &paging_la57 : &paging_long;
	if (e->sregs.cr4 & CR4_PAE)
		return &paging_pae;
	return e->sregs.cr4 & CR4_PSE ? &paging32_pse : &paging32;
}

static bool page_fault(struct emu *e, uint64_t linear, unsigned access, uint32_t error)
{
	if (access & ACCESS_WRITE)
		error |= PF_WRITE;
	if (e->cpl == 3)
		error |= PF_USER;
	if (access & ACCESS_EXEC && (e->sregs.efer & EFER_NXE || e->sregs.cr4 & CR4_SMEP))
		error |= PF_FETCH;
	e->sregs.cr2 = linear;
	return emu_raise(e, VECTOR_PF, error);
}

static unsigned shift_of(const struct paging *p, unsigned level)
{
	return 12 + (level - 1) * p->index_bits;
}

/* PAE's top table has four entries without rights. */
static bool is_pdpte(const struct paging *p, unsigned level)
{
	return p == &paging_pae && level == 3;
}

/* Reads the entry of `level`; false: noted. */
static bool read_entry(struct emu *e, const struct paging *p, struct walk *w, uint64_t table,
		       uint64_t linear, unsigned level)
{
	uint64_t index = linear >> shift_of(p, level);
	uint64_t at = table + (index & ((1u << p->index_bits) - 1)) * p->entry_size;
	void *place = ram_ptr(e->ram, at, p->entry_size);

	if (!place)
		return emu_fail(e, "a page table at 0x%llx, where no memory is",
				(unsigned long long)at);
	w->places[level - 1] = place;
	w->entries[level - 1] = p->entry_size == 4
					? __atomic_load_n((uint32_t *)place, __ATOMIC_RELAXED)
					: __atomic_load_n((uint64_t *)place, __ATOMIC_RELAXED);
	return true;
}

static bool is_leaf(const struct paging *p, uint64_t entry, unsigned level)
{
	return level == 1 || (level <= p->large_levels && entry & PTE_PS);
}

static bool reserved_bits(const struct emu *e, const struct paging *p, uint64_t entry,
			  unsigned level)
{
	uint64_t page = (1ull << shift_of(p, level)) - 1;

	if (p->entry_size == 4)
		return level == 2 && is_leaf(p, entry, level) && entry & 1ull << 21;
	if (is_pdpte(p, level))
		return entry & 0x1e6;
	if (entry & PTE_NX && !(e->sregs.efer & EFER_NXE))
		return true;
	if (level >= 4 && entry & PTE_PS)
		return true;
	/* Address bits inside of a large page, but for the PAT bit. */
	return level > 1 && is_leaf(p, entry, level) && entry & p->entry_mask & page & ~0x1fffull;
}

static bool allowed(const struct emu *e, const struct walk *w, unsigned access)
{
	bool user_page = w->all & PTE_U;

	if (e->cpl == 3 && !user_page)
		return false;
	if (access & ACCESS_EXEC)
		return !w->nx && !(e->cpl != 3 && user_page && e->sregs.cr4 & CR4_SMEP);
	if (e->cpl != 3 && user_page && e->sregs.cr4 & CR4_SMAP && !(e->regs.rflags & RFLAGS_AC))
		return false;
	if (access & ACCESS_WRITE && !(w->all & PTE_W))
		return e->cpl != 3 && !(e->sregs.cr0 & CR0_WP);
	return true;
}

/* The entry may have changed since it was read: then the bits are not for it. */
static void set_bits(const struct paging *p, const struct walk *w, unsigned level, uint64_t bits)
{
	uint64_t old = w->entries[level - 1];
	uint32_t old32 = (uint32_t)old;

	if ((old & bits) == bits)
		return;
	if (p->entry_size == 4)
		__atomic_compare_exchange_n((uint32_t *)w->places[level - 1], &old32,
					    old32 | (uint32_t)bits, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	else
		__atomic_compare_exchange_n((uint64_t *)w->places[level - 1], &old, old | bits,
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void mark(const struct paging *p, const struct walk *w, unsigned access)
{
	for (unsigned level = p->levels; level >= w->level; level--) {
		uint64_t bits = PTE_A;

		if (level == w->level && access & ACCESS_WRITE)
			bits |= PTE_D;
		if (!is_pdpte(p, level))
			set_bits(p, w, level, bits);
	}
}

static uint64_t leaf_address(const struct paging *p, const struct walk *w, uint64_t linear)
{
	uint64_t page = (1ull << shift_of(p, w->level)) - 1, entry = w->entries[w->level - 1];
	uint64_t base = entry & p->entry_mask & ~page;

	/* 4 MiB pages: bits 39:32 of the address are in 20:13. */
	if (p->entry_size == 4 && w->level == 2)
		base |= (entry >> 13 & 0xff) << 32;
	return base | (linear & page);
}

static bool walk(struct emu *e, const struct paging *p, uint64_t linear, unsigned access,
		 struct walk *w)
{
	uint64_t table = e->sregs.cr3 & p->root_mask;

	for (w->level = p->levels;; w->level--) {
		uint64_t entry;

		if (!read_entry(e, p, w, table, linear, w->level))
			return false;
		entry = w->entries[w->level - 1];
		if (!(entry & PTE_P))
			return page_fault(e, linear, access, 0);
		if (reserved_bits(e, p, entry, w->level))
			return page_fault(e, linear, access, PF_PRESENT | PF_RESERVED);
		if (!is_pdpte(p, w->level)) {
			w->all &= entry;
			w->nx |= p->entry_size == 8 && entry & PTE_NX;
		}
		if (is_leaf(p, entry, w->level))
			return true;
		table = entry & p->entry_mask;
	}
}

bool emu_translate(struct emu *e, uint64_t linear, unsigned access, uint64_t *gpa)
{
	const struct paging *p = paging_of(e);
	struct walk w = { .all = UINT64_MAX };

	if (!(e->sregs.cr0 & CR0_PG)) {
		*gpa = linear;
		return true;
	}
	if (!walk(e, p, linear, access, &w))
		return false;
	if (!allowed(e, &w, access))
		return page_fault(e, linear, access, PF_PRESENT);
	mark(p, &w, access);
	*gpa = leaf_address(p, &w, linear);
	return true;
}
