/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of a VM: configuration space with BARs and capabilities, on one bus below the host
 * bridge (pci.c). PCI Local Bus Specification 3.0, chapter 6.
 *
 * Contract: a device embeds a struct pci_function, describes it in its create function and hands it
 * to pci_add, which finds it a slot and places its BARs as firmware would; the guest may move them.
 * Accesses to configuration space and to BARs reach the function with its lock held, and the host
 * bridge's lock around that; neither callback may block.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/machine.h"

#define PCI_CONFIG_SIZE  256
#define PCI_BARS         6
#define PCI_VENDOR       0x00
#define PCI_DEVICE       0x02
#define PCI_COMMAND      0x04
#define PCI_STATUS       0x06
#define PCI_CLASS        0x09 /* programming interface, subclass, class */
#define PCI_BAR0         0x10
#define PCI_SUBVENDOR    0x2c
#define PCI_SUBDEVICE    0x2e
#define PCI_CAPABILITIES 0x34
#define PCI_LINE         0x3c
#define PCI_COMMAND_IO   0x0001
#define PCI_COMMAND_MEM  0x0002
#define PCI_STATUS_CAPS  0x0010
#define PCI_CAP_VENDOR   0x09
#define PCI_CAP_MSIX     0x11

/* Where BARs can be: the windows that the ACPI tables give to the bus, less what others claim. */
#define PCI_PORT_BASE 0xc000u
#define PCI_PORT_END  0x10000u

struct pci_function;

struct pci_function_ops {
	/* An access of 1, 2, 4 or 8 bytes that lies whole in a BAR. */
	uint64_t (*bar_read)(struct pci_function *f, unsigned bar, uint32_t offset, unsigned size);
	void (*bar_write)(struct pci_function *f, unsigned bar, uint32_t offset, unsigned size,
			  uint64_t value);
	/* Before configuration bytes are read. NULL: nothing to do. */
	void (*config_read)(struct pci_function *f, unsigned reg, unsigned size);
	/* After they were written: BARs, command or a capability may have changed. NULL: nothing.
	 */
	void (*config_written)(struct pci_function *f, unsigned reg, unsigned size);
};

/* Locks: [I] immutable after pci_add  [f] *lock */
struct pci_function {
	const struct pci_function_ops *ops; /* [I] NULL: only configuration bytes */
	struct mutex *lock;                 /* [I] the device's */
	uint8_t config[PCI_CONFIG_SIZE];    /* [f] */
	uint8_t writable[PCI_CONFIG_SIZE];  /* [I] bits that the guest may change */
	struct pci_bar {
		uint32_t size; /* [I] a power of two; 0: none */
		bool port;     /* [I] */
	} bars[PCI_BARS];
	unsigned cap_end; /* [I] where the next capability goes */
	unsigned cap_last;
};

/* `class`: class, subclass and programming interface as in 0xCCSSPP. */
void pci_function_init(struct pci_function *f, const struct pci_function_ops *ops,
		       struct mutex *lock, uint16_t vendor, uint16_t device, uint32_t class);
/* `size`: a power of two, from 16 bytes (memory) or 4 (ports). */
void pci_function_bar(struct pci_function *f, unsigned bar, uint32_t size, bool port);
/* Appends a capability of `len` bytes, 4 at least: its offset. There is room for those we have. */
unsigned pci_function_capability(struct pci_function *f, uint8_t id, unsigned len);
/* Where a BAR answers now; 0: nowhere (not enabled, or outside of the bus' windows). */
uint32_t pci_function_bar_at(const struct pci_function *f, unsigned bar);

/* 1, 2 or 4 bytes of configuration space, little-endian. */
void pci_put(uint8_t *config, unsigned reg, uint32_t value, unsigned size);
uint32_t pci_get(const uint8_t *config, unsigned reg, unsigned size);

/* In a device's create function, after those above. 0, or -ENOSPC: no slot is free. */
int pci_add(struct machine *m, struct pci_function *f);

/* The bridge's accesses to a function, its lock not held. `reg` + `size` may be anything. */
uint64_t pci_function_read(struct pci_function *f, unsigned reg, unsigned size);
void pci_function_write(struct pci_function *f, unsigned reg, unsigned size, uint64_t value);
