// SPDX-License-Identifier: GPL-2.0-or-later
// page_alloc: charge, take a single page from this CPU's cache or a block from a zone, note the
// owner in its struct. Caches hold pages of their CPU's own node and trade with the zone in
// batches. Each CPU's first refill charges a full cache to the root: so pages that wait in caches
// are never missing from what the containers were promised.
#include "mem/page.h"

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "lib/string.h"
#include "mem/page_struct.h"

#define CACHE_MAX   64u
#define CACHE_BATCH 32u

/* Locks: [o] */
struct page_cache {
	uint32_t nr;                 /* [o] */
	bool charged;                /* [o] CACHE_MAX pages are charged to the root */
	uint32_t numbers[CACHE_MAX]; /* [o] page numbers; the last is taken first */
};
DEFINE_CPU_PUBLIC(struct page_cache, page_cache);

/* Pages in use, as differences: a page may be freed on another CPU. Locks: written by its own CPU,
 * read by all */
struct page_counts {
	int64_t pages[PAGE_USE_COUNT];
};
DEFINE_CPU_PUBLIC(struct page_counts, page_counts);

static struct {
	uint64_t total, kernel_image, page_structs, reserved;
} fixed; /* set at boot; `reserved` atomic */

void page_set_fixed(uint64_t total, uint64_t kernel_image, uint64_t page_structs, uint64_t reserved)
{
	fixed.total = total;
	fixed.kernel_image = kernel_image;
	fixed.page_structs = page_structs;
	fixed.reserved = reserved;
}

void page_unreserve(phys_t base, uint64_t size, unsigned node)
{
	__atomic_fetch_sub(&fixed.reserved, size, __ATOMIC_RELAXED);
	zone_add(base, size, node);
	container_uncharge(kernel_container, size);
}

static void count(enum page_use use, int64_t pages)
{
	int64_t *n = &cpu_private(page_counts)->pages[use];

	__atomic_store_n(n, *n + pages, __ATOMIC_RELAXED);
}

static struct page *page_number(uint32_t number)
{
	return (struct page *)PAGE_STRUCTS_BASE + number;
}

static bool cache_refill(struct page_cache *cache)
{
	if (!cache->charged) {
		if (container_charge(kernel_container, CACHE_MAX * PAGE_SIZE) < 0)
			return false;
		cache->charged = true;
	}
	cache->nr = zone_alloc_batch(this_cpu()->node, cache->numbers, CACHE_BATCH);
	for (unsigned i = 0; i < cache->nr; i++)
		page_number(cache->numbers[i])->state = PAGE_STATE_CACHED;
	return cache->nr != 0;
}

static phys_t cache_take(void)
{
	struct page_cache *cache = cpu_private(page_cache);

	if (unlikely(cache->nr == 0) && !cache_refill(cache))
		return zone_alloc(0, this_cpu()->node);
	return (phys_t)cache->numbers[--cache->nr] << PAGE_SHIFT;
}

/* Gives the n pages that were put there first back to the zone. */
static void cache_return(struct page_cache *cache, unsigned n)
{
	zone_free_batch(cache->numbers, n);
	cache->nr -= n;
	memmove(cache->numbers, cache->numbers + n, cache->nr * sizeof(cache->numbers[0]));
}

static void cache_put(struct page *p, phys_t pa)
{
	struct page_cache *cache = cpu_private(page_cache);

	if (unlikely(!cache->charged)) {
		p->state = PAGE_STATE_NONE;
		zone_free(pa, 0);
		return;
	}
	if (unlikely(cache->nr == CACHE_MAX))
		cache_return(cache, CACHE_BATCH);
	p->state = PAGE_STATE_CACHED;
	cache->numbers[cache->nr++] = (uint32_t)(pa >> PAGE_SHIFT);
}

void page_drain_cache(void)
{
	struct page_cache *cache = cpu_private(page_cache);

	if (cache->nr)
		cache_return(cache, cache->nr);
}

static phys_t block_alloc(unsigned order, int node)
{
	unsigned from = node == NODE_ANY ? this_cpu()->node : (unsigned)node;

	if (likely(order == 0 && from == this_cpu()->node))
		return cache_take();

	phys_t pa = zone_alloc(order, from);

	if (unlikely(!pa) && order != 0) {
		page_drain_cache();
		pa = zone_alloc(order, from);
	}
	return pa;
}

