/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one page-table walker. A pt_format describes a kind of table (host, NPT; EPT adds a row); nothing else knows its bits.
 *
 * Locks: the table's own lock (LOCK_RANK_PT) guards its entries. pt_map and pt_unmap take it. Entries are written so that a hardware
 * walk at any moment sees old or new. TLB work is the caller's: see mem/tlb.h.
 */
#pragma once

#include "lock/lock.h"
#include "mem/page.h"

#define PT_READ	   1u
#define PT_WRITE   2u
#define PT_EXEC	   4u
#define PT_USER	   8u
#define PT_GLOBAL  16u
#define PT_UNCACHED 32u
#define PT_DIRTY   64u /* query: dirty bit; map: set it from the start */

struct pt_format {
	const char *name;
	unsigned levels;	   /* 4 */
	unsigned max_leaf_level;   /* 0: 4K only, 1: 2M, 2: 1G */
	uint64_t address_mask;
	uint64_t (*leaf)(uint64_t pa, unsigned level, unsigned rights);
	uint64_t (*table)(uint64_t pa);
	bool (*present)(uint64_t entry);
	bool (*is_leaf)(uint64_t entry, unsigned level);
	unsigned (*rights)(uint64_t entry);
};

extern struct pt_format pt_host_format; /* 1G leaves when CPUID has them: adjusted once at boot */
extern struct pt_format pt_npt_format;

struct page_table {
	const struct pt_format *format; /* [I] */
	struct lock	  lock;
	phys_t		  root;	 /* [I] */
	struct container *owner; /* [I] tables are charged to it */
	uint64_t	  nr_tables;
};

int  pt_init(struct page_table *pt, const struct pt_format *format, struct container *owner); /* 0 or -ENOMEM */
/* Frees all tables (not what the leaves point to). Nobody may still walk it. */
void pt_destroy(struct page_table *pt);

/*
 * Maps [va, va+size) to [pa, pa+size) with the largest leaves that fit up to max_level. -EEXIST when something is mapped there,
 * -ENOMEM; on failure nothing is mapped.
 */
int pt_map(struct page_table *pt, uint64_t va, phys_t pa, uint64_t size, unsigned rights, unsigned max_level);

/* Unmaps what is mapped in [va, va+size), splitting large leaves at the ends (-ENOMEM before anything changed). Empty tables are freed. */
int pt_unmap(struct page_table *pt, uint64_t va, uint64_t size);

/* Changes the rights of what is mapped in the range; splits as pt_unmap does. */
int pt_protect(struct page_table *pt, uint64_t va, uint64_t size, unsigned rights);

struct pt_leaf {
	phys_t	 pa;	/* of the address asked for, not of the leaf's start */
	unsigned level; /* 0: 4K, 1: 2M, 2: 1G */
	unsigned rights;
};
/* false: not mapped. Takes no lock: the answer may be old by the time it is read. */
bool pt_query(const struct page_table *pt, uint64_t va, struct pt_leaf *leaf);
