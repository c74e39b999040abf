/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers of guests: one const table (msr.c) with name, read and write of each. A
 * register that is not in it raises #GP in the guest and is counted (COUNT_MSR_UNKNOWN).
 *
 * The host's own registers are cpu/msr.h.
 */
#pragma once

#include "lib/types.h"

struct vcpu;
struct vcpu_msr;

#define MSR_MTRR_VARIABLE 8
#define MSR_MC_BANKS      1

/* Registers that are mere storage. Locks: all [o] the thread that holds the vCPU. */
struct vcpu_msrs {
	uint64_t tsc_adjust, tsc_aux, misc_enable;
	uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_base[MSR_MTRR_VARIABLE],
		mtrr_mask[MSR_MTRR_VARIABLE];
	uint64_t mcg_status, mcg_ctl, mc[MSR_MC_BANKS][4];
	uint64_t hwcr, patch_level, syscfg;
};

/* 0, or -EINVAL: #GP. */
typedef int (*msr_read_fn)(struct vcpu *v, uint32_t index, uint64_t *value);
typedef int (*msr_write_fn)(struct vcpu *v, uint32_t index, uint64_t value);

struct msr_row {
	const char *name;
	msr_read_fn read;   /* NULL: #GP */
	msr_write_fn write; /* NULL: #GP */
};

/* NULL: there is no such register. Any context. */
const struct msr_row *msr_find(uint32_t index);

/* RDMSR and WRMSR of the guest. 0, or -EINVAL: #GP. Owner. */
int guest_msr_read(struct vcpu *v, uint32_t index, uint64_t *value);
int guest_msr_write(struct vcpu *v, uint32_t index, uint64_t value);

/* Power-on values; `init`: after INIT, which keeps most. Owner. */
void guest_msr_reset(struct vcpu *v, bool init);

/* The registers of the external form: fills up to max rows, returns how many there are. */
unsigned guest_msr_get_state(struct vcpu *v, struct vcpu_msr *out, unsigned max);
/* All rows in order; the number of those taken: less than n when one is unknown or refused. */
unsigned guest_msr_set_state(struct vcpu *v, const struct vcpu_msr *in, unsigned n);
