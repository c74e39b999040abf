/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the kernel's functions, for backtraces. The table is part of the image and never
 * changes. Any context.
 */
#pragma once

#include "lib/types.h"

/*
 * The function that holds `addr`, with the distance from its start in *off (may be NULL).
 * NULL: not an address in the kernel's text.
 */
const char *ksym_lookup(virt_t addr, uint64_t *off);
