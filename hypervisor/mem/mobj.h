/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory objects: the owner of guest RAM and of memory shared between processes. An object owns its
 * pages (the largest that fit, on one node when possible, zeroed before use), resolves faults of
 * its mappings, counts pins for device access, and has the one accessor for all writes by the host.
 * Who maps it holds a reference, and drops it after having flushed TLBs.
 *
 * Locks: the object's own (LOCK_RANK_MOBJ).
 */
#pragma once

#include "mem/page.h"

struct mobj;

/* All pages at creation, large ones cleared by 2M as they are touched: guest RAM. Else single pages
 * as they are touched. */
#define MOBJ_POPULATE 1u
#define MOBJ_IS_GUEST 2u /* pages count as PAGE_GUEST */

/*
 * May take long for large objects: gives others a turn (mem/preempt.h); thread context, no lock
 * held. Size in bytes, rounded up to whole pages. Reference for the caller; NULL: quota or memory.
 */
struct mobj *mobj_create(struct container *c, uint64_t size, unsigned flags, int node);
struct mobj *mobj_get(struct mobj *m);
/* With the last reference all pages are freed: thread context, no lock held. NULL is fine. */
void mobj_put(struct mobj *m);
uint64_t mobj_size(const struct mobj *m);
/* Bytes of its pages that are there. */
uint64_t mobj_present(const struct mobj *m);

/*
 * The page that holds `offset`, allocating it if need be; *level is the largest leaf (PT_LEVEL_*)
 * that may map it: such a leaf covers offsets aligned to its size, to physical addresses aligned
 * alike. 0: out of range, quota or memory. May clear 2 MiB, or wait for a CPU that does.
 */
phys_t mobj_page(struct mobj *m, uint64_t offset, unsigned *level);

/*
 * Where the bytes around `offset` can be read in place: the address of that at `offset`, with
 * *before in front of it and *after from it on. NULL: no page is there, or one that is still to be
 * cleared: mobj_read() knows what it holds. As long as the object is there.
 */
const void *mobj_view(struct mobj *m, uint64_t offset, uint64_t *before, uint64_t *after);

/* Host access by copy, bounds-checked: 0, -EFAULT, or -ENOMEM (write). mobj_write runs the dirty
 * hook. */
int mobj_read(struct mobj *m, uint64_t offset, void *buf, size_t len);
int mobj_write(struct mobj *m, uint64_t offset, const void *buf, size_t len);

/* From then on called for each write by the host, before it is made; NULL: none. Set while nobody
 * writes. */
void mobj_set_dirty_hook(struct mobj *m, void (*hook)(void *arg, uint64_t offset, uint64_t size),
			 void *arg);

/*
 * Pins keep pages where they are, and the object alive, while a device or the kernel uses them.
 * Pages that are not there are made. 0, -EFAULT (out of range) or -ENOMEM. Ranges in bytes, any
 * alignment; unpin exactly what was pinned; no lock held.
 */
int mobj_pin(struct mobj *m, uint64_t offset, uint64_t size);
void mobj_unpin(struct mobj *m, uint64_t offset, uint64_t size);
bool mobj_is_pinned(struct mobj *m, uint64_t offset); /* the page that holds it */
