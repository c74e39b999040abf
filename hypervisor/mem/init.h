/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What boot tells mem about the machine's memory, once, on the boot CPU.
 */
#pragma once

#include "mem/page.h"

struct mem_range {
	phys_t base; /* bytes, any alignment */
	uint64_t size;
	int node; /* dense NUMA node number, for RAM; NODE_ANY: 0 */
};

#define MEM_RANGES_MAX 512

/*
 * Builds the direct map of all RAM, page structs and zones, and goes over to the kernel's own page
 * tables. `ram`: usable RAM, at most MEM_RANGES_MAX ranges in any order; where they overlap the
 * first counts. `reserved`: kernel image, initrd and everything that must not be handed out; what
 * of it lies in `ram` is in the direct map (so pass firmware tables in both to reach them). On
 * entry the first 4 GiB are in the direct map (boot/head.S). On return the first 2 MiB are mapped
 * at their physical addresses as well, executable, for the start of the other CPUs. Fatal (one
 * line) when memory does not suffice.
 */
void mem_init(const struct mem_range *ram, unsigned nr_ram, const struct mem_range *reserved,
	      unsigned nr_reserved);

/* The kernel's top-level table, below 4 GiB: for CR3 of a CPU that starts. */
phys_t mem_kernel_root(void);

/* Each other CPU once, in its init: loads the kernel's tables. */
void mem_init_cpu(void);

/* Removes the identity map once all CPUs are up. No lock held. */
void mem_drop_identity(void);

/* Gives a formerly reserved range to the allocator (boot archive files that are no longer needed);
 * partial pages stay. */
void mem_release_reserved(phys_t base, uint64_t size);
