/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID says of a CPU's place in the machine, and of what it can do.
 *
 * Contract: pure functions of what `query` answers, so that they are tested on the host. No state,
 * no locks, any context.
 */
#pragma once

#include "cpu/msr.h"
#include "lib/types.h"

/* CPUID of a leaf and subleaf that the CPU has; of others never asked. */
typedef struct cpuid (*cpuid_query_t)(uint32_t leaf, uint32_t subleaf);

/*
 * Bits of the APIC id, from the lowest, that tell the threads of a core, and the threads of all
 * cores of a package, apart. APM 3 and SDM 2, "CPUID": leaf 0xb, else AMD's extended leaves, else
 * leaf 1.
 */
struct cpu_id_bits {
	unsigned thread, package;
};
struct cpu_id_bits cpu_id_bits(cpuid_query_t query);

/* Names of the features that matter here, divided by blanks, whole ones as far as there is room. */
void cpu_feature_names(cpuid_query_t query, char *text, size_t size);
