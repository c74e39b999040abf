// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that the kernel itself drives. A device that is not there costs one line, no more.
#include "boot/init.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "drivers/acpi/power.h"
#include "drivers/ioapic/ioapic.h"
#include "drivers/pci/pci.h"
#include "drivers/rtc/rtc.h"
#include "proc/linux_calls.h"

static void init_time_of_day(void)
{
	uint64_t seconds = rtc_read();
	uint64_t now = time_now();

	if (!seconds) {
		log_warn("no real-time clock: the time of day starts in 1970");
		return;
	}
	time_set_epoch(seconds * 1000000000ull - now);
	linux_set_boot_time(time_epoch());
}

void boot_init_devices(const struct boot_info *info)
{
	(void)info;
	ioapic_init(&boot_acpi);
	acpi_power_init(&boot_acpi.power);
	init_time_of_day();
	if (pci_init(&boot_acpi) < 0)
		log_warn("PCI: the list of functions is cut short");
}
