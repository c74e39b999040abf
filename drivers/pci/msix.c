// SPDX-License-Identifier: GPL-2.0-or-later
// What drivers do with a function: its BARs, its right to the bus, and its interrupts as messages
// ("PCI Local Bus Specification 3.0", "MSI-X Capability and Table Structures").
#include "cpu/cpu.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "mem/page.h"

#define MSIX_CAP_SIZE   12
#define MSIX_ENABLE     0x80000000u /* of the capability's first word */
#define MSIX_MASK_ALL   0x40000000u
#define MSIX_LAST(head) ((head) >> 16 & 0x7ff)

#define ENTRY_MASKED  1u
#define ENTRIES_BYTES 16u

/* "Message Address": to a local APIC by its id; "Message Data": edge, fixed. */
#define MESSAGE_ADDRESS 0xfee00000u
#define MESSAGE_DEST(n) ((n) << 12)

struct entry {
	uint32_t address, address_high, data, control;
};
static_assert_size(struct entry, ENTRIES_BYTES);

volatile void *pci_map_bar(const struct pci_function *f, unsigned int bar, uint64_t offset,
			   uint64_t length)
{
	const struct pci_bar *b = bar < PCI_BARS ? &f->bars[bar] : NULL;

	if (b == NULL || (b->kind != PCI_BAR_MEM32 && b->kind != PCI_BAR_MEM64) || b->base == 0 ||
	    length == 0 || offset > b->size || length > b->size - offset)
		return NULL;
	return mmio_map(b->base + offset, length);
}

static void set_command(const struct pci_function *f, uint32_t bits)
{
	/* The status bits in the upper half are cleared by ones: write zeros there. */
	uint32_t command = pci_read32(f->address, PCI_COMMAND) & 0xffff;

	pci_write32(f->address, PCI_COMMAND, command | bits);
}

void pci_enable(const struct pci_function *f)
{
	set_command(f, PCI_COMMAND_MEM | PCI_COMMAND_BUSMASTER);
}

static void fill(volatile struct entry *table, uint32_t nr, uint8_t vector, uint32_t apic_id)
{
	for (uint32_t i = 1; i < nr; i++)
		table[i].control = ENTRY_MASKED;
	table[0].address = MESSAGE_ADDRESS | MESSAGE_DEST(apic_id);
	table[0].address_high = 0;
	table[0].data = vector;
	table[0].control = 0;
}

int pci_msix_route(const struct pci_function *f, uint8_t vector, uint32_t apic_id)
{
	unsigned int cap = pci_find_cap(&pci_ports, f->address, PCI_CAP_MSIX, 0);
	volatile struct entry *table;
	uint32_t head, where, nr;

	if (apic_id > 0xff)
		return -ERANGE;
	if (cap == 0 || cap + MSIX_CAP_SIZE > PCI_CONFIG_SIZE)
		return -ENODEV;
	head = pci_read32(f->address, cap);
	where = pci_read32(f->address, cap + 4); /* the BAR's number is in the low bits */
	nr = MSIX_LAST(head) + 1;
	table = pci_map_bar(f, where & 7, where & ~7u, (uint64_t)nr * ENTRIES_BYTES);
	if (table == NULL)
		return -ENODEV;
	pci_write32(f->address, cap, head | MSIX_ENABLE | MSIX_MASK_ALL);
	fill(table, nr, vector, apic_id);
	pci_write32(f->address, cap, (head | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	set_command(f, PCI_COMMAND_NO_INTX);
	return 0;
}
