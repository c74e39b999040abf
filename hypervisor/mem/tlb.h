/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB shootdown. All functions wait for other CPUs: no lock held. When one returns, no CPU
 * translates by what the tables said before it was called, and no CPU walks a table that was taken
 * out of them (mem/pt.h, pt_query: each CPU has been seen outside of kernel code meanwhile, or
 * waiting for others).
 */
#pragma once

#include "cpu/lapic.h"

struct as;

void tlb_flush_as(struct as *as, uint64_t va, uint64_t size); /* on every CPU where it is active */
void tlb_flush_kernel(uint64_t va, uint64_t size);            /* on all CPUs */

/* For the files of mem/: user addresses on these CPUs; only where CR3 is `root`. */
void tlb_flush_set(const struct cpu_set *cpus, uint64_t root, uint64_t va, uint64_t size);
