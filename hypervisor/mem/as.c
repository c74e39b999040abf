// SPDX-License-Identifier: GPL-2.0-or-later
// Layout of address spaces: map, unmap, protect. Each is a change: regions and page tables under
// as->lock, then the flush with no lock, then what was taken out is freed. `changing` keeps other
// changes out until then; who waits for it serves IPI calls, so that the holder's flush never waits
// for the waiter.
#include "mem/as.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/as_impl.h"
#include "mem/kalloc.h"
#include "mem/kspace.h"
#include "mem/preempt.h"
#include "mem/tlb.h"

#define ALL_RIGHTS   (AS_READ | AS_WRITE | AS_EXEC)
#define ROOT_ENTRIES 512
#define USER_ENTRIES 256

static const struct lock_class as_class = { "as", LOCK_RANK_AS };

/* ---- changes ---- */

struct as_change {
	struct pt_gather gather;
	struct as *as;
	struct region *dead;
};

static void change_begin(struct as_change *ch, struct as *as)
{
	*ch = (struct as_change){ .as = as };
	while (__atomic_exchange_n(&as->changing, 1, __ATOMIC_ACQUIRE)) {
		ipi_serve();
		cpu_relax();
	}
	lock_acquire(&as->lock);
}

/* Flushes [va, va+size) if leaves went or changed there. */
static void change_end(struct as_change *ch, uint64_t va, uint64_t size, bool flush)
{
	struct as *as = ch->as;

	lock_release(&as->lock);
	if (flush || ch->gather.nr_leaves)
		tlb_flush_as(as, va, size);
	pt_gather_free(&as->pt, &ch->gather);
	__atomic_store_n(&as->changing, 0, __ATOMIC_RELEASE);
	region_free_dead(ch->dead);
}

static void unmap_leaf(struct pt_gather *g, uint64_t va, phys_t pa, unsigned level, unsigned rights)
{
	struct as *as = container_of(g, struct as_change, gather)->as;

	(void)va, (void)level;
	if (!(rights & PT_OWNED))
		return;
	as->used_pages--;
	pt_gather_page(g, pa);
}

/* Takes [va, end) out of regions and tables. 0, or -ENOMEM and nothing was changed. */
static int remove_locked(struct as_change *ch, uint64_t va, uint64_t end)
{
	struct as *as = ch->as;
	int err = region_cut(as, va, end);

	if (err < 0)
		return err;
	ch->gather.leaf = unmap_leaf;
	err = pt_unmap(&as->pt, va, end - va, &ch->gather);
	if (err < 0)
		return err;
	ch->dead = region_remove(as, va, end);
	return 0;
}

static bool range_valid(uint64_t va, uint64_t size)
{
	return IS_ALIGNED(va | size, PAGE_SIZE) && size != 0 && va >= AS_USER_BEGIN &&
	       va < AS_USER_END && size <= AS_USER_END - va;
}

unsigned as_pt_rights(uint32_t rights)
{
	unsigned pt = PT_USER;

	/* The hardware has no way to write or execute without reading. */
	pt |= rights ? PT_READ : 0;
	pt |= rights & AS_WRITE ? PT_WRITE : 0;
	pt |= rights & AS_EXEC ? PT_EXEC : 0;
	return pt;
}

/* ---- map ---- */

static int check_source(const struct as_map_args *a)
{
	switch (a->kind) {
	case AS_KIND_ANON:
	case AS_KIND_RUN_PAGE: return 0;
	case AS_KIND_FILE: return IS_ALIGNED(a->offset, PAGE_SIZE) ? 0 : -EINVAL;
	case AS_KIND_MOBJ:
		if (!IS_ALIGNED(a->offset, PAGE_SIZE) || a->offset > mobj_size(a->mobj) ||
		    a->size > mobj_size(a->mobj) - a->offset)
			return -EINVAL;
		return 0;
	default: return -EINVAL;
	}
}

static int check_args(const struct as_map_args *a)
{
	if (a->size == 0 || !IS_ALIGNED(a->size, PAGE_SIZE) || a->size > AS_USER_END ||
	    (a->rights & ~ALL_RIGHTS))
		return -EINVAL;
	if ((a->rights & AS_WRITE) && (a->rights & AS_EXEC))
		return -EACCES;
	if (a->fixed && !range_valid(a->va, a->size))
		return -EINVAL;
	if (a->kind == AS_KIND_RUN_PAGE && a->size != PAGE_SIZE)
		return -EINVAL;
	return check_source(a);
}

