/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small kernel objects, 16 bytes .. 2 KiB by power-of-two classes on slabs (larger sizes: whole
 * pages). Zeroed. The exact class size is charged to the container; an object knows its container.
 * The slabs' own pages are charged to the root. Never sleeps; interrupts off; any lock below
 * LOCK_RANK_CONTAINER may be held.
 */
#pragma once

#include "mem/container.h"

#define KALLOC_MAX (1ull << 30)

void *
kalloc(struct container *c,
       size_t size); /* NULL: out of quota or memory. Aligned to its class size, at most 4096 */
void kfree(void *p); /* NULL is fine */
