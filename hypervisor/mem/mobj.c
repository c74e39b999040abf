// SPDX-License-Identifier: GPL-2.0-or-later
// An object's pages are indexed by a page table of a format of its own: offset to physical address,
// with large leaves for large pages; lookups take no lock. A populated object tries 1G, then 2M,
// then 4K pages. Large ones are cleared by pieces of 2M when somebody first asks for one, so that
// making an object takes no longer for its size. Pins, and what is not cleared yet, are noted in
// the `link` of each page's struct.
#include "mem/mobj.h"

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "mem/page_struct.h"
#include "mem/preempt.h"
#include "mem/pt.h"

/* Locks: [I] immutable after create   [a] atomic   [m] lock   [p] pages.lock */
struct mobj {
	struct lock lock;
	struct page_table pages; /* [p] offset -> page; read without a lock: entries are only added
				    until the end */
	struct container *c;     /* [I] */
	uint64_t size;           /* [I] whole pages */
	uint64_t present;        /* [m] bytes */
	uint32_t refs;           /* [a] */
	int node;                /* [I] */
	enum page_use use;       /* [I] */
	void (*dirty_hook)(void *arg, uint64_t offset,
			   uint64_t size); /* [I] while there are writers */
	void *dirty_arg;                   /* [I] likewise */
};

static const struct lock_class mobj_class = { "mobj", LOCK_RANK_MOBJ };

/* So much is made or freed between two chances for others. */
#define TURN_BYTES MiB(2)

static unsigned level_order(unsigned level)
{
	return level * 9;
}

/* ---- clearing ---- */

/*
 * What the upper bits of the `link` of a piece's first page say; pins are counted below them. Who
 * changes UNCLEARED to CLEARING clears the piece, with interrupts off and waiting for nobody;
 * whoever wants it meanwhile waits for that.
 */
#define PIECE_UNCLEARED BIT(31)
#define PIECE_CLEARING  BIT(30)
#define PIECES_MISSING  BIT(29) /* first page of 1G: some piece of it may be uncleared */
#define PIN_COUNT       BITS(28, 0)

static uint32_t *piece_link(phys_t pa)
{
	return &page_of(ALIGN_DOWN(pa, MiB(2)))->link;
}

static uint32_t *gigabyte_link(phys_t pa)
{
	return &page_of(ALIGN_DOWN(pa, GiB(1)))->link;
}

static bool is_cleared(phys_t pa)
{
	return !(__atomic_load_n(piece_link(pa), __ATOMIC_ACQUIRE) &
		 (PIECE_UNCLEARED | PIECE_CLEARING));
}

/* The block is nobody's but the caller's. */
static void mark_uncleared(phys_t pa, unsigned level)
{
	for (phys_t at = pa; at < pa + pt_level_size(level); at += MiB(2))
		*piece_link(at) = (uint32_t)PIECE_UNCLEARED;
	if (level == PT_LEVEL_1G)
		*gigabyte_link(pa) |= (uint32_t)PIECES_MISSING;
}

static void forget_marks(phys_t pa, unsigned level)
{
	for (phys_t at = pa; level > 0 && at < pa + pt_level_size(level); at += MiB(2))
		*piece_link(at) = 0;
}

