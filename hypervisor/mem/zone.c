// SPDX-License-Identifier: GPL-2.0-or-later
// The buddy system: per node, a list of free blocks for each order. A block that is freed merges
// with its buddy while that one is free too; an allocation splits the smallest block that is large
// enough. Links are page numbers in struct page, so free memory itself is never touched.
#include "cpu/log.h"
#include "lib/bits.h"
#include "lock/llog.h"
#include "mem/page_struct.h"

#define NR_ORDERS   (PAGE_ORDER_MAX + 1)
#define NR_SECTIONS (RAM_END / SECTION_SIZE)

/* Locks: [z] its lock */
struct zone {
	struct lock lock;
	uint32_t first[NR_ORDERS]; /* [z] free blocks by order, page numbers; 0: none */
	uint32_t nonempty;         /* [z] bit o: first[o] != 0 */
	uint64_t free_pages;       /* [z] */
	uint64_t total_pages;      /* [z] */
} __aligned(64);

static const struct lock_class zone_class = { "zone", LOCK_RANK_ZONE | LOCK_MCS };

static struct zone zones[NODE_MAX];
static unsigned nr_zones;                   /* immutable after boot */
static uint64_t sections[NR_SECTIONS / 64]; /* immutable after boot */

static struct page *page_at(uint32_t number)
{
	return (struct page *)PAGE_STRUCTS_BASE + number;
}

void zone_add_section(phys_t pa)
{
	uint64_t s = pa / SECTION_SIZE;

	sections[s / 64] |= BIT(s % 64);
}

bool zone_has_structs(phys_t pa)
{
	uint64_t s = pa / SECTION_SIZE;

	return pa < RAM_END && (sections[s / 64] >> (s % 64) & 1);
}

static void list_push(struct zone *z, uint32_t number, unsigned order)
{
	struct page *p = page_at(number);

	p->state = PAGE_STATE_FREE;
	p->order = (uint8_t)order;
	p->prev = 0;
	p->next = z->first[order];
	if (p->next)
		page_at(p->next)->prev = number;
	z->first[order] = number;
	z->nonempty |= 1u << order;
}

static void list_remove(struct zone *z, uint32_t number)
{
	struct page *p = page_at(number);

	if (p->next)
		page_at(p->next)->prev = p->prev;
	if (p->prev)
		page_at(p->prev)->next = p->next;
	else
		z->first[p->order] = p->next;
	if (!z->first[p->order])
		z->nonempty &= ~(1u << p->order);
	p->state = PAGE_STATE_NONE;
}

/* Is the block at `number` free as a whole, of this order and node? */
static bool is_free_block(uint32_t number, unsigned order, unsigned node)
{
	const struct page *p = page_at(number);

	/* Within a section structs exist or not together; the buddy of a whole section lies in
	 * another one. */
	if (order >= SECTION_ORDER && !zone_has_structs((phys_t)number << PAGE_SHIFT))
		return false;
	return p->state == PAGE_STATE_FREE && p->order == order && p->node == node;
}

static void free_locked(struct zone *z, unsigned node, uint32_t number, unsigned order)
{
	z->free_pages += 1u << order;
	LLOG_LOCKED(&z->lock, LLOG_ZONE_FREE, number, z->free_pages, order);
	for (; order < PAGE_ORDER_MAX; order++) {
		uint32_t buddy = number ^ (1u << order);

		if (!is_free_block(buddy, order, node))
			break;
		list_remove(z, buddy);
		number &= ~(1u << order);
	}
	page_at(number)->node = (uint8_t)node;
	list_push(z, number, order);
}

/* A page number, or 0: no block that is large enough. */
static uint32_t alloc_locked(struct zone *z, unsigned node, unsigned order)
{
	uint32_t usable = z->nonempty >> order << order;

	if (!usable)
		return 0;

	unsigned from = bit_lowest(usable);
	uint32_t number = z->first[from];

	list_remove(z, number);
	while (from > order) {
		uint32_t upper = number + (1u << --from);

		page_at(upper)->node = (uint8_t)node;
		list_push(z, upper, from);
	}
	z->free_pages -= 1u << order;
	LLOG_LOCKED(&z->lock, LLOG_ZONE_ALLOC, number, z->free_pages, order);
	return number;
}

