/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM from its configuration to its end: guest memory, consoles and the event loop outlive resets;
 * each run between them has a VM object of the kernel, devices and vCPUs of its own.
 *
 * Contract: one thread builds, serves events and takes down; it is the event thread of events.h.
 */
#pragma once

#include "mgmt/lib/vm_config.h"
#include "vmm/dev/disk.h"
#include "vmm/files.h"
#include "vmm/machine.h"
#include "vmm/vcpu.h"

struct vm {
	const struct vm_config *config;
	const char *path; /* of the configuration, for messages */
	struct events events;
	struct console consoles[VM_CONFIG_CONSOLES_MAX];
	struct disk disks[VM_CONFIG_DISKS_MAX];
	int memory_fd; /* -1: none */
	void *memory;  /* NULL: none */
	struct machine machine;
	struct vcpu *vcpus; /* config->vcpus of them, while a run lasts */
	struct file fw_files[VM_CONFIG_FW_FILES_MAX];
	/* Called when a guest is about to run. */
	void (*on_running)(struct vm *vm);
	bool restart; /* [event thread] a reset from the console: run again, whatever is configured
		       */
	/* How it ended. */
	enum machine_end end;
	int exit_code;
	char reason[256];
};

/* 0, or a negative errno with a sentence in vm->reason. */
int vm_init(struct vm *vm, const struct vm_config *config, const char *path);
/*
 * Runs the guest, and after a reset again, as the configuration says. end, exit_code and reason say
 * how it ended; MACHINE_RESET is not among the ends.
 */
void vm_run(struct vm *vm);
void vm_destroy(struct vm *vm);

/*
 * From the console, while the guest runs; event thread only. vm_pause returns when no vCPU is in
 * the guest, and true unless it was paused before or has ended; vm_resume true unless it was not
 * paused.
 */
bool vm_pause(struct vm *vm);
bool vm_resume(struct vm *vm);
void vm_reset(struct vm *vm);
