// SPDX-License-Identifier: GPL-2.0-or-later
// The order in which the kernel comes up, one step a line. What a step needs stands before it;
// each step ends with one clear line when the machine cannot do what we need.
#include "boot/boot_info.h"
#include "boot/init.h"
#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"

void boot_main(struct boot_info *info)
{
	cpu_init_boot(cpuid(1, 0).ebx >> 24);
	boot_init_log(info);
	boot_check_cpu(info);
	boot_init_acpi(info);
	boot_init_mem(info);
	time_init();
	boot_init_devices(info);
	boot_run_selftests(info);
	log_info("no layer above lock is started yet: halted");
	cpu_halt();
}
