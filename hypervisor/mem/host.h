/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host unit tests: physical memory is an arena in the test program, made by tests/host/arena.c.
 * Physical address p is at host_direct_map_base + p, page structs at host_page_structs_base.
 */
#pragma once

#include "lib/types.h"

extern uintptr_t host_direct_map_base;
extern uintptr_t host_page_structs_base;

#define DIRECT_MAP_BASE   host_direct_map_base
#define PAGE_STRUCTS_BASE host_page_structs_base
