/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened on the machine between two looks at the kernel's counters, as rates.
 *
 * Contract: percentages are of one CPU's time, rates are per second, by the kernel's own clock. A
 * VM or vCPU that was not there at the look before has rates of zero.
 */
#pragma once

#include "mgmt/lib/strata.h"

#define TOP_CPUS    256
#define TOP_VMS     256
#define TOP_VCPUS   1024
#define TOP_REASONS VM_INFO_COUNTERS

struct top_vm {
	char name[STRATA_NAME_MAX];
	uint64_t id, run_ns, guest_ns, memory, kernel_memory;
	uint32_t vcpus, nr_reasons;
	struct vm_counter reasons[TOP_REASONS]; /* exits by reason */
};

struct top_sample {
	uint64_t now_ns;
	unsigned nr_cpus, nr_vms, nr_vcpus;
	struct sys_cpu cpus[TOP_CPUS];
	struct top_vm vms[TOP_VMS];
	struct sys_vcpu vcpus[TOP_VCPUS];
};

struct top_cpu_rate {
	unsigned cpu;
	double guest, kernel, user, idle, exits, switches;
};

struct top_vm_rate {
	const struct top_vm *vm;
	double run, guest, exits;
	unsigned nr_reasons; /* those that happened, the most frequent first */
	struct top_reason {
		const char *name;
		double per_s;
	} reasons[TOP_REASONS];
};

struct top_vcpu_rate {
	const struct sys_vcpu *vcpu;
	/* It had a CPU; of that in the guest; it was ready without one; the rest: it slept, or its
	 * VMM was at work. */
	double run, guest, steal, wait, exits;
};

struct top_rates {
	uint64_t uptime_ns, total, free; /* memory in bytes */
	unsigned nr_cpus, nr_vms, nr_vcpus;
	struct top_cpu_rate cpus[TOP_CPUS];
	struct top_vm_rate vms[TOP_VMS];       /* the busiest first */
	struct top_vcpu_rate vcpus[TOP_VCPUS]; /* the same */
};

struct top {
	struct top_sample samples[2];
	unsigned now; /* which of them is the latest */
	struct top_rates rates;
};

/*
 * Takes a look; t->rates say what happened since the one before (since the start, after the first
 * on zeroed memory). 0, or -errno: the kernel does not say. They point into t.
 */
int top_look(struct top *t);
