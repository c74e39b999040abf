// SPDX-License-Identifier: GPL-2.0-or-later
// The first C code: turns what the entry was given (a pointer to boot_params, where the image lies)
// into a checked struct boot_info. A loader's mistake ends here with one line on the console.
#include "boot/boot_params.h"
#include "boot/console_place.h"
#include "boot/early_console.h"
#include "boot/early_map.h"
#include "boot/mutants.h"
#include "drivers/acpi/acpi.h"
#include "drivers/serial/uart16550.h"

extern char image_start[], image_end[];

void boot_entry(phys_t boot_params_pa, phys_t image_pa);

static struct boot_info boot_info;

/* Tables that are damaged are reported when all are read. */
static void say_nothing(const char *line)
{
	(void)line;
}

/* Where firmware has its console, by ACPI. */
static struct acpi_spcr firmware_console(void)
{
	static const struct acpi_access access = { early_map, say_nothing };
	phys_t rsdp = acpi_find_rsdp(&access, boot_info.rsdp, boot_info.efi_systab);
	struct acpi_spcr spcr = { .port = 0 };

	if (rsdp != 0)
		acpi_find_spcr(&access, rsdp, &spcr);
	return spcr;
}

/* A word or a table that is wrong must not have us write into RAM. */
static bool refused(const struct console_arg *arg, const struct cmdline_word *word)
{
	(void)word;
	return console_refusal(arg, &boot_info, early_map_reach()) != NULL;
}

static bool open_one(struct console_arg arg)
{
	const struct console_args args = { .at = { arg }, .nr = 1 };

	return !console_is_hvc(&arg) && !refused(&arg, NULL) && early_console_init(&args);
}

/* What the command line names, else what firmware does; COM1 where that is not there. */
static void open_console(void)
{
	struct console_args args;
	struct acpi_spcr spcr;

	console_args_parse(boot_info.cmdline, refused, &args);
	boot_info.console_named = args.given;
	if (args.given) {
		early_console_init(&args);
		return;
	}
	spcr = firmware_console();
	if (open_one((struct console_arg){ .port = spcr.port,
					   .memory = spcr.memory,
					   .stride = spcr.stride,
					   .width = spcr.width,
					   .baud = spcr.baud }))
		return;
	open_one((struct console_arg){ .port = UART_COM1, .baud = CONSOLE_BAUD });
}

void boot_entry(phys_t boot_params_pa, phys_t image_pa)
{
	early_map_init(image_pa);
	boot_info.image_base = image_pa;
	boot_info.image_size = (uint64_t)(image_end - image_start);

	if (DEBUG_BUILD)
		boot_mutants_note(boot_params_pa);
	/* mem finds our tables through the direct map, wherever the image lies. */
	const void *image = early_map(image_pa, boot_info.image_size);
	const struct boot_params *bp = early_map(boot_params_pa, sizeof(*bp));
	const char *error = "boot_params is out of reach";
	if (image && bp)
		error = boot_params_parse(bp, early_map, &boot_info);
	open_console();
	if (error)
		early_die(error);
	boot_main(&boot_info);
}