static bool claim(uint32_t *link)
{
	uint32_t old = __atomic_load_n(link, __ATOMIC_RELAXED);

	while (old & PIECE_UNCLEARED) {
		if (__atomic_compare_exchange_n(link, &old,
						old ^ (uint32_t)(PIECE_UNCLEARED | PIECE_CLEARING),
						true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static void clear_piece(phys_t pa)
{
	uint32_t *link = piece_link(pa);

	if (claim(link)) {
		page_clear(phys_to_virt(ALIGN_DOWN(pa, MiB(2))), MiB(2));
		__atomic_fetch_and(link, ~(uint32_t)PIECE_CLEARING, __ATOMIC_RELEASE);
	}
	while (!is_cleared(pa))
		cpu_relax();
}

/* Whether all of the 1G page is cleared; when that is seen it is noted. */
static bool gigabyte_cleared(phys_t pa)
{
	uint32_t *link = gigabyte_link(pa);
	phys_t start = ALIGN_DOWN(pa, GiB(1));

	if (!(__atomic_load_n(link, __ATOMIC_ACQUIRE) & PIECES_MISSING))
		return true;
	for (phys_t at = start; at < start + GiB(1); at += MiB(2)) {
		if (!is_cleared(at))
			return false;
	}
	__atomic_fetch_and(link, ~(uint32_t)PIECES_MISSING, __ATOMIC_RELEASE);
	return true;
}

/* Clears what is to be cleared around the page that `leaf` gives. The level that may be mapped. */
static unsigned make_clear(const struct pt_leaf *leaf)
{
	if (leaf->level == PT_LEVEL_4K)
		return PT_LEVEL_4K;
	if (unlikely(!is_cleared(leaf->pa)))
		clear_piece(leaf->pa);
	return leaf->level == PT_LEVEL_1G && !gigabyte_cleared(leaf->pa) ? PT_LEVEL_2M
									 : leaf->level;
}

/* ---- creation and end ---- */

static int add_page(struct mobj *m, uint64_t offset, phys_t pa, unsigned level)
{
	uint64_t size = pt_level_size(level);
	int err = pt_map(&m->pages, offset, pa, size, PT_RWX, level);

	if (err == 0)
		m->present += size;
	return err;
}

/* Adds a page of this level at offset. 0 or -ENOMEM. The object is not shared yet. */
static int populate_page(struct mobj *m, uint64_t offset, unsigned level)
{
	phys_t pa = page_alloc(m->c, level_order(level), m->use, 0, m->node);

	if (!pa)
		return -ENOMEM;
	if (add_page(m, offset, pa, level) < 0) {
		page_free(pa, level_order(level));
		return -ENOMEM;
	}
	if (level == PT_LEVEL_4K)
		page_clear(phys_to_virt(pa), PAGE_SIZE);
	else
		mark_uncleared(pa, level);
	return 0;
}

/* With the largest page that fits and is to be had. The level, or -ENOMEM. */
static int populate_at(struct mobj *m, uint64_t offset)
{
	for (int level = PT_LEVEL_1G; level >= 0; level--) {
		uint64_t size = pt_level_size((unsigned)level);

		if (IS_ALIGNED(offset, size) && m->size - offset >= size &&
		    populate_page(m, offset, (unsigned)level) == 0)
			return level;
	}
	return -ENOMEM;
}

static int populate(struct mobj *m)
{
	int level;

	for (uint64_t offset = 0; offset < m->size; offset += pt_level_size((unsigned)level)) {
		level = populate_at(m, offset);
		if (level < 0)
			return level;
		if (IS_ALIGNED(offset, TURN_BYTES))
			mem_preempt_point();
	}
	return 0;
}

static int init_object(struct mobj *m, struct container *c, uint64_t size, unsigned flags, int node)
{
	lock_init(&m->lock, &mobj_class);
	m->c = c;
	m->size = ALIGN_UP(size, PAGE_SIZE);
	m->refs = 1;
	m->node = node;
	m->use = flags & MOBJ_IS_GUEST ? PAGE_GUEST : PAGE_USER;
	return pt_init(&m->pages, &pt_index_format, c);
}

struct mobj *mobj_create(struct container *c, uint64_t size, unsigned flags, int node)
{
	struct mobj *m;

	if (size == 0 || size > RAM_END)
		return NULL;
	m = kalloc(c, sizeof(*m));
	if (!m)
		return NULL;
	if (init_object(m, c, size, flags, node) < 0) {
		kfree(m);
		return NULL;
	}
	container_get(c);
	if ((flags & MOBJ_POPULATE) && populate(m) < 0) {
		mobj_put(m);
		return NULL;
	}
	return m;
}

struct mobj *mobj_get(struct mobj *m)
{
	__atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

static void free_leaf(struct pt_gather *g, uint64_t va, phys_t pa, unsigned level, unsigned rights)
{
	(void)g, (void)va, (void)rights;
	forget_marks(pa, level);
	page_free(pa, level_order(level));
}

/* Frees the pages from offset on that are one turn's work. Returns how many bytes of the object
 * that were. */
static uint64_t free_some(struct mobj *m, uint64_t offset)
{
	struct pt_gather g = { .leaf = free_leaf };
	uint64_t size = MIN(m->size - offset, TURN_BYTES);
	struct pt_leaf leaf;
	int err;

	/* A 1G page goes as a whole: nothing is split, so nothing fails. */
	if (pt_query(&m->pages, offset, &leaf) && leaf.level == PT_LEVEL_1G)
		size = GiB(1);
	err = pt_unmap(&m->pages, offset, size, &g);
	ASSERT(err == 0);
	pt_gather_free(&m->pages, &g);
	return size;
}

static void destroy(struct mobj *m)
{
	struct container *c = m->c;

	for (uint64_t offset = 0; offset < m->size; offset += free_some(m, offset))
		mem_preempt_point();
	pt_destroy(&m->pages);
	kfree(m);
	container_put(c);
}

void mobj_put(struct mobj *m)
{
	if (m && __atomic_fetch_sub(&m->refs, 1, __ATOMIC_ACQ_REL) == 1)
		destroy(m);
}

uint64_t mobj_size(const struct mobj *m)
{
	return m->size;
}

uint64_t mobj_present(const struct mobj *m)
{
	return __atomic_load_n(&m->present, __ATOMIC_RELAXED);
}

/* ---- pages ---- */

/* 0 or -ENOMEM: someone else may have added it meanwhile. */
static int add_on_demand(struct mobj *m, uint64_t offset)
{
	struct pt_leaf leaf;
	phys_t pa;
	int err = 0;

	lock_acquire(&m->lock);
	if (!pt_query(&m->pages, offset, &leaf)) {
		pa = page_alloc(m->c, 0, m->use, PAGE_ZERO, m->node);
		err = pa ? add_page(m, offset & PAGE_MASK, pa, PT_LEVEL_4K) : -ENOMEM;
		if (err < 0 && pa)
			page_free(pa, 0);
	}
	lock_release(&m->lock);
	return err;
}

phys_t mobj_page(struct mobj *m, uint64_t offset, unsigned *level)
{
	struct pt_leaf leaf;

	if (offset >= m->size)
		return 0;
	if (!pt_query(&m->pages, offset, &leaf)) {
		if (add_on_demand(m, offset) < 0)
			return 0;
		pt_query(&m->pages, offset, &leaf);
	}
	*level = make_clear(&leaf);
	return leaf.pa & PAGE_MASK;
}

static bool in_range(const struct mobj *m, uint64_t offset, uint64_t size)
{
	return offset <= m->size && size <= m->size - offset;
}

/* ---- access by the host ---- */

/* Bytes from offset on that are contiguous in memory, at most len. */
static size_t contiguous(uint64_t offset, unsigned level, size_t len)
{
	uint64_t size = pt_level_size(level);

	return MIN(size - (offset & (size - 1)), len);
}

const void *mobj_view(struct mobj *m, uint64_t offset, uint64_t *before, uint64_t *after)
{
	struct pt_leaf leaf;
	uint64_t size;

	if (offset >= m->size || !pt_query(&m->pages, offset, &leaf))
		return NULL;
	if (leaf.level != PT_LEVEL_4K && !is_cleared(leaf.pa))
		return NULL;
	size = pt_level_size(MIN(leaf.level, (unsigned)PT_LEVEL_2M));
	*before = offset & (size - 1);
	*after = size - *before;
	return phys_to_virt(leaf.pa);
}

int mobj_read(struct mobj *m, uint64_t offset, void *buf, size_t len)
{
	char *to = buf;

	if (!in_range(m, offset, len))
		return -EFAULT;
	for (size_t n; len; len -= n, offset += n, to += n) {
		struct pt_leaf leaf;

		if (!pt_query(&m->pages, offset, &leaf))
			leaf = (struct pt_leaf){ 0 };
		n = contiguous(offset, MIN(leaf.level, (unsigned)PT_LEVEL_2M), len);
		if (leaf.pa && (leaf.level == PT_LEVEL_4K || is_cleared(leaf.pa)))
			memcpy(to, phys_to_virt(leaf.pa), n);
		else
			memset(to, 0, n);
	}
	return 0;
}

int mobj_write(struct mobj *m, uint64_t offset, const void *buf, size_t len)
{
	const char *from = buf;

	if (!in_range(m, offset, len))
		return -EFAULT;
	if (m->dirty_hook && len)
		m->dirty_hook(m->dirty_arg, offset, len);
	for (size_t n; len; len -= n, offset += n, from += n) {
		unsigned level;
		phys_t pa = mobj_page(m, offset, &level);

		if (!pa)
			return -ENOMEM;
		n = contiguous(offset, level, len);
		memcpy((char *)phys_to_virt(pa) + (offset & (PAGE_SIZE - 1)), from, n);
	}
	return 0;
}

void mobj_set_dirty_hook(struct mobj *m, void (*hook)(void *arg, uint64_t offset, uint64_t size),
			 void *arg)
{
	m->dirty_hook = hook;
	m->dirty_arg = arg;
}

/* ---- pins ---- */

/* Adds `by` to the counts of the pages in [offset, end), which are there. */
static void count_pins(struct mobj *m, uint64_t offset, uint64_t end, int by)
{
	unsigned level;

	for (uint64_t at = offset & PAGE_MASK; at < end; at += PAGE_SIZE)
		__atomic_fetch_add(&page_of(mobj_page(m, at, &level))->link, (uint32_t)by,
				   __ATOMIC_RELAXED);
}

int mobj_pin(struct mobj *m, uint64_t offset, uint64_t size)
{
	unsigned level;

	if (!in_range(m, offset, size))
		return -EFAULT;
	for (uint64_t at = offset & PAGE_MASK; at < offset + size; at += PAGE_SIZE) {
		if (!mobj_page(m, at, &level))
			return -ENOMEM;
	}
	mobj_get(m);
	count_pins(m, offset, offset + size, 1);
	return 0;
}

void mobj_unpin(struct mobj *m, uint64_t offset, uint64_t size)
{
	count_pins(m, offset, offset + size, -1);
	mobj_put(m);
}

bool mobj_is_pinned(struct mobj *m, uint64_t offset)
{
	struct pt_leaf leaf;

	return pt_query(&m->pages, offset, &leaf) &&
	       (__atomic_load_n(&page_of(leaf.pa)->link, __ATOMIC_RELAXED) & PIN_COUNT) != 0;
}
