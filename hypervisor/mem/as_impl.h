/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of address spaces, for as*.c: the regions and their tree.
 */
#pragma once

#include "cpu/lapic.h"
#include "lib/rbtree.h"
#include "mem/as.h"

/*
 * [va, va + size) of one kind with one set of rights; regions do not overlap.
 * Locks: as->lock; changed only by who also has as->changing
 */
struct region {
	struct rb_node node;
	uint64_t va, size;
	uint32_t rights; /* AS_* */
	enum as_kind kind;
	struct mobj *mobj; /* a reference */
	uint64_t offset;   /* of va, into mobj or file */
	phys_t file_base;
	uint64_t file_size;
	phys_t page;
	struct region *next_dead; /* off the tree, to be freed */
};

/* Locks: [I] immutable   [a] atomic   [l] lock   [p] pt.lock */
struct as {
	struct lock lock;
	uint32_t changing;      /* [a] taken by map, unmap, protect until their flush is done */
	struct rb_root regions; /* [l] by va */
	struct page_table pt;   /* [p] changed under [l] only */
	struct container *c;    /* [I] */
	uint64_t id;            /* [I] never given to another; not 0 */
	struct cpu_set active;  /* [a] CPUs whose CR3 is pt.root */
	uint64_t used_pages;    /* [l] pages owned */
};

/* ---- regions (region.c); all with as->lock ---- */

struct region *region_find(struct as *as, uint64_t va); /* that holds va; NULL */
struct region *region_first_from(struct as *as,
				 uint64_t va); /* that ends above va, the lowest; NULL */
struct region *region_next(struct region *r);
uint64_t region_end(const struct region *r);
void region_insert(struct as *as, struct region *r);
/* Joins r with its neighbours where they are one memory. r may be gone afterwards. */
void region_merge(struct as *as, struct region *r);
/*
 * Makes va and end boundaries of regions. Takes the structs it needs first: 0, or -ENOMEM and
 * nothing was changed.
 */
int region_cut(struct as *as, uint64_t va, uint64_t end);
/* Takes all regions in [va, end), cut there before, off the tree. Chain by next_dead. */
struct region *region_remove(struct as *as, uint64_t va, uint64_t end);
/* Without locks: frees a chain, drops references. */
void region_free_dead(struct region *dead);
/* The highest free place of this size below `top`; `align` and `phase`: address modulo align. 0:
 * none. */
uint64_t region_find_gap(struct as *as, uint64_t size, uint64_t align, uint64_t phase);
bool region_is_free(struct as *as, uint64_t va, uint64_t end);

/* ---- page tables ---- */

/* Rights of leaves for a region's rights. */
unsigned as_pt_rights(uint32_t rights);
