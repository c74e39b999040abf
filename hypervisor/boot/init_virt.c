// SPDX-License-Identifier: GPL-2.0-or-later
// Virtualization on every CPU, and the system calls of it. A machine without runs its self-tests
// only (boot_check_cpu has ended all else).
#include "boot/init.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "proc/machine.h"
#include "proc/syscall.h"
#include "virt/calls.h"
#include "virt/virt.h"
#include "virt/vm.h"

static void enable(void *arg)
{
	(void)arg;
	virt_init_cpu();
}

void boot_init_virt(void)
{
	static struct machine_virt_ops figures = { .nr_vms = vm_count, .vcpu = vm_vcpu_figures };
	struct cpu_set all = { 0 };
	const char *why;

	if (!virt_init(&why)) {
		log_warn("%s: no virtual machines", why);
		return;
	}
	cpu_for_each (id)
		cpu_set_add(&all, id);
	ipi_call(&all, enable, NULL);
	syscall_register(&virt_calls);
	figures.name = virt->name;
	figures.set_tracing = virt_set_tracing;
	machine_register_virt(&figures);
}