/* The address to use; 0: there is no room. */
static uint64_t choose_va(struct as *as, const struct as_map_args *a)
{
	uint64_t align = PAGE_SIZE, phase = 0;

	if (a->fixed)
		return a->va;
	if (range_valid(a->va, a->size) && region_is_free(as, a->va, a->va + a->size))
		return a->va;
	/* So that large pages of an object can be mapped by large leaves. */
	if (a->kind == AS_KIND_MOBJ && a->size >= MiB(2)) {
		align = a->size >= GiB(1) ? GiB(1) : MiB(2);
		phase = a->offset & (align - 1);
	}
	return region_find_gap(as, a->size, align, phase);
}

static struct region *make_region(struct as *as, const struct as_map_args *a)
{
	struct region *r = kalloc(as->c, sizeof(*r));

	if (!r)
		return NULL;
	r->size = a->size;
	r->rights = a->rights;
	r->kind = a->kind;
	r->mobj = a->kind == AS_KIND_MOBJ ? mobj_get(a->mobj) : NULL;
	r->offset = a->kind == AS_KIND_ANON ? 0 : a->offset;
	r->file_base = a->file_base;
	r->file_size = a->file_size;
	r->page = a->page;
	return r;
}

/* Puts r where the arguments say; the address or -ENOMEM. */
static int64_t place_locked(struct as_change *ch, const struct as_map_args *a, struct region *r)
{
	uint64_t va = choose_va(ch->as, a);
	int err = va ? 0 : -ENOMEM;

	if (err == 0 && a->fixed)
		err = remove_locked(ch, va, va + a->size);
	if (err < 0)
		return err;
	r->va = va;
	region_insert(ch->as, r);
	region_merge(ch->as, r);
	return (int64_t)va;
}

int64_t as_map(struct as *as, const struct as_map_args *a)
{
	struct as_change ch;
	struct region *r;
	int64_t va = check_args(a);

	if (va < 0)
		return va;
	r = make_region(as, a);
	if (!r)
		return -ENOMEM;
	change_begin(&ch, as);
	va = place_locked(&ch, a, r);
	change_end(&ch, (uint64_t)va, a->size, false);
	if (va < 0)
		region_free_dead(r);
	return va;
}

/* ---- unmap, protect ---- */

int as_unmap(struct as *as, uint64_t va, uint64_t size)
{
	struct as_change ch;
	int err;

	if (!range_valid(va, size))
		return -EINVAL;
	change_begin(&ch, as);
	err = remove_locked(&ch, va, va + size);
	change_end(&ch, va, size, false);
	return err;
}

/* 0, -ENOMEM: a hole; -EINVAL: a kind whose rights are fixed. */
static int check_protect(struct as *as, uint64_t va, uint64_t end)
{
	struct region *r = region_find(as, va);

	for (; r && va < end; r = region_next(r)) {
		if (r->va > va)
			return -ENOMEM;
		if (r->kind == AS_KIND_RUN_PAGE)
			return -EINVAL;
		va = region_end(r);
	}
	return va < end ? -ENOMEM : 0;
}

/* Pages of a file that are not copied yet must fault when written, even where writing is now
 * allowed. */
static uint32_t leaf_rights(const struct region *r, uint32_t rights)
{
	return r->kind == AS_KIND_FILE ? rights & ~AS_WRITE : rights;
}

/* Merging may free the region or its neighbours: each step looks again. */
static void merge_range(struct as *as, uint64_t va, uint64_t end)
{
	struct region *r;

	while (va < end && (r = region_first_from(as, va)) && r->va < end) {
		va = region_end(r);
		region_merge(as, r);
	}
}

static int protect_locked(struct as *as, uint64_t va, uint64_t end, uint32_t rights)
{
	int err = check_protect(as, va, end);

	if (err == 0)
		err = region_cut(as, va, end);
	for (struct region *r = region_find(as, va); err == 0 && r && r->va < end;
	     r = region_next(r)) {
		err = pt_protect(&as->pt, r->va, r->size, as_pt_rights(leaf_rights(r, rights)));
		if (err == 0)
			r->rights = rights;
	}
	merge_range(as, va, end);
	return err;
}

