// SPDX-License-Identifier: GPL-2.0-or-later
// Every bus number is probed: behind several host bridges the buses have gaps that only AML
// explains. A BAR's size is what stays 0 after all ones were written, the low flag bits aside
// ("Address Maps").
#include "drivers/pci/pci.h"

#define BAR_IO         0x1
#define BAR_TYPE_64    0x4
#define BAR_TYPE_MASK  0x6
#define BAR_PREFETCH   0x8
#define MULTI_FUNCTION 0x80
#define NO_DEVICE      0xffff

/* What the BAR at `reg` reads after all ones, its value put back. */
static uint32_t probe(const struct pci_config *c, struct pci_address a, unsigned int reg)
{
	uint32_t old = c->read(a, reg);
	c->write(a, reg, 0xffffffff);
	uint32_t mask = c->read(a, reg);
	c->write(a, reg, old);
	return mask;
}

static uint64_t size_of_mask(uint64_t mask)
{
	return mask == 0 ? 0 : mask & -mask; /* the lowest bit that can be set */
}

static void read_io_bar(uint32_t value, uint32_t mask, struct pci_bar *bar)
{
	bar->base = value & 0xfffffffc;
	/* The upper half may be wired to 0. */
	bar->size = size_of_mask(mask & 0xfffc);
	if (bar->size)
		bar->kind = PCI_BAR_IO;
}

/* Returns how many BARs it took: 2 for a 64-bit one. */
static unsigned int read_bar(const struct pci_config *c, struct pci_address a, unsigned int i,
			     unsigned int nr, struct pci_bar *bar)
{
	unsigned int reg = PCI_BAR0 + 4 * i;
	uint32_t value = c->read(a, reg);
	uint64_t mask = probe(c, a, reg);
	if (mask == 0 || mask == 0xffffffff)
		return 1;
	if (value & BAR_IO) {
		read_io_bar(value, (uint32_t)mask, bar);
		return 1;
	}
	bool wide = (value & BAR_TYPE_MASK) == BAR_TYPE_64 && i + 1 < nr;
	bar->base = value & 0xfffffff0;
	bar->prefetchable = value & BAR_PREFETCH;
	mask &= 0xfffffff0;
	if (wide) {
		bar->base |= (uint64_t)c->read(a, reg + 4) << 32;
		mask |= (uint64_t)probe(c, a, reg + 4) << 32;
	}
	bar->size = size_of_mask(mask);
	if (bar->size)
		bar->kind = wide ? PCI_BAR_MEM64 : PCI_BAR_MEM32;
	return wide ? 2 : 1;
}

static void read_bars(const struct pci_config *c, struct pci_function *f)
{
	unsigned int nr = f->header_type == 0 ? PCI_BARS : f->header_type == 1 ? 2 : 0;
	if (nr == 0)
		return;
	/* The status bits in the upper half are cleared by ones: write zeros there. */
	uint32_t command = c->read(f->address, PCI_COMMAND) & 0xffff;
	c->write(f->address, PCI_COMMAND, command & ~(uint32_t)(PCI_COMMAND_IO | PCI_COMMAND_MEM));
	for (unsigned int i = 0; i < nr;)
		i += read_bar(c, f->address, i, nr, &f->bars[i]);
	c->write(f->address, PCI_COMMAND, command);
}

static void read_function(const struct pci_config *c, struct pci_function *f)
{
	uint32_t id = c->read(f->address, PCI_ID);
	uint32_t class = c->read(f->address, PCI_CLASS);
	uint32_t irq = c->read(f->address, PCI_INTERRUPT);
	f->vendor = (uint16_t)id;
	f->device = (uint16_t)(id >> 16);
	f->class_code = (uint8_t)(class >> 24);
	f->subclass = (uint8_t)(class >> 16);
	f->prog_if = (uint8_t)(class >> 8);
	f->revision = (uint8_t) class;
	f->irq_line = (uint8_t)irq;
	f->irq_pin = (uint8_t)(irq >> 8);
	f->header_type = (c->read(f->address, PCI_HEADER_TYPE) >> 16) & 0x7f;
	if (f->header_type == 1)
		f->secondary_bus = (uint8_t)(c->read(f->address, PCI_BRIDGE_BUSES) >> 8);
	read_bars(c, f);
}

static bool exists(const struct pci_config *c, struct pci_address a)
{
	uint16_t vendor = (uint16_t)c->read(a, PCI_ID);
	return vendor != NO_DEVICE && vendor != 0;
}

static void scan_device(const struct pci_config *c, struct pci_address a,
			void (*found)(const struct pci_function *f, void *arg), void *arg)
{
	if (!exists(c, a))
		return;
	bool multi = (c->read(a, PCI_HEADER_TYPE) >> 16) & MULTI_FUNCTION;
	for (unsigned int fn = 0; fn < (multi ? 8u : 1u); fn++) {
		a.function = (uint8_t)fn;
		if (!exists(c, a))
			continue;
		struct pci_function f = { .address = a };
		read_function(c, &f);
		found(&f, arg);
	}
}

void pci_scan(const struct pci_config *config, uint16_t segment, unsigned int first,
	      unsigned int last, void (*found)(const struct pci_function *f, void *arg), void *arg)
{
	for (unsigned int bus = first; bus <= last; bus++)
		for (unsigned int device = 0; device < 32; device++)
			scan_device(
				config,
				(struct pci_address){ segment, (uint8_t)bus, (uint8_t)device, 0 },
				found, arg);
}
