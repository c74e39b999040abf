// SPDX-License-Identifier: GPL-2.0-or-later
// What the calls on the machine need of boot and drivers: the command line, PCI functions, the way
// to switch off.
#include "boot/early_console.h"
#include "boot/init.h"
#include "cpu/log.h"
#include "drivers/acpi/power.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "proc/machine.h"

static int get_pci(unsigned int index, struct sys_pci *out)
{
	const struct pci_function *f;

	if (index >= pci_count())
		return -ENOENT;
	f = pci_get(index);
	*out = (struct sys_pci){
		.segment = f->address.segment,
		.bus = f->address.bus,
		.device = f->address.device,
		.function = f->address.function,
		.class_code = f->class_code,
		.subclass = f->subclass,
		.prog_if = f->prog_if,
		.vendor = f->vendor,
		.product = f->device,
	};
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		out->bar[i] = f->bars[i].base;
		out->bar_size[i] = f->bars[i].size;
	}
	return 0;
}

/* An exit code that is not 0 can only be told to an emulator. */
static int power(enum power_action action, int exit_code)
{
	/* What the shell has not shown yet it never will. */
	log_show_now();
	early_console_drain();
	if (action == POWER_REBOOT)
		acpi_reset();
	if (exit_code != 0)
		boot_tell_emulator((uint8_t)exit_code);
	return acpi_poweroff();
}

static struct machine_ops ops = { .pci = get_pci, .power = power };

void boot_init_machine(const struct boot_info *info)
{
	ops.cmdline = info->cmdline;
	ops.boot_archive = info->initrd_size;
	machine_register(&ops);
}
