/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical memory for host tests: a few ranges, each at an address of the test's choice, everything
 * else out of reach. phys_map has the shape that the parsers of firmware tables ask for.
 */
#pragma once

#include "lib/types.h"

#define PHYS_RANGES 8

void phys_reset(void);
/* Bytes stay the caller's. */
void phys_add(phys_t base, const void *bytes, uint64_t size);
/* [pa, pa+len) when one range holds all of it, else NULL. */
const void *phys_map(phys_t pa, uint64_t len);
