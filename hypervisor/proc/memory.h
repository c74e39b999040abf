/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory objects as handles: mmap maps them into a process, virt/ maps them into a VM. The handle's
 * reference and each mapping's keep the memory object.
 */
#pragma once

#include "proc/object.h"

extern const struct object_ops memory_ops;

/*
 * Bytes, rounded up to whole pages; `flags`: MOBJ_GUEST. One reference in *out. 0, -EINVAL (size 0
 * or too large), -ENOMEM. May take long; no lock held.
 */
int memory_create(struct container *c, uint64_t size, uint32_t flags, struct object **out);

/* The memory object behind a handle whose operations are memory_ops; no reference is taken. */
struct mobj *memory_mobj(const struct object *o);
