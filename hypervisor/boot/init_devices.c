// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that the kernel itself drives. A device that is not there costs one line, no more.
#include "boot/init.h"
#include "cpu/log.h"
#include "drivers/acpi/power.h"
#include "drivers/ioapic/ioapic.h"
#include "drivers/pci/pci.h"

void boot_init_devices(const struct boot_info *info)
{
	(void)info;
	ioapic_init(&boot_acpi);
	acpi_power_init(&boot_acpi.power);
	if (pci_init(&boot_acpi) < 0)
		log_warn("PCI: the list of functions is cut short");
}
