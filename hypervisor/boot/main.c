// SPDX-License-Identifier: GPL-2.0-or-later
// The order in which the kernel comes up, one step a line. What a step needs stands before it;
// each step ends with one clear line when the machine cannot do what we need.
#include "boot/boot_info.h"
#include "boot/init.h"
#include "boot/mutants.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "mem/page.h"
#include "thread/thread.h"
#include "trap/trap.h"

/* What may sleep: in a thread of its own. */
static void boot_rest(void *arg)
{
	const struct boot_info *info = arg;
	boot_tune_idle(info);
	boot_init_devices(info);
	trap_init();
	boot_init_virt();
	boot_run_selftests(info);
	boot_start_watchdog(info);
	boot_init_console();
	boot_init_machine(info);
	boot_start_init(info);
}

static void start_rest(struct boot_info *info)
{
	const struct thread_args args = {
		.name = "boot",
		.entry = boot_rest,
		.arg = info,
		.container = kernel_container,
		.cpu = this_cpu_id(),
		.pinned = true,
	};
	struct thread *t = thread_create(&args);

	if (!t)
		fatal("no memory for the first thread");
	thread_start(t);
	thread_put(t);
}

void boot_main(struct boot_info *info)
{
	cpu_init_boot(lapic_id());
	boot_init_log(info);
	boot_init_panic(info);
	boot_check_cpu(info);
	boot_init_mitigations(info);
	boot_init_acpi(info);
	if (DEBUG_BUILD)
		boot_mutants(info);
	boot_unpack_archive(info);
	boot_init_mem(info);
	boot_init_llog(info);
	boot_init_time();
	boot_init_lapic();
	thread_init();
	boot_start_cpus(info);
	start_rest(info);
	thread_start_cpu();
}
