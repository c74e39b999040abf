// SPDX-License-Identifier: GPL-2.0-or-later
// The xAPIC's register page is mapped here, since cpu/ lies below the layer that maps. All CPUs
// find their own APIC at the same address.
#include "boot/init.h"
#include "cpu/backtrace.h"
#include "cpu/ipi.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "drivers/ioapic/ioapic.h"
#include "mem/page.h"

void boot_init_lapic(void)
{
	phys_t page = lapic_choose();

	if (page) {
		void *regs = mmio_map(page, PAGE_SIZE);

		if (!regs)
			fatal("no memory to map the local APIC");
		lapic_set_registers(regs);
	}
	ioapic_silence_pics(&boot_acpi);
	ipi_init();
	backtrace_init();
	lapic_init();
	log_info("local APIC: %s", page ? "xAPIC" : "x2APIC");
}
