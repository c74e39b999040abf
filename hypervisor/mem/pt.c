// SPDX-License-Identifier: GPL-2.0-or-later
// A change first counts the tables that it needs and takes them all, then goes down the levels and
// cannot fail any more: so nothing half-done ever has to be undone under the eyes of the hardware.
// One recursive function a kind of change, of depth four at most. Inside, addresses are plain
// 48-bit numbers, so that `end` never wraps.
#include "mem/pt.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/page_struct.h"

#define ENTRIES    512
#define TOP_LEVEL  (PT_LEVELS - 1)
#define VA_MASK    ((1ull << PT_VA_BITS) - 1)
#define UPPER_HALF (1ull << (PT_VA_BITS - 1))

static const struct lock_class pt_class = { "page table", LOCK_RANK_PT };

/* One change of a table. */
struct change {
	struct page_table *pt;
	const struct pt_format *format;
	phys_t spare; /* tables taken in advance, chained by page link */
	unsigned nr_spare;
	/* pt_map */
	uint64_t va; /* of the start of the range */
	phys_t pa;
	unsigned max_level;
	unsigned rights; /* pt_protect as well */
	/* pt_unmap */
	struct pt_gather *gather;
};

static uint64_t *entries_of(phys_t table)
{
	return phys_to_virt(table);
}

