// SPDX-License-Identifier: GPL-2.0-or-later
// Regions in a red-black tree by address. Cutting a region in two needs a struct, which is taken
// before anything changes. Anonymous neighbours with equal rights are joined again, so a heap that
// grows in steps stays one region.
#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/as_impl.h"
#include "mem/kalloc.h"

static struct region *region_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct region, node) : NULL;
}

uint64_t region_end(const struct region *r)
{
	return r->va + r->size;
}

struct region *region_first_from(struct as *as, uint64_t va)
{
	struct rb_node *n = as->regions.node;
	struct region *best = NULL;

	while (n) {
		struct region *r = region_of(n);

		if (region_end(r) > va) {
			best = r;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct region *region_find(struct as *as, uint64_t va)
{
	struct region *r = region_first_from(as, va);

	return r && r->va <= va ? r : NULL;
}

struct region *region_next(struct region *r)
{
	return region_of(rb_next(&r->node));
}

void region_insert(struct as *as, struct region *r)
{
	struct rb_node **link = &as->regions.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = r->va < region_of(parent)->va ? &parent->left : &parent->right;
	}
	rb_insert(&as->regions, &r->node, parent, link);
}

/* Do b's contents continue a's? Objects, files and run pages are left as they were mapped. */
static bool can_join(const struct region *a, const struct region *b)
{
	return a && b && region_end(a) == b->va && a->kind == AS_KIND_ANON &&
	       b->kind == AS_KIND_ANON && a->rights == b->rights;
}

static void join(struct as *as, struct region *a, struct region *b)
{
	a->size += b->size;
	rb_remove(&as->regions, &b->node);
	kfree(b);
}

void region_merge(struct as *as, struct region *r)
{
	struct region *prev = region_of(rb_prev(&r->node)), *next = region_next(r);

	if (can_join(r, next))
		join(as, r, next);
	if (can_join(prev, r))
		join(as, prev, r);
}

static bool needs_cut(struct as *as, uint64_t va)
{
	struct region *r = region_find(as, va);

	return r && r->va < va;
}

/* Cuts the region that holds va there; `upper` becomes its upper part. */
static void cut(struct as *as, uint64_t va, struct region *upper)
{
	struct region *r = region_find(as, va);
	uint64_t lower_size = va - r->va;

	*upper = *r;
	upper->va = va;
	upper->size = r->size - lower_size;
	upper->offset = r->offset + lower_size;
	if (upper->mobj)
		mobj_get(upper->mobj);
	r->size = lower_size;
	region_insert(as, upper);
}

int region_cut(struct as *as, uint64_t va, uint64_t end)
{
	struct region *low = NULL, *high = NULL;

	if (needs_cut(as, va)) {
		low = kalloc(as->c, sizeof(*low));
		if (!low)
			return -ENOMEM;
	}
	if (needs_cut(as, end)) {
		high = kalloc(as->c, sizeof(*high));
		if (!high) {
			kfree(low);
			return -ENOMEM;
		}
	}
	if (low)
		cut(as, va, low);
	if (high)
		cut(as, end, high);
	return 0;
}

struct region *region_remove(struct as *as, uint64_t va, uint64_t end)
{
	struct region *dead = NULL, *next;

	for (struct region *r = region_first_from(as, va); r && r->va < end; r = next) {
		next = region_next(r);
		ASSERT(r->va >= va && region_end(r) <= end);
		rb_remove(&as->regions, &r->node);
		r->next_dead = dead;
		dead = r;
	}
	return dead;
}

void region_free_dead(struct region *dead)
{
	while (dead) {
		struct region *next = dead->next_dead;

		mobj_put(dead->mobj);
		kfree(dead);
		dead = next;
	}
}

bool region_is_free(struct as *as, uint64_t va, uint64_t end)
{
	struct region *r = region_first_from(as, va);

	return !r || r->va >= end;
}

/* The highest address in [from, end - size] that is `phase` modulo align; 0: none. */
static uint64_t place_in(uint64_t from, uint64_t end, uint64_t size, uint64_t align, uint64_t phase)
{
	uint64_t va;

	if (end < from || end - from < size)
		return 0;
	va = end - size;
	va -= (va - phase) & (align - 1);
	return va >= from && va < end ? va : 0;
}

uint64_t region_find_gap(struct as *as, uint64_t size, uint64_t align, uint64_t phase)
{
	uint64_t top = AS_MMAP_TOP;

	for (struct rb_node *n = rb_last(&as->regions); n; n = rb_prev(n)) {
		struct region *r = region_of(n);
		uint64_t va = place_in(MAX(region_end(r), AS_USER_BEGIN), top, size, align, phase);

		if (va)
			return va;
		top = MIN(top, r->va);
	}
	return place_in(AS_USER_BEGIN, top, size, align, phase);
}
