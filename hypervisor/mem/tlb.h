/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB shootdown. All functions wait for other CPUs: no lock held.
 */
#pragma once

#include "cpu/lapic.h"

struct as;

void tlb_flush_as(struct as *as, uint64_t va, uint64_t size); /* on every CPU where it is active */
void tlb_flush_kernel(uint64_t va, uint64_t size);	      /* on all CPUs */
