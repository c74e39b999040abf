/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page allocator: buddy system per NUMA node, orders 0 (4K) .. 18 (1G), per-CPU caches of single
 * pages. Interrupts off; never sleeps. Physical addresses are the handles of pages; 0 is never a
 * page.
 */
#pragma once

#include "lib/types.h"
#include "mem/container.h"
#include "mem/layout.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define PAGE_ORDER_4K  0
#define PAGE_ORDER_2M  9
#define PAGE_ORDER_1G  18
#define PAGE_ORDER_MAX 18

static inline void *phys_to_virt(phys_t pa)
{
	return (void *)(DIRECT_MAP_BASE + pa);
}

static inline phys_t virt_to_phys(const void *direct_map_address)
{
	return (phys_t)((uintptr_t)direct_map_address - DIRECT_MAP_BASE);
}

#define PAGE_ZERO 1u /* contents zeroed; else undefined */
#define NODE_ANY  (-1)

/* Kinds for `mem`: what a page is used for. */
enum page_use {
	PAGE_FREE,
	PAGE_KERNEL,
	PAGE_TABLE,
	PAGE_USER,
	PAGE_GUEST,
	PAGE_STACK,
	PAGE_SLAB,
	PAGE_USE_COUNT
};

/* 2^order pages, charged to c; the node is a wish. 0: out of quota or memory. */
phys_t page_alloc(struct container *c, unsigned order, enum page_use use, unsigned flags, int node);
/* Gives back what one page_alloc returned (or one part of it after page_split) to the container it
 * was charged to. */
void page_free(phys_t pa, unsigned order);
/* An allocated block becomes blocks of new_order, to be freed one by one (splitting a large guest
 * page). */
void page_split(phys_t pa, unsigned order, unsigned new_order);

/* Clears whole pages in the direct map; large sizes without filling the caches. */
void page_clear(void *page, uint64_t bytes);

/* Returns this CPU's cached pages to their zone, so that they can become part of large blocks. */
void page_drain_cache(void);

/* MMIO mapping in kernel space, uncached (or write-combining); never sleeps; NULL: no space.
 * Physical ranges of devices only. */
void *mmio_map(phys_t pa, size_t size);

/*
 * total = free + the sum of use[] + page_structs + reserved, exact when no CPU allocates meanwhile.
 * Bytes. `cached` (in CPUs' caches) is part of free, `kernel_image` of reserved; use[PAGE_FREE] is
 * 0.
 */
struct mem_stats {
	uint64_t total, free, cached, page_structs, reserved, kernel_image;
	uint64_t use[PAGE_USE_COUNT];
};
void mem_get_stats(struct mem_stats *s);
/* Bytes of a node's pages, and of those that are free and in no CPU's cache. false: no such node.
 */
bool mem_node_stats(unsigned node, uint64_t *total, uint64_t *free);

/* Kernel stacks: KSTACK_SIZE bytes in the kvmap region with an unmapped guard page below. Returns
 * the top, NULL: no memory. */
#define KSTACK_SIZE 16384
void *kstack_alloc(struct container *c);
void kstack_free(void *top); /* no lock held: shoots the TLB down */
