// SPDX-License-Identifier: GPL-2.0-or-later
// The DSDT: the PCI root with its windows and interrupt routing, the resources of the board, serial
// ports, clock, fw_cfg and pvpanic, and the sleep state S5.

#include "vmm/acpi/aml.h"
#include "vmm/acpi/tables.h"
#include "vmm/dev/pm.h"

#include <stdio.h>

static void hid(struct aml *a, const char *id)
{
	aml_name(a, "_HID");
	aml_eisa_id(a, id);
}

static void pci_windows(struct aml *a)
{
	size_t crs;

	aml_name(a, "_CRS");
	crs = aml_resources(a);
	aml_word_window(a, AML_RANGE_BUS, 0, 0);
	aml_io(a, 0xcf8, 8);
	aml_word_window(a, AML_RANGE_IO, 0x0000, 0x0cf7);
	aml_word_window(a, AML_RANGE_IO, 0x0d00, 0xffff);
	aml_dword_memory_window(a, PCI_MMIO_BASE, PCI_MMIO_END - 1);
	aml_resources_close(a, crs);
}

/* INTA..INTD of slot s go to GSIs 16..23 in turn. */
static void pci_routing(struct aml *a)
{
	size_t table, row;

	aml_name(a, "_PRT");
	table = aml_package(a, 32 * 4);
	for (unsigned slot = 0; slot < 32; slot++) {
		for (unsigned pin = 0; pin < 4; pin++) {
			row = aml_package(a, 4);
			aml_integer(a, (uint64_t)slot << 16 | 0xffff);
			aml_integer(a, pin);
			aml_integer(a, 0);
			aml_integer(a, GSI_PCI_BASE + (slot + pin) % GSI_PCI_PINS);
			aml_close(a, row);
		}
	}
	aml_close(a, table);
}

static void pci_root(struct aml *a)
{
	size_t device = aml_device(a, "PCI0");

	hid(a, "PNP0A08");
	aml_name(a, "_CID");
	aml_eisa_id(a, "PNP0A03");
	aml_name(a, "_UID");
	aml_integer(a, 0);
	aml_name(a, "_BBN");
	aml_integer(a, 0);
	pci_windows(a);
	pci_routing(a);
	aml_close(a, device);
}

/* What no device of its own claims: ECAM and the power-management block. */
static void board(struct aml *a)
{
	size_t device = aml_device(a, "MBRD"), crs;

	hid(a, "PNP0C02");
	aml_name(a, "_UID");
	aml_integer(a, 1);
	aml_name(a, "_CRS");
	crs = aml_resources(a);
	aml_fixed_memory(a, ECAM_BASE, ECAM_SIZE);
	aml_io(a, PM_BASE, 0x10);
	aml_resources_close(a, crs);
	aml_close(a, device);
}

static void serial(struct aml *a, unsigned n)
{
	static const uint16_t ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	static const uint8_t irqs[] = { 4, 3, 5, 7 };
	char name[5];
	size_t device, crs;

	snprintf(name, sizeof(name), "COM%u", (n + 1) % 10);
	device = aml_device(a, name);
	hid(a, "PNP0501");
	aml_name(a, "_UID");
	aml_integer(a, n + 1);
	aml_name(a, "_CRS");
	crs = aml_resources(a);
	aml_io(a, ports[n], 8);
	aml_irq(a, irqs[n]);
	aml_resources_close(a, crs);
	aml_close(a, device);
}

static void real_time_clock(struct aml *a)
{
	size_t device = aml_device(a, "RTC_"), crs;

	hid(a, "PNP0B00");
	aml_name(a, "_CRS");
	crs = aml_resources(a);
	aml_io(a, 0x70, 2);
	aml_irq(a, GSI_RTC);
	aml_resources_close(a, crs);
	aml_close(a, device);
}

static void port_device(struct aml *a, const char *name, const char *id, uint16_t port,
			uint8_t size)
{
	size_t device = aml_device(a, name), crs;

	aml_name(a, "_HID");
	aml_string(a, id);
	aml_name(a, "_STA");
	aml_integer(a, 0xf);
	aml_name(a, "_CRS");
	crs = aml_resources(a);
	aml_io(a, port, size);
	aml_resources_close(a, crs);
	aml_close(a, device);
}

static void soft_off(struct aml *a)
{
	size_t package;

	aml_name(a, "\\_S5_");
	package = aml_package(a, 4);
	aml_integer(a, SLP_TYP_S5);
	aml_integer(a, SLP_TYP_S5);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_close(a, package);
}

void acpi_dsdt(struct aml *a, const struct vm_config *config)
{
	size_t scope;

	soft_off(a);
	scope = aml_scope(a, "\\_SB_");
	pci_root(a);
	board(a);
	for (unsigned i = 0; i < VM_CONFIG_CONSOLES_MAX; i++) {
		if (config->consoles[i].present)
			serial(a, i);
	}
	real_time_clock(a);
	port_device(a, "FWCF", "QEMU0002", FW_CFG_PORT, 12);
	port_device(a, "PEVT", "QEMU0001", PVPANIC_PORT, 1);
	aml_close(a, scope);
}
