// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel stacks live in slots of a region, each below its own unmapped guard. A slot that was freed
// may still be in some CPU's TLB; nobody touches it, so that is harmless until it is used again.
// Freed slots therefore wait until there are many and one flush on all CPUs makes them all usable.
// Device mappings are made once and stay.
#include "mem/kspace.h"

#include "cpu/log.h"
#include "lib/bitmap.h"
#include "lib/bits.h"
#include "mem/tlb.h"

#define STALE_MAX 64u
/* Stacks whose tables are made at start, so that starting threads does not cost tables that stay.
 */
#define SLOTS_AT_START 1024u

static const struct lock_class kspace_class = { "kernel space", LOCK_RANK_LEAF };

/* Locks: [k] kstack_lock */
static struct lock kstack_lock = LOCK_INIT(&kspace_class);
static uint64_t slots[BITMAP_WORDS(KSTACK_SLOTS)]; /* [k] in use or stale */
static uint32_t stale[STALE_MAX];                  /* [k] freed, not yet flushed */
static unsigned nr_stale;                          /* [k] */

/* Locks: [m] mmio_lock */
static struct lock mmio_lock = LOCK_INIT(&kspace_class);
static uint64_t mmio_next = MMIO_BASE; /* [m] */

struct page_table kernel_pt;

#define KSTACK_RIGHTS (PT_READ | PT_WRITE | PT_GLOBAL | PT_DIRTY)

static uint64_t stack_base(uint32_t slot)
{
	return KSTACK_BASE + (slot + 1) * KSTACK_SLOT - KSTACK_SIZE;
}

void kspace_init(void)
{
	struct pt_gather g = { 0 };
	uint64_t size = SLOTS_AT_START * KSTACK_SLOT;
	int err = pt_map(&kernel_pt, KSTACK_BASE, 0, size, PT_READ, PT_LEVEL_4K);

	/* Taken out again; the tables stay. */
	ASSERT(err == 0);
	err = pt_unmap(&kernel_pt, KSTACK_BASE, size, &g);
	ASSERT(err == 0);
}

/* ---- stacks ---- */

/* The lowest slot that is free, or KSTACK_SLOTS. */
static uint32_t take_slot(void)
{
	size_t slot;

	lock_acquire(&kstack_lock);
	slot = bitmap_next_clear(slots, KSTACK_SLOTS, 0);
	if (slot < KSTACK_SLOTS)
		bitmap_set(slots, slot);
	lock_release(&kstack_lock);
	return (uint32_t)slot;
}

static void release_slots(const uint32_t *which, unsigned n)
{
	lock_acquire(&kstack_lock);
	for (unsigned i = 0; i < n; i++)
		bitmap_clear(slots, which[i]);
	lock_release(&kstack_lock);
}

/* Notes a slot as stale; with enough of them, moves them all to batch and returns how many. */
static unsigned note_stale(uint32_t slot, uint32_t *batch)
{
	unsigned n = 0;

	lock_acquire(&kstack_lock);
	stale[nr_stale++] = slot;
	if (nr_stale == STALE_MAX) {
		for (; n < STALE_MAX; n++)
			batch[n] = stale[n];
		nr_stale = 0;
	}
	lock_release(&kstack_lock);
	return n;
}

static void gather_page(struct pt_gather *g, uint64_t va, phys_t pa, unsigned level,
			unsigned rights)
{
	(void)va, (void)level, (void)rights;
	pt_gather_page(g, pa);
}

/* Takes out and frees what is mapped of a slot's stack. */
static void unmap_stack(uint32_t slot)
{
	struct pt_gather g = { .leaf = gather_page };
	int err = pt_unmap(&kernel_pt, stack_base(slot), KSTACK_SIZE, &g);

	ASSERT(err == 0);
	pt_gather_free(&kernel_pt, &g);
}

static bool map_stack(struct container *c, uint32_t slot)
{
	for (uint64_t va = stack_base(slot); va < stack_base(slot) + KSTACK_SIZE; va += PAGE_SIZE) {
		phys_t pa = page_alloc(c, 0, PAGE_STACK, PAGE_ZERO, NODE_ANY);

		if (!pa)
			return false;
		if (pt_map(&kernel_pt, va, pa, PAGE_SIZE, KSTACK_RIGHTS, PT_LEVEL_4K) < 0) {
			page_free(pa, 0);
			return false;
		}
	}
	return true;
}

void *kstack_alloc(struct container *c)
{
	uint32_t slot = take_slot();

	if (slot == KSTACK_SLOTS)
		return NULL;
	if (!map_stack(c, slot)) {
		/* No CPU has touched it: it needs no flush. */
		unmap_stack(slot);
		release_slots(&slot, 1);
		return NULL;
	}
	return (void *)(stack_base(slot) + KSTACK_SIZE);
}

void kstack_free(void *top)
{
	uint32_t batch[STALE_MAX];
	uint32_t slot = (uint32_t)(((uintptr_t)top - KSTACK_BASE) / KSTACK_SLOT - 1);
	unsigned n;

	ASSERT(slot < KSTACK_SLOTS && stack_base(slot) + KSTACK_SIZE == (uintptr_t)top);
	unmap_stack(slot);
	n = note_stale(slot, batch);
	if (n) {
		tlb_flush_kernel(KSTACK_BASE, KSTACK_SLOTS * KSTACK_SLOT);
		release_slots(batch, n);
	}
}

/* ---- devices ---- */

/* A place for size bytes at the same offset within a large page as `pa`, with a gap behind it; 0:
 * none. */
static uint64_t mmio_place(phys_t pa, uint64_t size)
{
	uint64_t align = size >= MiB(2) ? MiB(2) : PAGE_SIZE, va = 0;

	lock_acquire(&mmio_lock);
	uint64_t start = ALIGN_UP(mmio_next, align) + (pa & (align - 1));
	if (size <= MMIO_END - start - PAGE_SIZE) {
		va = start;
		mmio_next = start + size + PAGE_SIZE;
	}
	lock_release(&mmio_lock);
	return va;
}

void *mmio_map(phys_t pa, size_t size)
{
	phys_t base = pa & PAGE_MASK;
	uint64_t bytes, va;

	if (size == 0 || pa > PHYS_END - size)
		return NULL;
	bytes = ALIGN_UP(pa + size, PAGE_SIZE) - base;
	va = mmio_place(base, bytes);
	if (!va ||
	    pt_map(&kernel_pt, va, base, bytes, KSTACK_RIGHTS | PT_UNCACHED, PT_LEVEL_2M) < 0)
		return NULL;
	return (char *)va + (pa - base);
}
