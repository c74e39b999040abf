// SPDX-License-Identifier: GPL-2.0-or-later
// The order in which the kernel comes up, one step a line. What a step needs stands before it;
// each step ends with one clear line when the machine cannot do what we need.
#include "boot/boot_info.h"
#include "boot/init.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/log.h"

void boot_main(struct boot_info *info)
{
	cpu_init_boot(lapic_id());
	boot_init_log(info);
	boot_check_cpu(info);
	boot_init_acpi(info);
	boot_init_mem(info);
	boot_init_time();
	boot_init_lapic();
	boot_start_cpus(info);
	boot_init_devices(info);
	boot_run_selftests(info);
	log_info("no layer above lock is started yet: halted");
	cpu_halt();
}
