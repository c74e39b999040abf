// SPDX-License-Identifier: GPL-2.0-or-later
// Ends the machine, when asked to, the two ways that emulators have: QEMU's isa-debug-exit and
// Bochs' shutdown port.
#include "boot/early_console.h"
#include "boot/init.h"
#include "boot/words.h"
#include "cpu/cpu.h"
#include "cpu/port.h"
#include "cpu/selftest.h"
#include "lib/string.h"

#define QEMU_EXIT_PORT      0xf4
#define BOCHS_SHUTDOWN_PORT 0x8900

void boot_tell_emulator(uint8_t status)
{
	early_console_drain();
	port_out8(QEMU_EXIT_PORT, status);
	for (const char *c = "Shutdown"; *c; c++)
		port_out8(BOCHS_SHUTDOWN_PORT, (uint8_t)*c);
}

void boot_end_machine(uint8_t status)
{
	boot_tell_emulator(status);
	cpu_halt();
}

bool boot_selftest_wanted(const struct boot_info *info)
{
	return boot_word_find(info->cmdline, "selftest", NULL);
}

void boot_run_selftests(const struct boot_info *info)
{
	static char prefixes[512];
	char word[32];

	if (!boot_selftest_wanted(info))
		return;
	if (boot_word_str(info->cmdline, "selftest", prefixes, sizeof(prefixes)) < 0)
		prefixes[0] = '\0';
	unsigned failed = selftest_run(prefixes);
	boot_end_llog();
	if (boot_word_str(info->cmdline, "strata.exit", word, sizeof(word)) >= 0 &&
	    !strcmp(word, "selftest"))
		boot_end_machine(failed != 0);
}
