/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory objects: the owner of guest RAM and of memory shared between processes. An object owns its pages (the largest that fit, on one
 * node when possible, zeroed before use), knows where it is mapped, resolves faults of those mappings, counts pins for
 * device access, and has the one accessor for all writes by the host.
 *
 * Locks: the object's own (LOCK_RANK_MOBJ).
 */
#pragma once

#include "mem/page.h"

struct mobj;

#define MOBJ_POPULATE 1u /* all pages at creation: guest RAM */
#define MOBJ_IS_GUEST 2u /* pages count as PAGE_GUEST */

/* May take long for large objects: gives others a turn by mem/preempt hook. Reference for the caller; NULL: quota or memory. */
struct mobj *mobj_create(struct container *c, uint64_t size, unsigned flags, int node);
struct mobj *mobj_get(struct mobj *m);
void	     mobj_put(struct mobj *m); /* with the last reference all pages are freed */
uint64_t     mobj_size(const struct mobj *m);

/* The page that holds `offset`, allocating it if need be; *level is the largest leaf that may map it. 0: no memory. */
phys_t mobj_page(struct mobj *m, uint64_t offset, unsigned *level);

/* Host access by copy, bounds-checked: 0 or -EFAULT. mobj_write runs the dirty hook. */
int mobj_read(struct mobj *m, uint64_t offset, void *buf, size_t len);
int mobj_write(struct mobj *m, uint64_t offset, const void *buf, size_t len);

/* Pins keep pages where they are while a device or the kernel uses them. */
int  mobj_pin(struct mobj *m, uint64_t offset, uint64_t size);
void mobj_unpin(struct mobj *m, uint64_t offset, uint64_t size);
