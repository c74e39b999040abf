/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over PCI, modern only: Virtio 1.2, section 4.1. Registers and the MSI-X table are a memory
 * BAR, the doorbell is an I/O BAR of one port, which the kernel turns into the device's eventfd.
 *
 * Contract: first member of every virtio device's struct. In the device class' create function:
 * virtio_pci_init, then fill in config and features of `virtio`, then virtio_pci_start; in destroy,
 * and when create fails after the first, virtio_pci_destroy. INTx is not there: drivers need MSI-X.
 */
#pragma once

#include "vmm/dev/msix.h"
#include "vmm/dev/virtio.h"

/* Locks: [I] immutable after start; the rest by the device's lock */
struct virtio_pci {
	struct device device;
	struct virtio virtio;
	struct pci_function function;
	struct msix msix;
	unsigned config_cap; /* [I] the capability that reaches BARs through configuration space */
	uint16_t doorbell;   /* port that the kernel listens at; 0: none */
	uint32_t offered_select, accepted_select;
	uint16_t queue_select, config_vector;
	uint8_t isr;
};

int virtio_pci_init(struct device *device, const struct virtio_type *type);
int virtio_pci_start(struct virtio_pci *p);
void virtio_pci_destroy(struct device *device);
