/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proximity domains of the SRAT to dense node numbers, and RAM cut at the nodes' borders.
 * Host-testable; boot CPU only (the numbering is kept).
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"
#include "mem/init.h"

#define NUMA_NODES 64

/* Numbers the domains: those with CPUs first, in the CPUs' order, then those with memory alone. */
void numa_number(const struct acpi_info *acpi);

/* 0 for a domain that numa_number has not seen, or beyond NUMA_NODES. */
uint32_t numa_node(uint32_t domain);
unsigned int numa_nr_nodes(void);

/*
 * The RAM of the map as ranges of one node each; RAM that the SRAT does not mention is node 0.
 * Returns their number, at most max: what does not fit is left out, its bytes are in *lost.
 */
unsigned int numa_split(const struct boot_mem *mem, unsigned int nr, const struct acpi_info *acpi,
			struct mem_range *out, unsigned int max, uint64_t *lost);
