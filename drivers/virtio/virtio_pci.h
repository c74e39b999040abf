/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices on PCI, as a driver sees them: Virtio 1.2, section 4.1 "Virtio Over PCI Bus", with
 * VIRTIO_F_VERSION_1 and no other feature. One MSI-X message for all queues.
 *
 * Contract: a device is started and stopped by one CPU; what it says of itself is checked, and what
 * cannot be used comes back as one sentence. No locks: registers are the owner's.
 */
#pragma once

#include "drivers/pci/pci.h"
#include "drivers/virtio/virtq.h"

#define VIRTIO_VENDOR 0x1af4

/* A part of a BAR, as a capability names it. */
struct virtio_place {
	uint32_t offset, length;
	uint8_t bar;
	bool found;
};

struct virtio_places {
	struct virtio_place common, notify;
	uint32_t notify_multiplier;
};

/* What is wrong with the function's capabilities, NULL: nothing. Reads configuration space only;
 * host-testable. */
const char *virtio_find_places(const struct pci_config *config, const struct pci_function *f,
			       struct virtio_places *places);

struct virtio_common;

struct virtio_device {
	volatile struct virtio_common *common;
	volatile char *notify;
	uint32_t notify_length, notify_multiplier;
};

/*
 * Resets the device and agrees with it on its features; its interrupts go to `vector` on the CPU
 * with that APIC id. Why it cannot be used, NULL: it can.
 */
const char *virtio_start(struct virtio_device *d, const struct pci_function *f, uint8_t vector,
			 uint32_t apic_id);

/*
 * Sets queue `index` up in `rings` (VIRTQ_BYTES bytes of the direct map, zeroed), with at most
 * VIRTQ_MAX buffers; *doorbell is where its index is written when it has new buffers. Between
 * virtio_start and virtio_ready. Why not, NULL: done.
 */
const char *virtio_set_queue(struct virtio_device *d, uint16_t index, struct virtq *q, void *rings,
			     volatile uint16_t **doorbell);

void virtio_ready(struct virtio_device *d);
/* Reset: it reads and writes no RAM from then on. Any context; waits for it, not for ever. */
void virtio_stop(struct virtio_device *d);
