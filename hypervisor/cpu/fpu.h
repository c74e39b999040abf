/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU/SSE/AVX state. The kernel uses none. Each CPU knows whose state its registers hold (the
 * owner); state is saved only when another's is loaded. A state is loaded on a CPU at most:
 * fpu_release() before it moves to another CPU or is freed.
 */
#pragma once

#include "lib/types.h"

/* Locks: [o] the CPU in `cpu` while loaded, else the thread or vCPU that owns it. */
struct fpu_state {
	void *area;    /* [o] fpu_area_size() bytes, 64-byte aligned, XSAVE standard format */
	uint64_t xcr0; /* [o] value to run with; features of a guest's choice */
	int32_t cpu;   /* [o] CPU whose registers hold it, -1: in memory */
	uint32_t reserved;
};

size_t fpu_area_size(void); /* for all features the host enables */
uint64_t fpu_host_xcr0(
	void); /* features that the CPU has and we enable (x87, SSE, AVX, AVX-512 when whole) */
void fpu_state_init(struct fpu_state *s,
		    void *area); /* area from the caller; initial state FCW 0x37f, MXCSR 0x1f80 */

/* Makes the registers hold *s: saves the former owner's, restores this. Cheap when it is there
 * already. Interrupts off. */
void fpu_load(struct fpu_state *s);

/* Saves *s to memory if this CPU holds it and forgets it. */
void fpu_release(struct fpu_state *s);
