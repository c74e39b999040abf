/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel half of the virtual address space. Every top-level table entry that it uses is there
 * from mem_init on, so that user address spaces copy them once and never look again.
 */
#pragma once

#include "lib/types.h"

#ifdef __STRATA_KERNEL__
#define DIRECT_MAP_BASE   0xffff800000000000ull /* all RAM; 64 TiB */
#define PAGE_STRUCTS_BASE 0xffffe00000000000ull /* struct page, indexed by page number */
#else
#include "mem/host.h"
#endif

#define KERNEL_HALF  0xffff800000000000ull
#define KVMAP_BASE   0xffffc00000000000ull /* one top-level entry: stacks, then device mappings */
#define KVMAP_SIZE   (1ull << 39)
#define KSTACK_BASE  KVMAP_BASE
#define KSTACK_SLOTS 65536u
#define KSTACK_SLOT  32768ull /* a stack at its top, the rest unmapped */
#define MMIO_BASE    (KSTACK_BASE + KSTACK_SLOTS * KSTACK_SLOT)
#define MMIO_END     (KVMAP_BASE + KVMAP_SIZE)

/* More than any CPU addresses. */
#define PHYS_END (1ull << 52)
/* RAM above this physical address is not used: page numbers have 32 bits. */
#define RAM_END (1ull << 44)
