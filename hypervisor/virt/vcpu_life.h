/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of virt/: the end of vCPUs, and what run loop and state share.
 */
#pragma once

#include "virt/vcpu.h"

void vcpu_free(struct vcpu *v); /* with its VM, or half made; NULL is fine */
uint64_t vcpu_memory(void);     /* bytes of kernel memory of each */

/* As vcpu_acquire(), with the guest's FPU state in memory: it may have stayed in registers, of this
 * CPU or another. Thread context, no lock held. */
int vcpu_acquire_whole(struct vcpu *v);
/* The neutral half of sregs that the backend does not have. Owner. */
void vcpu_get_sregs(struct vcpu *v, struct vcpu_sregs *sregs);
int vcpu_set_sregs(struct vcpu *v, const struct vcpu_sregs *sregs); /* 0 or -EINVAL */
/* Takes what others have posted: VREQ_NMI, VREQ_INIT, VREQ_SIPI, VREQ_UNHALT. Owner. */
void vcpu_take_posted(struct vcpu *v, uint32_t requests);
/* Takes what the VMM left in the run page. Owner. 0 or -EINVAL. */
int vcpu_take_run_page(struct vcpu *v);
