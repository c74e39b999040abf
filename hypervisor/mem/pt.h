/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one page-table walker. A pt_format describes a kind of table (host, NPT, a memory object's
 *index; EPT adds a row); nothing else knows its bits.
 *
 * Locks: the table's own lock (LOCK_RANK_PT) guards its entries; all functions but pt_query take
 *it. Entries are written so that a hardware walk at any moment sees old or new.
 *
 * TLB work is the caller's: see mem/tlb.h. What pt_unmap takes out (leaves and tables that became
 *empty) may still be in use by CPUs that cached it: it is gathered, and freed by pt_gather_free
 *after the caller has flushed:
 *
 *	struct pt_gather g = { .leaf = my_leaf };
 *	pt_unmap(pt, va, size, &g);
 *	... flush ...
 *	pt_gather_free(pt, &g);
 */
#pragma once

#include "lock/lock.h"
#include "mem/page.h"

#define PT_READ     1u /* host format: a leaf without it is kept but not present */
#define PT_WRITE    2u
#define PT_EXEC     4u
#define PT_USER     8u
#define PT_GLOBAL   16u
#define PT_UNCACHED 32u
#define PT_DIRTY    64u  /* query: dirty bit; map: set it from the start */
#define PT_OWNED    128u /* for the caller: stored with the leaf, no meaning to the hardware */

#define PT_RWX (PT_READ | PT_WRITE | PT_EXEC)

#define PT_LEVELS   4
#define PT_VA_BITS  48
#define PT_LEVEL_4K 0
#define PT_LEVEL_2M 1
#define PT_LEVEL_1G 2

/* An entry of 0 is empty in every format. */
struct pt_format {
	const char *name;
	unsigned max_leaf_level; /* 0: 4K only, 1: 2M, 2: 1G */
	uint64_t (*leaf)(phys_t pa, unsigned level, unsigned rights);
	uint64_t (*table)(phys_t pa);
	bool (*is_leaf)(uint64_t entry, unsigned level); /* of an entry that is not empty */
	phys_t (*address)(uint64_t entry, unsigned level, bool leaf);
	unsigned (*rights)(uint64_t entry);
};

extern struct pt_format
	pt_host_format; /* 1G leaves when CPUID has them: mem_init adjusts both once */
extern struct pt_format pt_npt_format;
extern const struct pt_format
	pt_index_format; /* of no hardware: maps offsets to pages, all sizes */

struct page_table {
	const struct pt_format *format; /* [I] */
	struct lock lock;
	phys_t root;             /* [I] */
	struct container *owner; /* [I] tables are charged to it */
	phys_t (*alloc)(struct page_table *
				pt); /* [I] a page for a table, zeroed, never 0; NULL: page_alloc */
	unsigned top_entries; /* [I] so many entries of the root are this table's own, the rest are
				 shared */
	bool keep_upper; /* [I] empty tables of the upper half stay (kernel: others share them) */
	uint64_t nr_tables; /* [lock] with the root */
};

int pt_init(struct page_table *pt, const struct pt_format *format,
	    struct container *owner); /* 0 or -ENOMEM */
/* Frees all tables (not what the leaves point to). Nobody may still walk it, and no TLB hold it. */
void pt_destroy(struct page_table *pt);

/*
 * Maps [va, va+size) to [pa, pa+size) with the largest leaves that fit up to max_level. -EEXIST
 * when something is mapped there, -ENOMEM; on failure nothing was changed. Multiples of 4096.
 */
int pt_map(struct page_table *pt, uint64_t va, phys_t pa, uint64_t size, unsigned rights,
	   unsigned max_level);

/* What pt_unmap took out. Zeroed by the caller but for `leaf`. */
struct pt_gather {
	/* Called for each leaf that goes, under the table's lock; may be NULL. */
	void (*leaf)(struct pt_gather *g, uint64_t va, phys_t pa, unsigned level, unsigned rights);
	phys_t pages; /* for `leaf`: pages put here by pt_gather_page are freed as well */
	phys_t tables;
	uint64_t nr_leaves;
};
void pt_gather_page(struct pt_gather *g, phys_t pa); /* a single page of page_alloc */
void pt_gather_free(struct page_table *pt, struct pt_gather *g);

/* Unmaps what is mapped in [va, va+size), splitting large leaves at the ends (-ENOMEM before
 * anything changed). */
int pt_unmap(struct page_table *pt, uint64_t va, uint64_t size, struct pt_gather *g);

/* Gives what is mapped in the range these READ, WRITE and EXEC rights; the other bits stay. Splits
 * as pt_unmap does. */
int pt_protect(struct page_table *pt, uint64_t va, uint64_t size, unsigned rights);

/*
 * Replaces the 4K leaf at va, whatever it is. false: there is none. The old one's address goes to
 * *old. For copy-on-write.
 */
bool pt_replace(struct page_table *pt, uint64_t va, phys_t pa, unsigned rights, phys_t *old);

/*
 * Clears the dirty bits in the range and calls fn for each leaf that had one (under the table's
 * lock). The caller flushes before it reads the pages.
 */
void pt_clear_dirty(struct page_table *pt, uint64_t va, uint64_t size,
		    void (*fn)(void *arg, uint64_t va, unsigned level), void *arg);

struct pt_leaf {
	phys_t pa;      /* of the address asked for, not of the leaf's start */
	unsigned level; /* PT_LEVEL_* */
	unsigned rights;
};
/*
 * false: not mapped. Takes no lock: the answer may be old by the time it is read. Tables must not
 * be freed meanwhile: the caller runs on a CPU that every flush of this table waits for, or
 * excludes pt_unmap by a lock of its own.
 */
bool pt_query(const struct page_table *pt, uint64_t va, struct pt_leaf *leaf);

static inline uint64_t pt_level_size(unsigned level)
{
	return PAGE_SIZE << (9 * level);
}
