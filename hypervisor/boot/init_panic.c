// SPDX-License-Identifier: GPL-2.0-or-later
// strata.panic=: what becomes of a machine whose kernel has given up. Runs with interrupts off and
// perhaps before the clock does, so the wait counts port reads then, which take about 1 us.
#include "boot/early_console.h"
#include "boot/init.h"
#include "boot/words.h"
#include "cpu/cpu.h"
#include "cpu/panic.h"
#include "cpu/port.h"
#include "cpu/time.h"
#include "drivers/acpi/power.h"
#include "lib/string.h"

#define DELAY_PORT 0x80

/* In the order of the word's alternatives. */
enum action {
	ACTION_WAIT,
	ACTION_REBOOT,
	ACTION_POWEROFF,
	ACTION_SECONDS
};

static enum action action; /* immutable after boot_init_panic, as is the next */
static uint64_t seconds;

static void print(const char *line)
{
	early_console_write(line, strlen(line));
	early_console_drain();
}

static void wait_second(void)
{
	uint64_t ticks = 1000ull * time_tsc_khz(), start = time_tsc();

	if (ticks == 0) {
		for (unsigned int i = 0; i < 1000000; i++)
			port_in8(DELAY_PORT);
		return;
	}
	while (time_tsc() - start < ticks)
		cpu_relax();
}

static void end(void)
{
	switch (action) {
	case ACTION_WAIT: break;
	case ACTION_POWEROFF:
		print("strata.panic: switching off\n");
		boot_tell_emulator(BOOT_PANIC_CODE);
		acpi_poweroff();
		print("strata.panic: the machine cannot be switched off\n");
		break;
	case ACTION_REBOOT:
	case ACTION_SECONDS:
		for (uint64_t i = 0; i < seconds; i++)
			wait_second();
		print("strata.panic: rebooting\n");
		acpi_reset();
	}
}

static const struct panic_ops ops = { .end = end };

void boot_init_panic(const struct boot_info *info)
{
	int choice = boot_word_choice(info->cmdline, "strata.panic");

	action = choice >= 0 ? (enum action)choice : ACTION_WAIT;
	seconds = boot_word_number(info->cmdline, "strata.panic");
	panic_register(&ops);
}
