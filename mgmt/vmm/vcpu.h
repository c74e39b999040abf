/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual CPU: its handle, its run page, its emulator and the thread that runs it.
 *
 * Contract: created and destroyed by the thread that builds the machine; between vcpu_start and
 * vcpu_join everything but vcpu_interrupt belongs to the vCPU's own thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "vmm/emu/emu.h"
#include "vmm/machine.h"

/* Locks: [I] immutable after vcpu_create  [o] the vCPU's thread */
struct vcpu {
	struct machine *machine; /* [I] */
	unsigned number;         /* [I] */
	int fd;                  /* [I] -1: not created */
	struct vcpu_run *run;    /* [I] shared with the kernel */
	struct emu emu;          /* [o] */
	pthread_t thread;
	bool started;
};

/* A zeroed struct becomes vCPU `number` of the machine. 0 or a negative errno. */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned number);
/* Sets the boot processor's first registers; what is not in them keeps its reset value. */
int vcpu_set_boot_state(struct vcpu *vcpu, const struct vcpu_regs *regs,
			const struct vcpu_sregs *sregs);
int vcpu_start(struct vcpu *vcpu);
/* Any thread: gets the vCPU out of the guest, so that it sees that the machine has ended. */
void vcpu_interrupt(struct vcpu *vcpu);
/* Takes that back. The caller knows that nobody asks for it any more. */
void vcpu_allow(struct vcpu *vcpu);
void vcpu_join(struct vcpu *vcpu);
/* Also of one that vcpu_create failed on. Not while it runs. */
void vcpu_destroy(struct vcpu *vcpu);
