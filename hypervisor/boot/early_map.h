/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct map before `mem` builds the real one: the first 4 GiB are there from the start, what
 * lies above is added on demand by 2M pages. Boot CPU only, until mem_init().
 */
#pragma once

#include "lib/types.h"

/* Tells where the image lies and removes head.S' identity map. First of all. */
void early_map_init(phys_t image_base);

/* [pa, pa+len) in the direct map; NULL: len is 0, beyond the CPU's reach or out of tables. */
const void *early_map(phys_t pa, uint64_t len);

/* The first physical address that this CPU does not reach. */
uint64_t early_map_reach(void);

/*
 * One device's registers [pa, pa+len), within a page, uncached, beside the image: unlike the rest
 * the mapping stays when mem has its own tables. Once. NULL: it crosses a page, the CPU does not
 * reach it, or the one place is taken.
 */
volatile void *early_map_device(phys_t pa, uint64_t len);
