/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of the machine: found once at start, then an immutable list. Configuration space is
 * reached by ports 0xcf8/0xcfc (segment 0, 256 bytes a function) and, where the MCFG offers it, a
 * function's whole 4 KiB can be mapped. Locks: the pair of ports has one, a leaf.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "lib/types.h"

#define PCI_BARS 6

struct pci_address {
	uint16_t segment;
	uint8_t bus;
	uint8_t device;   /* 0..31 */
	uint8_t function; /* 0..7 */
};

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64
};

struct pci_bar {
	phys_t base;   /* as the firmware left it; 0: not assigned */
	uint64_t size; /* bytes */
	enum pci_bar_kind kind;
	bool prefetchable;
};

struct pci_function {
	struct pci_address address;
	uint16_t vendor, device;
	uint8_t class_code, subclass, prog_if, revision;
	uint8_t header_type; /* 0: device, 1: bridge, 2: CardBus; without the multi-function bit */
	uint8_t secondary_bus; /* of a bridge */
	uint8_t irq_pin;       /* 0: none, 1: INTA .. */
	uint8_t irq_line;      /* as the firmware left it */
	struct pci_bar bars[PCI_BARS];
};

/* Registers, "PCI Local Bus Specification", "Configuration Space". */
#define PCI_ID                0x00
#define PCI_COMMAND           0x04
#define PCI_COMMAND_IO        0x0001
#define PCI_COMMAND_MEM       0x0002
#define PCI_COMMAND_BUSMASTER 0x0004
#define PCI_COMMAND_NO_INTX   0x0400
#define PCI_STATUS_CAPS       0x00100000 /* in the same word: there is a list of capabilities */
#define PCI_CLASS             0x08
#define PCI_HEADER_TYPE       0x0c /* byte 2 of this word */
#define PCI_BAR0              0x10
#define PCI_BRIDGE_BUSES      0x18
#define PCI_CAPABILITIES      0x34 /* byte 0: where the first one is */
#define PCI_INTERRUPT         0x3c

#define PCI_CONFIG_SIZE 0x100u
#define PCI_CAP_VENDOR  0x09
#define PCI_CAP_MSIX    0x11

/* Access to configuration space, so that the scan runs on the host as well. `reg` is a multiple
 * of 4. */
struct pci_config {
	uint32_t (*read)(struct pci_address a, unsigned int reg);
	void (*write)(struct pci_address a, unsigned int reg, uint32_t value);
};

/*
 * Calls found() for each function of the buses first..last of a segment, in order of address. Sizes
 * the BARs, for which a function's decoding is off for a moment: before any driver runs.
 */
void pci_scan(const struct pci_config *config, uint16_t segment, unsigned int first,
	      unsigned int last, void (*found)(const struct pci_function *f, void *arg), void *arg);

/* Scans the machine. Boot CPU, once, after mem_init. -ENOMEM: the list is cut short. */
int pci_init(const struct acpi_info *acpi);

unsigned int pci_count(void);
/* i below pci_count(). */
const struct pci_function *pci_get(unsigned int i);

/* One word of the first 256 bytes of configuration space, segment 0. `reg` is a multiple of 4. */
uint32_t pci_read32(struct pci_address a, unsigned int reg);
void pci_write32(struct pci_address a, unsigned int reg, uint32_t value);

extern const struct pci_config pci_ports; /* the machine's, by these two */

/*
 * Where the next capability `id` behind the one at `after` is; 0 for `after`: the first. 0: there
 * is none. A list that leads nowhere or in a circle ends. (What a capability says of itself may lie
 * behind the 256 bytes: the caller looks.)
 */
unsigned int pci_find_cap(const struct pci_config *config, struct pci_address a, uint8_t id,
			  unsigned int after);

/*
 * Maps `length` bytes from `offset` on of a memory BAR, for good. NULL: it is no such BAR, has no
 * address, or ends before.
 */
volatile void *pci_map_bar(const struct pci_function *f, unsigned int bar, uint64_t offset,
			   uint64_t length);

/* Lets the function answer at its memory BARs, and read and write RAM. */
void pci_enable(const struct pci_function *f);

/*
 * Sends message 0 of the function's MSI-X to `vector` on the CPU with that APIC id (below 256),
 * masks the others and switches MSI-X on. 0, -ENODEV (it has none, or it is not where it says),
 * -ERANGE (APIC id).
 */
int pci_msix_route(const struct pci_function *f, uint8_t vector, uint32_t apic_id);

/* Maps the function's 4 KiB of configuration space, for good. NULL: no MCFG covers it. */
volatile void *pci_map_config(struct pci_address a);
