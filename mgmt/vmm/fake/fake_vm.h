/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's VM calls for unit tests: they record what they are asked for, and vcpu_run is played
 * by a function of the test. Nothing executes guest code.
 *
 * Contract: one VM at a time. Script functions run in the vCPU's thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "mgmt/lib/strata.h"

#define FAKE_VCPUS 8
#define FAKE_MAPS  4

struct fake_vcpu {
	int fd; /* a file without a name, one page long: the run page; -1: none */
	struct vcpu_run *run;
	struct vcpu_state state; /* as last set */
	unsigned runs;           /* calls of vcpu_run since the vCPU was created */
	bool kicked;
	unsigned nr_injected;
	struct vcpu_event injected;
};

struct fake_vm {
	/* What each vcpu_run does: fills in the run page. 0, or the error that the call returns. */
	int (*script)(unsigned number, struct fake_vcpu *vcpu);
	int vm_create_error, vm_map_error, vm_sched_error, vcpu_create_error; /* 0: none */

	pthread_mutex_t lock;
	pthread_cond_t kicks;
	unsigned vms_created, vms_stopped;
	struct vm_create create;
	struct vm_map maps[FAKE_MAPS];
	unsigned nr_maps;
	struct sched_params sched;
	bool line[24];
	unsigned line_rises[24];
	unsigned nr_msis;
	uint64_t msi_address; /* of the last one */
	uint32_t msi_data;
	uint64_t doorbell; /* the last one added; 0: removed */
	int doorbell_fd;
	enum vm_state stop_state;
	int stop_code;
	char stop_reason[96];
	struct fake_vcpu vcpus[FAKE_VCPUS];
};

extern struct fake_vm fake_vm;

void fake_vm_reset(void);
/* For scripts: waits as a halted vCPU does, until it is kicked or must not run; VCPU_EXIT_INTR. */
void fake_vm_halt(struct fake_vcpu *vcpu);
/* For scripts: exits. */
void fake_vm_out(struct fake_vcpu *vcpu, uint16_t port, unsigned size, uint32_t value);
void fake_vm_in(struct fake_vcpu *vcpu, uint16_t port, unsigned size);
/* Waits until `n` message-signalled interrupts have been raised. */
void fake_vm_wait_msis(unsigned n);
