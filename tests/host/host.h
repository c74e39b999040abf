/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of host unit tests: CPUs are threads (GS base points to their per-CPU area, as in the
 * kernel), physical memory is an arena in which only RAM is accessible. Locks and IPI calls:
 * lock.c, cpu.c.
 */
#pragma once

#include "cpu/cpu.h"
#include "mem/init.h"

/* Makes `nr` CPUs and the calling thread CPU 0. Once per program. */
void host_cpu_init(unsigned nr);
/* The calling thread becomes this CPU; one thread a CPU at a time. */
void host_cpu_enter(unsigned cpu);
void host_cpu_set_node(unsigned cpu, unsigned node);
/* Runs fn(arg) on CPUs 0..nr-1 at once, each a thread, and waits. */
void host_run_on_cpus(unsigned nr, void (*fn)(void *arg), void *arg);

/* Makes the arena and the zones for these ranges of RAM (all of it free). Once per program, after
 * host_cpu_init. */
void host_memory_init(const struct mem_range *ram, unsigned nr);
/* A program with the usual machine: 4 CPUs, 2 nodes, some RAM below 1 GiB and above 4 GiB. */
void host_machine_init(void);

/* Statistics with all CPU caches drained; asserts that they balance and that the zones are sound.
 */
struct mem_stats host_memory_stats(void);
