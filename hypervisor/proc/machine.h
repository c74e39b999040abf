/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the calls on the machine (sys_info, sys_power, log_*) need of layers above: boot knows the
 * command line, PCI and how to switch off; virt/ knows its VMs. Each registers one const table at
 * start; until then the figures are zero and the power calls are -ENODEV.
 */
#pragma once

#include "abi/strata.h"
#include "cpu/cpu.h"

struct machine_ops {
	const char *cmdline;
	uint64_t boot_archive; /* bytes that stay reserved for it */
	/* The PCI function number `index` counting from 0: 0, or -ENOENT past the last. */
	int (*pci)(unsigned int index, struct sys_pci *out);
	/* Returns only when the machine is still there: -errno. Thread context, no lock held. */
	int (*power)(enum power_action action, int exit_code);
};

struct machine_virt_ops {
	const char *name; /* "svm", "vmx" */
	unsigned int (*nr_vms)(void);
	void (*set_tracing)(bool on); /* of exits */
	/* The vCPU number `index` over all VMs: 0, or -ENOENT past the last. Thread context. */
	int (*vcpu)(unsigned int index, struct sys_vcpu *out);
};

/* Start only. */
void machine_register(const struct machine_ops *ops);
void machine_register_virt(const struct machine_virt_ops *ops);

/* Has exits traced from now on, or no more, if there is virtualization. */
void machine_trace_exits(bool on);

/* Notes, the first time, what memory the kernel and its processes use: a process has just been
 * started by another one, so init has its first shell. */
void machine_note_rest(void);
