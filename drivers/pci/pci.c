// SPDX-License-Identifier: GPL-2.0-or-later
// Segment 0 is scanned by ports, which costs no mappings for the many buses that are empty.
// Machines with more segments are told so: their other segments are left out. The list is an array
// of pointers, filled in order of address.
#include "drivers/pci/pci.h"

#include "cpu/log.h"
#include "cpu/port.h"
#include "lib/errno.h"
#include "lock/lock.h"
#include "mem/kalloc.h"
#include "mem/page.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u
#define FUNCTIONS_MAX  512u

/* Locks: [I] immutable after pci_init */
static struct pci_function *functions[FUNCTIONS_MAX]; /* [I] */
static unsigned int nr_functions;                     /* [I] */
static struct acpi_mcfg mcfg[ACPI_MCFG_MAX];          /* [I] */
static unsigned int nr_mcfg;                          /* [I] */

static const struct lock_class port_class = { "pci_ports", LOCK_RANK_LEAF };
static struct lock port_lock = LOCK_INIT(&port_class);

static void select(struct pci_address a, unsigned int reg)
{
	port_out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)a.bus << 16 |
					   (uint32_t)a.device << 11 | (uint32_t)a.function << 8 |
					   reg);
}

uint32_t pci_read32(struct pci_address a, unsigned int reg)
{
	lock_acquire(&port_lock);
	select(a, reg);
	uint32_t v = port_in32(CONFIG_DATA);
	lock_release(&port_lock);
	return v;
}

void pci_write32(struct pci_address a, unsigned int reg, uint32_t value)
{
	lock_acquire(&port_lock);
	select(a, reg);
	port_out32(CONFIG_DATA, value);
	lock_release(&port_lock);
}

const struct pci_config pci_ports = { pci_read32, pci_write32 };

volatile void *pci_map_config(struct pci_address a)
{
	for (unsigned int i = 0; i < nr_mcfg; i++)
		if (mcfg[i].segment == a.segment && a.bus >= mcfg[i].bus_first &&
		    a.bus <= mcfg[i].bus_last)
			return mmio_map(mcfg[i].base + ((phys_t)a.bus << 20 |
							(phys_t)a.device << 15 |
							(phys_t)a.function << 12),
					4096);
	return NULL;
}

static void add(const struct pci_function *f, void *arg)
{
	int *error = arg;
	struct pci_function *copy = NULL;
	if (nr_functions < FUNCTIONS_MAX)
		copy = kalloc(kernel_container, sizeof(*copy));
	if (!copy) {
		*error = -ENOMEM;
		return;
	}
	*copy = *f;
	functions[nr_functions++] = copy;
}

int pci_init(const struct acpi_info *acpi)
{
	int error = 0;
	nr_mcfg = acpi->nr_mcfg;
	for (unsigned int i = 0; i < nr_mcfg; i++) {
		mcfg[i] = acpi->mcfg[i];
		if (mcfg[i].segment != 0)
			log_warn("PCI: segment %u is left out", mcfg[i].segment);
	}
	pci_scan(&pci_ports, 0, 0, 255, add, &error);
	log_info("PCI: %u functions", nr_functions);
	return error;
}

unsigned int pci_count(void)
{
	return nr_functions;
}

const struct pci_function *pci_get(unsigned int i)
{
	return functions[i];
}
