/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In place of the kernel's cpu/cpu.h for CBMC: a CPU is a thread of the checked program, a per-CPU
 * variable an array. Before the kernel's folder on the include path.
 */
#pragma once

#include "lib/types.h"

#define CPU_MAX 2

typedef struct cpu_id {
	uint16_t n;
} cpu_id_t;

#define CPU_ID(i) ((cpu_id_t){ .n = (uint16_t)(i) })

extern __CPROVER_thread_local unsigned checked_cpu;

static inline cpu_id_t this_cpu_id(void)
{
	return CPU_ID(checked_cpu);
}

#define DEFINE_CPU_PRIVATE(type, name) static type percpu_##name[CPU_MAX]
#define DEFINE_CPU_PUBLIC(type, name)  DEFINE_CPU_PRIVATE(type, name)
#define cpu_private(name)              (&percpu_##name[checked_cpu])
#define cpu_public(name, cpu)          (&percpu_##name[(cpu).n])

static inline void cpu_relax(void)
{
}
