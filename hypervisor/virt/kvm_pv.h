/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's paravirtual interface for guests (Linux, "KVM-specific MSRs"): clock, wall clock, PV EOI.
 * The pages are guest memory at addresses that the guest chose: each access is checked, and one
 * that fails turns the feature off.
 *
 * The run loop calls kvm_pv_before_entry (owner, with nothing of the guest's loaded) and, when
 * pv.eoi_pending is set, kvm_pv_sync_eoi before it looks for interrupts.
 */
#pragma once

#include "lib/types.h"

struct vcpu;

#define MSR_KVM_WALL_CLOCK      0x11u
#define MSR_KVM_SYSTEM_TIME     0x12u
#define MSR_KVM_WALL_CLOCK_NEW  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define MSR_KVM_ASYNC_PF_EN     0x4b564d02u
#define MSR_KVM_STEAL_TIME      0x4b564d03u
#define MSR_KVM_PV_EOI_EN       0x4b564d04u
#define MSR_KVM_POLL_CONTROL    0x4b564d05u
#define MSR_KVM_LAST            0x4b564d08u

/* Locks: all [o] the thread that holds the vCPU. */
struct vcpu_pv {
	uint64_t system_time, wall_clock, eoi; /* MSRs as written */
	uint32_t version;                      /* of the time structure */
	bool time_stale;  /* write the time structure again before the next entry */
	bool eoi_pending; /* the flag is set in guest memory */
	bool unhalted;    /* KVM_HC_KICK_CPU came; the next HLT does not sleep */
};

/* 0, or -EINVAL: #GP. */
int kvm_pv_read_msr(struct vcpu *v, uint32_t index, uint64_t *value);
int kvm_pv_write_msr(struct vcpu *v, uint32_t index, uint64_t value);

void kvm_pv_reset(struct vcpu *v);

/* Writes the time structure when it is stale: after the MSR was written, the vCPU has moved, or the
 * guest's TSC has changed (set pv.time_stale and check_events). Owner. */
void kvm_pv_update_time(struct vcpu *v);

/* An interrupt was acked and is about to be injected: lets the guest skip its EOI if nothing waits
 * for that. Owner. */
void kvm_pv_set_eoi(struct vcpu *v);
/* pv.eoi_pending is set: does the EOI if the guest has cleared its flag; else takes the offer back
 * when `withdraw` is set. Owner, before it looks for interrupts. */
void kvm_pv_sync_eoi(struct vcpu *v, bool withdraw);
