// SPDX-License-Identifier: GPL-2.0-or-later
// Filling pages on demand. A leaf that the address space owns (PT_OWNED) is a private page, freed
// when it is unmapped; all others belong to a file, an object or the caller of as_map. Whole
// aligned pages of a file are mapped as they lie in the archive and copied on the first write;
// others are copied at once.
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/as_impl.h"
#include "mem/tlb.h"

/* ---- private pages ---- */

/* Maps a fresh page of the address space itself. 0 or -ENOMEM. */
static int map_owned(struct as *as, const struct region *r, uint64_t va, phys_t pa)
{
	int err =
		pt_map(&as->pt, va, pa, PAGE_SIZE, as_pt_rights(r->rights) | PT_OWNED, PT_LEVEL_4K);

	if (err < 0)
		page_free(pa, 0);
	else
		as->used_pages++;
	return err;
}

static int fill_anon(struct as *as, const struct region *r, uint64_t va)
{
	phys_t pa = page_alloc(as->c, 0, PAGE_USER, PAGE_ZERO, NODE_ANY);

	return pa ? map_owned(as, r, va, pa) : -ENOMEM;
}

/* ---- files ---- */

/* A new page with the file's bytes at `offset`, zeros behind its end; 0: no memory. */
static phys_t copy_file_page(struct as *as, const struct region *r, uint64_t offset)
{
	uint64_t n = offset < r->file_size ? MIN(r->file_size - offset, PAGE_SIZE) : 0;
	phys_t pa = page_alloc(as->c, 0, PAGE_USER, n < PAGE_SIZE ? PAGE_ZERO : 0, NODE_ANY);

	if (pa && n)
		memcpy(phys_to_virt(pa), phys_to_virt(r->file_base + offset), n);
	return pa;
}

static int fill_file(struct as *as, const struct region *r, uint64_t va, uint32_t wanted)
{
	uint64_t offset = r->offset + (va - r->va);
	phys_t pa = r->file_base + offset;
	bool whole = IS_ALIGNED(pa, PAGE_SIZE) && offset < r->file_size &&
		     r->file_size - offset >= PAGE_SIZE;

	if (whole && wanted != AS_WRITE)
		return pt_map(&as->pt, va, pa, PAGE_SIZE, as_pt_rights(r->rights & ~AS_WRITE),
			      PT_LEVEL_4K);
	pa = copy_file_page(as, r, offset);
	return pa ? map_owned(as, r, va, pa) : -ENOMEM;
}

/* The first write to a page of the file. The caller flushes: other CPUs may still read the file's
 * page. */
static int copy_on_write(struct as *as, const struct region *r, uint64_t va)
{
	phys_t pa = copy_file_page(as, r, r->offset + (va - r->va)), old;

	if (!pa)
		return -ENOMEM;
	pt_replace(&as->pt, va, pa, as_pt_rights(r->rights) | PT_OWNED, &old);
	as->used_pages++;
	return 0;
}

/* ---- objects ---- */

/* The largest leaf up to `level` that fits at va, with all of it in the region and at an offset
 * that is aligned alike. */
static unsigned largest_level(const struct region *r, uint64_t va, unsigned level)
{
	for (; level > 0; level--) {
		uint64_t size = pt_level_size(level), start = ALIGN_DOWN(va, size);

		if (start >= r->va && start + size <= region_end(r) &&
		    IS_ALIGNED(r->va - r->offset, size))
			return level;
	}
	return 0;
}

static int fill_mobj(struct as *as, const struct region *r, uint64_t va)
{
	unsigned level;
	phys_t pa = mobj_page(r->mobj, r->offset + (va - r->va), &level);
	int err = -EEXIST;

	if (!pa)
		return -ENOMEM;
	/* Smaller leaves may be in the way of a large one, from before a neighbour's rights were
	 * made equal. */
	for (level = largest_level(r, va, level);; level--) {
		uint64_t size = pt_level_size(level), start = ALIGN_DOWN(va, size);

		err = pt_map(&as->pt, start, pa - (va - start), size, as_pt_rights(r->rights),
			     level);
		if (err != -EEXIST || level == 0)
			return err;
	}
}

/* ---- the fault ---- */

static int fill(struct as *as, const struct region *r, uint64_t va, uint32_t wanted)
{
	switch (r->kind) {
	case AS_KIND_ANON: return fill_anon(as, r, va);
	case AS_KIND_FILE: return fill_file(as, r, va, wanted);
	case AS_KIND_MOBJ: return fill_mobj(as, r, va);
	case AS_KIND_RUN_PAGE:
		return pt_map(&as->pt, va, r->page, PAGE_SIZE, as_pt_rights(r->rights),
			      PT_LEVEL_4K);
	default: return -EFAULT;
	}
}

/* A page is there and the region allows what is wanted; *flush: other CPUs may know an old page. */
static int upgrade(struct as *as, const struct region *r, uint64_t va, const struct pt_leaf *leaf,
		   uint32_t wanted, bool *flush)
{
	if (wanted != AS_WRITE || (leaf->rights & PT_WRITE))
		return 0; /* another CPU was faster */
	if (r->kind == AS_KIND_FILE && !(leaf->rights & PT_OWNED)) {
		*flush = true;
		return copy_on_write(as, r, va);
	}
	return pt_protect(&as->pt, va, PAGE_SIZE, as_pt_rights(r->rights));
}

static int fault_locked(struct as *as, uint64_t va, uint32_t wanted, bool *flush)
{
	struct region *r = region_find(as, va);
	uint32_t allowed = r ? r->rights : 0;
	struct pt_leaf leaf;

	/* Where anything is allowed, the hardware allows reading. */
	if (allowed)
		allowed |= AS_READ;
	if (wanted & ~allowed)
		return -EFAULT;
	if (pt_query(&as->pt, va, &leaf))
		return upgrade(as, r, va, &leaf, wanted, flush);
	return fill(as, r, va, wanted);
}

int as_fault(struct as *as, uint64_t va, uint32_t wanted)
{
	bool flush = false;
	int err;

	if (va < AS_USER_BEGIN || va >= AS_USER_END)
		return -EFAULT;
	va &= PAGE_MASK;
	lock_acquire(&as->lock);
	err = fault_locked(as, va, wanted, &flush);
	lock_release(&as->lock);
	if (flush && err == 0)
		tlb_flush_as(as, va, PAGE_SIZE);
	return err;
}
