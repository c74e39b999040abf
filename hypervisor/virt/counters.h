/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of a vCPU: one line here declares one, vm_info reports it summed over the VM's vCPUs,
 * and the console shows it. Only the thread that runs the vCPU counts, so a plain add does; readers
 * may see a value that is a moment old. Those before "entries" are exits by reason, one for each
 * exit; the rest says what came of them.
 */
#pragma once

#define VCPU_COUNTERS(X)                        \
	X(INTR, "interrupt")                    \
	X(NMI, "nmi")                           \
	X(WINDOW, "irq-window")                 \
	X(CPUID, "cpuid")                       \
	X(MSR_READ, "msr-read")                 \
	X(MSR_WRITE, "msr-write")               \
	X(HLT, "hlt")                           \
	X(PAUSE, "pause")                       \
	X(IO, "io")                             \
	X(MEMORY_FAULT, "memory-fault")         \
	X(HYPERCALL, "hypercall")               \
	X(EXCEPTION, "exception")               \
	X(CONTROL_REG, "control-register")      \
	X(DEBUG_REG, "debug-register")          \
	X(XSETBV, "xsetbv")                     \
	X(CACHE, "cache-control")               \
	X(UNDEFINED, "undefined")               \
	X(IRET, "iret")                         \
	X(INVALID, "invalid-state")             \
	X(SHUTDOWN, "shutdown")                 \
	X(UNEXPECTED, "unexpected")             \
	X(ENTRIES, "entries")                   \
	X(MSR_UNKNOWN, "msr-unknown")           \
	X(IO_STRING, "io-string")               \
	X(IO_USER, "io-user")                   \
	X(MEMORY_FILL, "memory-fill")           \
	X(MMIO_KERNEL, "mmio-kernel")           \
	X(MMIO_USER, "mmio-user")               \
	X(INJECT_IRQ, "inject-irq")             \
	X(INJECT_NMI, "inject-nmi")             \
	X(INJECT_EXCEPTION, "inject-exception") \
	X(HALT_SLEEPS, "halt-sleeps")           \
	X(DOORBELL, "doorbell")                 \
	X(PV_EOI, "pv-eoi")                     \
	X(TLB_FLUSH, "tlb-flush")               \
	X(MIGRATIONS, "migrations")

enum vcpu_counter {
#define X(id, name) COUNT_##id,
	VCPU_COUNTERS(X)
#undef X
	COUNT_COUNT,
	COUNT_REASONS = COUNT_ENTRIES, /* so many are exits by reason */
};