int as_protect(struct as *as, uint64_t va, uint64_t size, uint32_t rights)
{
	struct as_change ch;
	int err;

	if (!range_valid(va, size) || (rights & ~ALL_RIGHTS))
		return -EINVAL;
	if ((rights & AS_WRITE) && (rights & AS_EXEC))
		return -EACCES;
	change_begin(&ch, as);
	err = protect_locked(as, va, va + size, rights);
	change_end(&ch, va, size, true);
	return err;
}

/* ---- queries ---- */

void as_query(struct as *as, uint64_t va, struct as_query *out)
{
	struct region *r;
	struct pt_leaf leaf;

	memset(out, 0, sizeof(*out));
	lock_acquire(&as->lock);
	r = va < AS_USER_END ? region_find(as, va) : NULL;
	if (r) {
		out->rights = r->rights;
		out->kind = r->kind;
		out->page_size = pt_query(&as->pt, va, &leaf) ? pt_level_size(leaf.level) : 0;
	}
	lock_release(&as->lock);
}

uint64_t as_used(const struct as *as)
{
	return __atomic_load_n(&as->used_pages, __ATOMIC_RELAXED) * PAGE_SIZE;
}

int as_key(struct as *as, uint64_t va, uint64_t *object, uint64_t *offset)
{
	struct region *r;

	lock_acquire(&as->lock);
	r = va < AS_USER_END ? region_find(as, va) : NULL;
	if (r) {
		*object = r->mobj ? (uintptr_t)r->mobj : (uintptr_t)as;
		*offset = r->mobj ? r->offset + (va - r->va) : va;
	}
	lock_release(&as->lock);
	return r ? 0 : -EFAULT;
}

/* ---- creation and end ---- */

/* The upper half of the root is the kernel's. */
static void share_kernel_half(struct page_table *pt)
{
	uint64_t *root = phys_to_virt(pt->root);
	const uint64_t *kernel_root = phys_to_virt(kernel_pt.root);

	memcpy(&root[USER_ENTRIES], &kernel_root[USER_ENTRIES],
	       (ROOT_ENTRIES - USER_ENTRIES) * sizeof(root[0]));
	pt->top_entries = USER_ENTRIES;
}

static uint64_t last_id; /* [a] */

struct as *as_create(struct container *c)
{
	struct as *as = kalloc(c, sizeof(*as));

	if (!as)
		return NULL;
	if (pt_init(&as->pt, &pt_host_format, c) < 0) {
		kfree(as);
		return NULL;
	}
	share_kernel_half(&as->pt);
	lock_init(&as->lock, &as_class);
	as->c = container_get(c);
	as->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	return as;
}

static bool is_active(struct as *as)
{
	bool active = false;

	cpu_for_each (cpu)
		active = active || cpu_set_has(&as->active, cpu);
	return active;
}

/* Freed between two chances for others. */
#define TURN_BYTES MiB(32)

/* Frees some pages from va on, before end; no CPU uses them. Returns where it stopped. Splits no
 * leaf, so it cannot fail. */
static uint64_t free_some(struct as *as, uint64_t va, uint64_t end)
{
	struct as_change ch = { .as = as, .gather.leaf = unmap_leaf };
	uint64_t stop = MIN(ALIGN_DOWN(va, TURN_BYTES) + TURN_BYTES, end);
	struct pt_leaf leaf;
	int err;

	if (pt_query(&as->pt, va, &leaf) && leaf.level == PT_LEVEL_1G)
		stop = va + GiB(1);
	err = pt_unmap(&as->pt, va, stop - va, &ch.gather);
	ASSERT(err == 0);
	pt_gather_free(&as->pt, &ch.gather);
	return stop;
}

void as_destroy(struct as *as)
{
	struct container *c = as->c;
	struct region *r;

	ASSERT(!is_active(as));
	for (r = region_first_from(as, 0); r; r = region_next(r)) {
		for (uint64_t va = r->va; va < region_end(r); va = free_some(as, va, region_end(r)))
			mem_preempt_point();
	}
	region_free_dead(region_remove(as, 0, AS_USER_END));
	ASSERT(as->used_pages == 0);
	pt_destroy(&as->pt);
	kfree(as);
	container_put(c);
}
