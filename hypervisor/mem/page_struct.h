/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct page and the zones: what the page allocator's files share with the rest of mem/. Nothing
 * above mem includes it.
 *
 * A block is 2^order pages, aligned to its size. The first page's struct describes the block; the
 * structs of its other pages have the state PAGE_STATE_NONE, as those of holes and of reserved
 * memory have.
 */
#pragma once

#include "lock/lock.h"
#include "mem/page.h"

enum page_state {
	PAGE_STATE_NONE,   /* reserved, a hole, or not the first of its block */
	PAGE_STATE_FREE,   /* on its zone's list */
	PAGE_STATE_CACHED, /* in a CPU's cache */
	PAGE_STATE_USED,
};

/* Locks: [z] zone while FREE; the CPU while CACHED; the owner while USED */
struct page {
	union {
		struct container *owner; /* USED: whom it is charged to */
		struct {
			uint32_t next, prev; /* FREE: page numbers, 0: none */
		};
	};
	uint32_t link; /* for whoever owns the page (chains, pins); 0 in all pages that are not in
			  use */
	uint8_t state; /* enum page_state */
	uint8_t order;
	uint8_t use; /* enum page_use */
	uint8_t node;
};
static_assert_size(struct page, 16);

#define PAGE_STRUCTS_PER_2M (MiB(2) / sizeof(struct page))
/* Page structs exist for whole sections of this many bytes of physical memory. */
#define SECTION_SIZE  (PAGE_STRUCTS_PER_2M * PAGE_SIZE)
#define SECTION_ORDER 17
_Static_assert(SECTION_SIZE == PAGE_SIZE << SECTION_ORDER, "a section is a block");

#define NODE_MAX 64

static inline struct page *page_of(phys_t pa)
{
	return (struct page *)PAGE_STRUCTS_BASE + (pa >> PAGE_SHIFT);
}

static inline phys_t page_phys(const struct page *p)
{
	return (phys_t)(p - (struct page *)PAGE_STRUCTS_BASE) << PAGE_SHIFT;
}

/* ---- zones (zone.c): one per node, behind a lock of its own (LOCK_RANK_ZONE) ---- */

/* Tells that page structs exist for the section that holds pa. Before zone_add; boot CPU. */
void zone_add_section(phys_t pa);
bool zone_has_structs(phys_t pa);
/* Gives [base, base+size), whole pages with structs in state NONE, to the node's zone. */
void zone_add(phys_t base, uint64_t size, unsigned node);

/* A block in state NONE, from the node or else from the next ones; 0: none anywhere. */
phys_t zone_alloc(unsigned order, unsigned node);
void zone_free(phys_t pa, unsigned order); /* state NONE */
/* Up to n single pages of this node alone, at once. Returns how many. */
unsigned zone_alloc_batch(unsigned node, uint32_t *page_numbers, unsigned n);
void zone_free_batch(const uint32_t *page_numbers, unsigned n); /* all of one node */

uint64_t zone_free_bytes(void);
uint64_t zone_total_bytes(void);
void zone_bytes(unsigned node, uint64_t *total, uint64_t *free); /* node < zone_count() */
unsigned zone_count(void);                                       /* highest node number + 1 */
/* Checks lists, counts and states of all zones; false: corrupt. For tests; slow. */
bool zone_check(void);

/* ---- boot (page.c) ---- */

/* Marks [base, base+size) as single pages in use, charged to the root: tables made before the zones
 * were. */
void page_adopt(phys_t base, uint64_t size, enum page_use use);
void container_set_root_limit(uint64_t bytes);
void page_set_fixed(uint64_t total, uint64_t kernel_image, uint64_t page_structs,
		    uint64_t reserved);
/* Memory that was reserved so far, charged to the root, becomes free. */
void page_unreserve(phys_t base, uint64_t size, unsigned node);
