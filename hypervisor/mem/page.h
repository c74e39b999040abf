/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page allocator: buddy system per NUMA node, orders 0 (4K) .. 18 (1G), per-CPU caches of single pages. Interrupts off;
 * never sleeps. Physical addresses are the handles of pages; 0 is never a page.
 */
#pragma once

#include "lib/types.h"
#include "mem/container.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define PAGE_ORDER_4K  0
#define PAGE_ORDER_2M  9
#define PAGE_ORDER_1G  18
#define PAGE_ORDER_MAX 18

#define DIRECT_MAP_BASE 0xffff800000000000ull

static inline void *phys_to_virt(phys_t pa)
{
	return (void *)(DIRECT_MAP_BASE + pa);
}

static inline phys_t virt_to_phys(const void *direct_map_address)
{
	return (phys_t)((uintptr_t)direct_map_address - DIRECT_MAP_BASE);
}

#define PAGE_ZERO     1u /* contents zeroed; else undefined */
#define NODE_ANY      (-1)

/* Kinds for `mem`: what a page is used for. */
enum page_use { PAGE_FREE, PAGE_KERNEL, PAGE_TABLE, PAGE_USER, PAGE_GUEST, PAGE_STACK, PAGE_SLAB, PAGE_USE_COUNT };

/* 2^order pages, charged to c; the node is a wish. 0: out of quota or memory. */
phys_t page_alloc(struct container *c, unsigned order, enum page_use use, unsigned flags, int node);
/* Gives back what one page_alloc returned, to the container it was charged to. */
void page_free(phys_t pa, unsigned order);
/* An allocated block becomes 2^order single pages, to be freed one by one (splitting a large guest page). */
void page_split(phys_t pa, unsigned order, unsigned new_order);

/* Boot: ranges of RAM (any order, may overlap reserved ones), reserved ranges, then mem_init. */
struct mem_range {
	phys_t	 base;
	uint64_t size;
	int	 node;
};
/*
 * Builds the direct map of all RAM, page structs, zones. `ram`: usable RAM; `reserved`: kernel image, initrd and everything that
 * must not be handed out. Boot CPU, once. Fatal (one line) when memory does not suffice.
 */
void mem_init(const struct mem_range *ram, unsigned nr_ram, const struct mem_range *reserved, unsigned nr_reserved);
/* Gives a formerly reserved range to the allocator (boot archive files that are no longer needed). */
void mem_release_reserved(phys_t base, uint64_t size);
/* Drops the identity mapping of early boot once all CPUs are up. */
void mem_drop_identity(void);

/* MMIO mapping in kernel space, uncached (or write-combining); never sleeps; NULL: no space. Physical ranges of devices only. */
void *mmio_map(phys_t pa, size_t size);

struct mem_stats {
	uint64_t total, free, cached; /* bytes; cached: in per-CPU caches, counted free as well */
	uint64_t use[PAGE_USE_COUNT]; /* bytes */
	uint64_t kernel_image, page_structs;
};
void mem_get_stats(struct mem_stats *s); /* exact when no CPU allocates meanwhile */

/* Kernel stacks: KSTACK_SIZE bytes in the kvmap region with an unmapped guard page below. Returns the top, NULL: no memory. */
#define KSTACK_SIZE 16384
void *kstack_alloc(struct container *c);
void  kstack_free(void *top); /* no lock held: shoots the TLB down */
