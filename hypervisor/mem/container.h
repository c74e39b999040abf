/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers: exact quotas of kernel and user memory, in a tree. A child's limit is taken out of
 * its parent's at creation (as in mC2), so that what a container was promised is always there.
 * Every page and every small object is charged to one.
 *
 * Locks: each container has its own (LOCK_RANK_CONTAINER); parent and child are never locked
 * together.
 */
#pragma once

#include "lib/types.h"

struct container;

extern struct container *const kernel_container; /* the root: all memory of the machine */

/* New child with a reference for the caller; `limit` bytes are charged to the parent. NULL:
 * parent's quota or memory exhausted. */
struct container *container_create(struct container *parent, const char *name, uint64_t limit);
struct container *container_get(struct container *c); /* one more reference */
/* Drops a reference; with the last, the limit goes back to the parent. Everything charged must have
 * been freed by then (asserted). */
void container_put(struct container *c);

int container_charge(struct container *c, uint64_t bytes); /* 0 or -ENOMEM: nothing charged */
void container_uncharge(struct container *c, uint64_t bytes);

struct container_info {
	uint64_t id, parent, used, limit, peak;
	char name[32];
};
/* The container with the smallest id >= *id; false when there is none. For `mem`. */
bool container_next(uint64_t *id, struct container_info *info);
void container_get_info(const struct container *c, struct container_info *info);
