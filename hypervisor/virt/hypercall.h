/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls with KVM's numbers and registers (Linux, "Linux KVM Hypercall"): number in RAX,
 * arguments in RBX RCX RDX RSI, result in RAX.
 */
#pragma once

#include "lib/types.h"

struct vcpu;

#define KVM_HC_VAPIC_POLL_IRQ 1
#define KVM_HC_KICK_CPU       5
#define KVM_HC_SEND_IPI       10
#define KVM_HC_SCHED_YIELD    11

#define KVM_EPERM  1
#define KVM_EFAULT 14
#define KVM_EINVAL 22
#define KVM_ENOSYS 1000

/* VMMCALL or VMCALL: sets RAX. `long64`: the guest runs 64-bit code, else registers count 32 bits.
 * The caller moves RIP. Owner. */
void hypercall(struct vcpu *v, unsigned cpl, bool long64);