static unsigned index_of(uint64_t va, unsigned level)
{
	return (va >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

/* The end of the entry that holds `at`, or the end of the range if that comes first. */
static uint64_t next_entry(uint64_t at, uint64_t end, unsigned level)
{
	return MIN(ALIGN_DOWN(at, pt_level_size(level)) + pt_level_size(level), end);
}

/* ---- tables ---- */

static void chain_push(phys_t *chain, phys_t pa)
{
	page_of(pa)->link = (uint32_t)(*chain >> PAGE_SHIFT);
	*chain = pa;
}

static phys_t chain_pop(phys_t *chain)
{
	phys_t pa = *chain;

	*chain = (phys_t)page_of(pa)->link << PAGE_SHIFT;
	page_of(pa)->link = 0;
	return pa;
}

static phys_t alloc_table(struct page_table *pt)
{
	if (pt->alloc)
		return pt->alloc(pt);
	return page_alloc(pt->owner, 0, PAGE_TABLE, PAGE_ZERO, NODE_ANY);
}

static void free_spare(struct change *c)
{
	for (; c->nr_spare; c->nr_spare--)
		page_free(chain_pop(&c->spare), 0);
}

static int take_spare(struct change *c, unsigned n)
{
	for (; n; n--) {
		phys_t pa = alloc_table(c->pt);

		if (!pa) {
			free_spare(c);
			return -ENOMEM;
		}
		chain_push(&c->spare, pa);
		c->nr_spare++;
	}
	return 0;
}

static phys_t use_spare(struct change *c)
{
	c->pt->nr_tables++;
	/* At boot, before there are page structs to chain: a table at a time, and alloc does not
	 * fail. */
	if (c->pt->alloc)
		return c->pt->alloc(c->pt);
	c->nr_spare--;
	return chain_pop(&c->spare);
}

static bool is_empty(phys_t table)
{
	const uint64_t *entry = entries_of(table);

	for (unsigned i = 0; i < ENTRIES; i++) {
		if (entry[i])
			return false;
	}
	return true;
}

int pt_init(struct page_table *pt, const struct pt_format *format, struct container *owner)
{
	pt->format = format;
	pt->owner = owner;
	pt->top_entries = ENTRIES;
	pt->nr_tables = 1;
	lock_init(&pt->lock, &pt_class);
	pt->root = alloc_table(pt);
	return pt->root ? 0 : -ENOMEM;
}

static void destroy_level(struct page_table *pt, phys_t table, unsigned level, unsigned nr_entries)
{
	const uint64_t *entry = entries_of(table);

	for (unsigned i = 0; level && i < nr_entries; i++) {
		if (entry[i] && !pt->format->is_leaf(entry[i], level))
			destroy_level(pt, pt->format->address(entry[i], level, false), level - 1,
				      ENTRIES);
	}
	page_free(table, 0);
}

void pt_destroy(struct page_table *pt)
{
	destroy_level(pt, pt->root, TOP_LEVEL, pt->top_entries);
	pt->root = 0;
	pt->nr_tables = 0;
}

/* ---- map ---- */

static bool leaf_fits(const struct change *c, uint64_t at, uint64_t next, unsigned level)
{
	uint64_t size = pt_level_size(level);

	return level <= c->max_level && next - at == size && IS_ALIGNED(c->pa + (at - c->va), size);
}

/* Adds to *n the tables that mapping [at, end) needs; `table` is 0 where there is none yet. 0 or
 * -EEXIST. */
static int count_map(const struct change *c, phys_t table, unsigned level, uint64_t at,
		     uint64_t end, unsigned *n)
{
	if (!table && level == 0)
		return 0;
	for (uint64_t next; at < end; at = next) {
		uint64_t entry = table ? entries_of(table)[index_of(at, level)] : 0;
		phys_t below = 0;

		next = next_entry(at, end, level);
		if (entry) {
			if (c->format->is_leaf(entry, level))
				return -EEXIST;
			below = c->format->address(entry, level, false);
		}
		/* Where a table is (kernel tables stay when they are empty), smaller leaves go into
		 * it. */
		if (!entry && leaf_fits(c, at, next, level))
			continue;
		*n += !entry;

		int err = count_map(c, below, level - 1, at, next, n);

		if (err < 0)
			return err;
	}
	return 0;
}

static void map_level(struct change *c, phys_t table, unsigned level, uint64_t at, uint64_t end)
{
	for (uint64_t next; at < end; at = next) {
		uint64_t *entry = &entries_of(table)[index_of(at, level)];

		next = next_entry(at, end, level);
		if (!*entry && leaf_fits(c, at, next, level)) {
			WRITE_ONCE(*entry, c->format->leaf(c->pa + (at - c->va), level, c->rights));
			continue;
		}
		if (!*entry)
			WRITE_ONCE(*entry, c->format->table(use_spare(c)));
		map_level(c, c->format->address(*entry, level, false), level - 1, at, next);
	}
}

static int map_locked(struct change *c, uint64_t end)
{
	unsigned n = 0;
	int err = count_map(c, c->pt->root, TOP_LEVEL, c->va, end, &n);

	if (err == 0 && !c->pt->alloc)
		err = take_spare(c, n);
	if (err == 0)
		map_level(c, c->pt->root, TOP_LEVEL, c->va, end);
	return err;
}

int pt_map(struct page_table *pt, uint64_t va, phys_t pa, uint64_t size, unsigned rights,
	   unsigned max_level)
{
	unsigned leaf_level = MIN(max_level, pt->format->max_leaf_level);
	struct change c = {
		.pt = pt,
		.format = pt->format,
		.va = va & VA_MASK,
		.pa = pa,
		.max_level = leaf_level,
		.rights = rights,
	};
	int err;

	DEBUG_ASSERT(IS_ALIGNED(va | pa | size, PAGE_SIZE) && size <= VA_MASK + 1 - c.va);
	lock_acquire(&pt->lock);
	err = map_locked(&c, c.va + size);
	lock_release(&pt->lock);
	return err;
}

/* ---- split ---- */

/* The tables needed to make `va` a boundary between leaves. */
static unsigned count_split(const struct page_table *pt, uint64_t va)
{
	phys_t table = pt->root;

	for (unsigned level = TOP_LEVEL; va <= VA_MASK; level--) {
		uint64_t entry = entries_of(table)[index_of(va, level)];

		if (!entry)
			return 0;
		if (pt->format->is_leaf(entry, level)) {
			unsigned n = 0;

			for (; level && !IS_ALIGNED(va, pt_level_size(level)); level--)
				n++;
			return n;
		}
		table = pt->format->address(entry, level, false);
	}
	return 0;
}

static void split(struct change *c, uint64_t *entry, unsigned level)
{
	phys_t pa = c->format->address(*entry, level, true);
	unsigned rights = c->format->rights(*entry);
	phys_t table = use_spare(c);
	uint64_t *below = entries_of(table);

	for (unsigned i = 0; i < ENTRIES; i++)
		below[i] = c->format->leaf(pa + i * pt_level_size(level - 1), level - 1, rights);
	WRITE_ONCE(*entry, c->format->table(table));
}

static int reserve_splits(struct change *c, uint64_t va, uint64_t end)
{
	return take_spare(c, count_split(c->pt, va) + count_split(c->pt, end));
}

/* ---- unmap ---- */

void pt_gather_page(struct pt_gather *g, phys_t pa)
{
	chain_push(&g->pages, pa);
}

static void free_chain(phys_t *chain)
{
	while (*chain)
		page_free(chain_pop(chain), 0);
}

void pt_gather_free(struct page_table *pt, struct pt_gather *g)
{
	(void)pt;
	free_chain(&g->pages);
	free_chain(&g->tables);
}

static void unmap_leaf(struct change *c, uint64_t *entry, unsigned level, uint64_t va)
{
	uint64_t old = __atomic_exchange_n(entry, 0, __ATOMIC_RELAXED);

	c->gather->nr_leaves++;
	if (c->gather->leaf)
		c->gather->leaf(c->gather, va, c->format->address(old, level, true), level,
				c->format->rights(old));
}

static void unmap_level(struct change *c, phys_t table, unsigned level, uint64_t at, uint64_t end)
{
	for (uint64_t next; at < end; at = next) {
		uint64_t *entry = &entries_of(table)[index_of(at, level)];

		next = next_entry(at, end, level);
		if (!*entry)
			continue;
		if (c->format->is_leaf(*entry, level)) {
			if (next - at == pt_level_size(level)) {
				unmap_leaf(c, entry, level, at);
				continue;
			}
			split(c, entry, level);
		}

		phys_t below = c->format->address(*entry, level, false);

		unmap_level(c, below, level - 1, at, next);
		if (!(c->pt->keep_upper && at >= UPPER_HALF) && is_empty(below)) {
			WRITE_ONCE(*entry, 0);
			chain_push(&c->gather->tables, below);
			c->pt->nr_tables--;
		}
	}
}

int pt_unmap(struct page_table *pt, uint64_t va, uint64_t size, struct pt_gather *g)
{
	struct change c = { .pt = pt, .format = pt->format, .gather = g };
	uint64_t start = va & VA_MASK, end = start + size;
	int err;

	DEBUG_ASSERT(IS_ALIGNED(va | size, PAGE_SIZE) && end <= VA_MASK + 1);
	lock_acquire(&pt->lock);
	err = reserve_splits(&c, start, end);
	if (err == 0)
		unmap_level(&c, pt->root, TOP_LEVEL, start, end);
	lock_release(&pt->lock);
	free_spare(&c);
	return err;
}

/* ---- protect ---- */

/* New rights for an entry that the hardware may be setting A and D in: the bits it sets meanwhile
 * are not lost. */
static void protect_leaf(struct change *c, uint64_t *entry, unsigned level)
{
	uint64_t old = READ_ONCE(*entry), new;

	do {
		unsigned rights = (c->format->rights(old) & ~PT_RWX) | c->rights;

		new = c->format->leaf(c->format->address(old, level, true), level, rights);
	} while (!__atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

static void protect_level(struct change *c, phys_t table, unsigned level, uint64_t at, uint64_t end)
{
	for (uint64_t next; at < end; at = next) {
		uint64_t *entry = &entries_of(table)[index_of(at, level)];

		next = next_entry(at, end, level);
		if (!*entry)
			continue;
		if (c->format->is_leaf(*entry, level)) {
			if (next - at == pt_level_size(level)) {
				protect_leaf(c, entry, level);
				continue;
			}
			split(c, entry, level);
		}
		protect_level(c, c->format->address(*entry, level, false), level - 1, at, next);
	}
}

int pt_protect(struct page_table *pt, uint64_t va, uint64_t size, unsigned rights)
{
	struct change c = { .pt = pt, .format = pt->format, .rights = rights & PT_RWX };
	uint64_t start = va & VA_MASK, end = start + size;
	int err;

	DEBUG_ASSERT(IS_ALIGNED(va | size, PAGE_SIZE) && end <= VA_MASK + 1);
	lock_acquire(&pt->lock);
	err = reserve_splits(&c, start, end);
	if (err == 0)
		protect_level(&c, pt->root, TOP_LEVEL, start, end);
	lock_release(&pt->lock);
	free_spare(&c);
	return err;
}

/* ---- single leaves ---- */

/* The entry of the leaf that maps va, and its level; NULL: not mapped. */
static uint64_t *find_leaf(const struct page_table *pt, uint64_t va, unsigned *level)
{
	phys_t table = pt->root;

	for (*level = TOP_LEVEL;; --*level) {
		uint64_t *entry = &entries_of(table)[index_of(va, *level)];
		uint64_t e = READ_ONCE(*entry);

		if (!e)
			return NULL;
		if (pt->format->is_leaf(e, *level))
			return entry;
		table = pt->format->address(e, *level, false);
	}
}

bool pt_query(const struct page_table *pt, uint64_t va, struct pt_leaf *leaf)
{
	unsigned level;
	uint64_t *entry = find_leaf(pt, va, &level);
	uint64_t e = entry ? READ_ONCE(*entry) : 0;

	/* Between the two reads the entry may have been emptied or split. */
	if (!e || !pt->format->is_leaf(e, level))
		return false;
	leaf->pa = pt->format->address(e, level, true) + (va & (pt_level_size(level) - 1));
	leaf->level = level;
	leaf->rights = pt->format->rights(e);
	return true;
}

bool pt_replace(struct page_table *pt, uint64_t va, phys_t pa, unsigned rights, phys_t *old)
{
	unsigned level;
	uint64_t *entry;

	lock_acquire(&pt->lock);
	entry = find_leaf(pt, va, &level);
	if (entry && level == 0) {
		uint64_t e = __atomic_exchange_n(entry, pt->format->leaf(pa, 0, rights),
						 __ATOMIC_RELAXED);

		*old = pt->format->address(e, 0, true);
	}
	lock_release(&pt->lock);
	return entry && level == 0;
}

struct dirty_scan {
	const struct pt_format *format;
	void (*fn)(void *arg, uint64_t va, unsigned level);
	void *arg;
};

/* Takes the dirty bit out of a leaf; true: it was set. */
static bool clear_dirty(const struct pt_format *f, uint64_t *entry, unsigned level)
{
	uint64_t old = READ_ONCE(*entry), new;

	do {
		if (!(f->rights(old) & PT_DIRTY))
			return false;
		new = f->leaf(f->address(old, level, true), level, f->rights(old) & ~PT_DIRTY);
	} while (!__atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static void clear_dirty_level(const struct dirty_scan *s, phys_t table, unsigned level, uint64_t at,
			      uint64_t end)
{
	for (uint64_t next; at < end; at = next) {
		uint64_t *entry = &entries_of(table)[index_of(at, level)];

		next = next_entry(at, end, level);
		if (!*entry)
			continue;
		if (!s->format->is_leaf(*entry, level))
			clear_dirty_level(s, s->format->address(*entry, level, false), level - 1,
					  at, next);
		else if (clear_dirty(s->format, entry, level))
			s->fn(s->arg, ALIGN_DOWN(at, pt_level_size(level)), level);
	}
}

void pt_clear_dirty(struct page_table *pt, uint64_t va, uint64_t size,
		    void (*fn)(void *arg, uint64_t va, unsigned level), void *arg)
{
	struct dirty_scan s = { pt->format, fn, arg };
	uint64_t start = va & VA_MASK;

	lock_acquire(&pt->lock);
	clear_dirty_level(&s, pt->root, TOP_LEVEL, start, start + size);
	lock_release(&pt->lock);
}