void zone_add(phys_t base, uint64_t size, unsigned node)
{
	uint64_t number = base >> PAGE_SHIFT,
		 end = (base + size) >> PAGE_SHIFT; /* RAM_END: 33 bits */
	struct zone *z = &zones[node];

	ASSERT(node < NODE_MAX && base != 0 && base + size <= RAM_END &&
	       IS_ALIGNED(base | size, PAGE_SIZE));
	for (; nr_zones <= node; nr_zones++)
		lock_init(&zones[nr_zones].lock, &zone_class);

	lock_acquire(&z->lock);
	z->total_pages += end - number;
	while (number < end) {
		unsigned order = MIN(bit_lowest(number), bit_highest(end - number));

		order = MIN(order, (unsigned)PAGE_ORDER_MAX);
		free_locked(z, node, (uint32_t)number, order);
		number += 1u << order;
	}
	lock_release(&z->lock);
}

phys_t zone_alloc(unsigned order, unsigned node)
{
	for (unsigned i = 0; i < nr_zones; i++) {
		unsigned n = (node + i) % nr_zones;
		struct zone *z = &zones[n];

		lock_acquire(&z->lock);
		uint32_t number = alloc_locked(z, n, order);
		lock_release(&z->lock);
		if (number) {
			page_at(number)->node = (uint8_t)n;
			return (phys_t)number << PAGE_SHIFT;
		}
	}
	return 0;
}

void zone_free(phys_t pa, unsigned order)
{
	unsigned node = page_of(pa)->node;
	struct zone *z = &zones[node];

	lock_acquire(&z->lock);
	free_locked(z, node, (uint32_t)(pa >> PAGE_SHIFT), order);
	lock_release(&z->lock);
}

unsigned zone_alloc_batch(unsigned node, uint32_t *page_numbers, unsigned n)
{
	struct zone *z = &zones[node];
	unsigned got = 0;

	if (node >= nr_zones)
		return 0;
	lock_acquire(&z->lock);
	while (got < n && (page_numbers[got] = alloc_locked(z, node, 0)))
		page_at(page_numbers[got++])->node = (uint8_t)node;
	lock_release(&z->lock);
	return got;
}

void zone_free_batch(const uint32_t *page_numbers, unsigned n)
{
	unsigned node = page_at(page_numbers[0])->node;
	struct zone *z = &zones[node];

	lock_acquire(&z->lock);
	for (unsigned i = 0; i < n; i++) {
		page_at(page_numbers[i])->state = PAGE_STATE_NONE;
		free_locked(z, node, page_numbers[i], 0);
	}
	lock_release(&z->lock);
}

uint64_t zone_free_bytes(void)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < nr_zones; i++)
		pages += __atomic_load_n(&zones[i].free_pages, __ATOMIC_RELAXED);
	return pages * PAGE_SIZE;
}

uint64_t zone_total_bytes(void)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < nr_zones; i++)
		pages += __atomic_load_n(&zones[i].total_pages, __ATOMIC_RELAXED);
	return pages * PAGE_SIZE;
}

void zone_bytes(unsigned node, uint64_t *total, uint64_t *free)
{
	*total = __atomic_load_n(&zones[node].total_pages, __ATOMIC_RELAXED) * PAGE_SIZE;
	*free = __atomic_load_n(&zones[node].free_pages, __ATOMIC_RELAXED) * PAGE_SIZE;
}

unsigned zone_count(void)
{
	return nr_zones;
}

/* Free pages on the list of one order; -1: corrupt. */
static int64_t check_list(const struct zone *z, unsigned node, unsigned order)
{
	uint32_t prev = 0;
	int64_t pages = 0;

	if (!!(z->nonempty & (1u << order)) != !!z->first[order])
		return -1;
	for (uint32_t n = z->first[order]; n; prev = n, n = page_at(n)->next) {
		uint32_t buddy = n ^ (1u << order);

		if (!is_free_block(n, order, node) || page_at(n)->prev != prev ||
		    (n & ((1u << order) - 1)))
			return -1;
		/* Two free buddies must have merged. */
		if (order < PAGE_ORDER_MAX && is_free_block(buddy, order, node))
			return -1;
		pages += 1ll << order;
	}
	return pages;
}

static bool check_zone(const struct zone *z, unsigned node)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order < NR_ORDERS; order++) {
		int64_t on_list = check_list(z, node, order);

		if (on_list < 0)
			return false;
		pages += (uint64_t)on_list;
	}
	return pages == z->free_pages && pages <= z->total_pages;
}

bool zone_check(void)
{
	bool good = true;

	for (unsigned i = 0; i < nr_zones; i++) {
		lock_acquire(&zones[i].lock);
		good = check_zone(&zones[i], i) && good;
		lock_release(&zones[i].lock);
	}
	return good;
}
