/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X of a PCI function: PCI Local Bus Specification 3.0, section 6.8.2.
 *
 * Contract: all functions are called with the device's lock held. A message that the guest
 * described badly (an address that is no interrupt's) is dropped, as on hardware; one that is
 * masked waits as pending.
 */
#pragma once

#include <stdint.h>

#include "vmm/dev/pci.h"

#define MSIX_VECTORS_MAX 32
#define MSIX_ENTRY_SIZE  16
#define MSIX_PBA_SIZE    8 /* of a function with at most 64 vectors */

/* Locks: [I] immutable after msix_init; the rest by the device's lock */
struct msix {
	struct machine *machine;             /* [I] */
	struct pci_function *function;       /* [I] */
	unsigned cap, nr;                    /* [I] */
	uint32_t table[MSIX_VECTORS_MAX][4]; /* address low, high, data, vector control */
	uint64_t pending;
};

/* Adds the capability: `nr` vectors, table and pending bits at these offsets of BAR `bar`. */
void msix_init(struct msix *x, struct machine *m, struct pci_function *f, unsigned nr, unsigned bar,
	       uint32_t table_at, uint32_t pba_at);
uint64_t msix_table_read(const struct msix *x, uint32_t offset, unsigned size);
void msix_table_write(struct msix *x, uint32_t offset, unsigned size, uint64_t value);
/* After the capability may have been written: delivers what is no longer masked. */
void msix_config_written(struct msix *x);
/* Raises a vector; one that there is not (0xffff of virtio) is dropped. */
void msix_raise(struct msix *x, unsigned vector);