static void own(struct page *p, struct container *c, unsigned order, enum page_use use)
{
	p->owner = c;
	p->state = PAGE_STATE_USED;
	p->order = (uint8_t)order;
	p->use = (uint8_t)use;
}

phys_t page_alloc(struct container *c, unsigned order, enum page_use use, unsigned flags, int node)
{
	DEBUG_ASSERT(order <= PAGE_ORDER_MAX && use != PAGE_FREE);
	if (unlikely(container_charge(c, PAGE_SIZE << order) < 0))
		return 0;

	phys_t pa = block_alloc(order, node);

	if (unlikely(!pa)) {
		container_uncharge(c, PAGE_SIZE << order);
		return 0;
	}
	own(page_of(pa), c, order, use);
	count(use, 1ll << order);
	if (flags & PAGE_ZERO)
		page_clear(phys_to_virt(pa), PAGE_SIZE << order);
	return pa;
}

void page_free(phys_t pa, unsigned order)
{
	struct page *p = page_of(pa);

	ASSERT(p->state == PAGE_STATE_USED && p->order == order);
	container_uncharge(p->owner, PAGE_SIZE << order);
	count(p->use, -(1ll << order));
	p->link = 0;
	if (likely(order == 0 && p->node == this_cpu()->node)) {
		cache_put(p, pa);
	} else {
		p->state = PAGE_STATE_NONE;
		zone_free(pa, order);
	}
}

void page_split(phys_t pa, unsigned order, unsigned new_order)
{
	struct page *head = page_of(pa);

	ASSERT(head->state == PAGE_STATE_USED && head->order == order && new_order <= order);
	for (uint64_t i = 0; i < 1ull << order; i += 1ull << new_order) {
		own(head + i, head->owner, new_order, head->use);
		head[i].node = head->node;
	}
}

void page_adopt(phys_t base, uint64_t size, enum page_use use)
{
	int charged = container_charge(kernel_container, size);

	ASSERT(charged == 0);
	for (phys_t pa = base; pa < base + size; pa += PAGE_SIZE) {
		own(page_of(pa), kernel_container, 0, use);
		count(use, 1);
	}
}

static void clear_cached(void *page, uint64_t bytes)
{
	uint64_t words = bytes / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0ull) : "memory");
}

static void clear_uncached(void *page, uint64_t bytes)
{
	uint64_t *end = (uint64_t *)((char *)page + bytes);

	for (uint64_t *p = page; p < end; p += 8)
		__asm__ volatile(
			"movnti %1, (%0); movnti %1, 8(%0); movnti %1, 16(%0); movnti %1, 24(%0);"
			"movnti %1, 32(%0); movnti %1, 40(%0); movnti %1, 48(%0); movnti %1, 56(%0)"
			:
			: "r"(p), "r"(0ull)
			: "memory");
	__asm__ volatile("sfence" : : : "memory");
}

/* What is larger than a share of the last-level cache would only push other things out of it. */
#define CLEAR_CACHED_MAX KiB(64)

void page_clear(void *page, uint64_t bytes)
{
	if (bytes <= CLEAR_CACHED_MAX)
		clear_cached(page, bytes);
	else
		clear_uncached(page, bytes);
}

static void add_cpu(struct mem_stats *s, cpu_id_t cpu)
{
	const struct page_counts *counts = cpu_public(page_counts, cpu);

	s->cached +=
		__atomic_load_n(&cpu_public(page_cache, cpu)->nr, __ATOMIC_RELAXED) * PAGE_SIZE;
	for (unsigned use = 0; use < PAGE_USE_COUNT; use++)
		s->use[use] += (uint64_t)__atomic_load_n(&counts->pages[use], __ATOMIC_RELAXED) *
			       PAGE_SIZE;
}

void mem_get_stats(struct mem_stats *s)
{
	memset(s, 0, sizeof(*s));
	cpu_for_each (cpu)
		add_cpu(s, cpu);
	s->total = fixed.total;
	s->kernel_image = fixed.kernel_image;
	s->page_structs = fixed.page_structs;
	s->reserved = __atomic_load_n(&fixed.reserved, __ATOMIC_RELAXED);
	s->free = zone_free_bytes() + s->cached;
}

bool mem_node_stats(unsigned node, uint64_t *total, uint64_t *free)
{
	if (node >= zone_count())
		return false;
	zone_bytes(node, total, free);
	return true;
}
