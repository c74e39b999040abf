/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts between CPUs: start and statistics. The calls themselves are in cpu/lapic.h.
 */
#pragma once

#include "cpu/cpu.h"

/* Boot CPU, once, before another CPU runs. */
void ipi_init(void);

/* IPIs that a CPU has taken, for statistics. Any context. */
uint64_t ipi_count(cpu_id_t cpu);

/* Once, by thread/: what VECTOR_IPI_WAKE does on the CPU that takes it, in interrupt context. */
void ipi_set_wake_hook(void (*hook)(void));
