/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of boot_main, one function each, in the order in which they run. All on the boot CPU,
 * interrupts off, before any thread. A step that finds the machine unfit ends with fatal().
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"

extern struct acpi_info boot_acpi; /* immutable once boot_init_acpi has run */

/* Log sinks and level (strata.log=), first line, and what is wrong with the command line. */
void boot_init_log(const struct boot_info *info);

/* What a panic does when it has said all (strata.panic=). */
void boot_init_panic(const struct boot_info *info);

/* Fatal when the CPU lacks what the hypervisor needs and no self-test was asked for. */
void boot_check_cpu(const struct boot_info *info);

/* What is done against speculation, on the boot CPU; `mitigations=off`: nothing. After
 * boot_init_log, before other CPUs start. */
void boot_init_mitigations(const struct boot_info *info);

/* Finds and reads the tables into boot_acpi. Without any: one CPU, no NUMA. */
void boot_init_acpi(const struct boot_info *info);

/* A compressed boot archive becomes a plain one, elsewhere in RAM; damage is reported. Before
 * boot_init_mem. */
void boot_unpack_archive(struct boot_info *info);

/* Takes the page for the other CPUs' start and hands the rest of RAM to mem, by node. */
void boot_init_mem(const struct boot_info *info);

/* The logical log, with the word `llog` (debug image). */
void boot_init_llog(const struct boot_info *info);
/* Ends it, in a thread on the boot CPU, when all is quiet. */
void boot_end_llog(void);

/* Calibrates the TSC by what the tables name. */
void boot_init_time(void);

/* The boot CPU's local APIC and timer, calls between CPUs. */
void boot_init_lapic(void);

/* Interrupt lines masked, power registers, PCI functions. */
void boot_init_devices(const struct boot_info *info);

/* Starts the other CPUs of the MADT one after the other; each runs boot_secondary_main. */
void boot_start_cpus(const struct boot_info *info);

/* Virtualization on all CPUs, with its system calls. In a thread. */
void boot_init_virt(void);

/* The dense NUMA node number of a proximity domain. */
uint32_t boot_node(uint32_t domain);

/* The page that boot_init_mem set aside for the trampoline; 0: none, only one CPU can run. */
phys_t boot_trampoline_page(void);

/* The liveness watchdog; `watchdog=SECONDS` says after how long, 0 not at all. */
void boot_start_watchdog(const struct boot_info *info);
/* `idle.poll=MICROSECONDS`: how long at most an idle CPU looks for work before it halts. */
void boot_tune_idle(const struct boot_info *info);

/* Does the command line ask for self-tests (`selftest`, `selftest=PREFIX`)? */
bool boot_selftest_wanted(const struct boot_info *info);

/* Runs those that were asked for; with the word strata.exit=selftest the machine ends then. */
void boot_run_selftests(const struct boot_info *info);

/* The console's UART as the terminal of ring 3. On the boot CPU, after boot_init_devices. */
void boot_init_console(void);

/* What ring 3 may ask of the machine: command line, PCI, power. `info` must stay. */
void boot_init_machine(const struct boot_info *info);

/*
 * Ring 3: the boot archive, and the first process from it (`init=PATH`, arguments behind `--`).
 * Thread context, after thread_init. With the word strata.exit=init the machine ends when that
 * process has ended: status 0 if it exited with 0, 1 if not, 2 if it could not be started.
 */
void boot_start_init(const struct boot_info *info);

/* Tells an emulator to end with that status; returns on any other machine. */
void boot_tell_emulator(uint8_t status);

/* Ends the machine the ways that emulators have (isa-debug-exit, Bochs' shutdown port). */
__noreturn void boot_end_machine(uint8_t status);
