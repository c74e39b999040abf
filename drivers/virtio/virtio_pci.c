// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of "Device Initialization", in its order. MSI-X comes before the queues, which name
// its message.
#include "drivers/virtio/virtio_pci.h"

#include "cpu/cpu.h"
#include "drivers/virtio/virtio_regs.h"
#include "mem/page.h"

#define RESET_POLLS 100000u
#define NOTIFY_MAX  65536u /* bytes of the place that we look at */

static bool reset(struct virtio_device *d)
{
	d->common->device_status = 0;
	for (unsigned int i = 0; i < RESET_POLLS; i++) {
		if (d->common->device_status == 0)
			return true;
		cpu_relax();
	}
	return false;
}

void virtio_stop(struct virtio_device *d)
{
	(void)reset(d);
}

static void add_status(struct virtio_device *d, uint8_t bit)
{
	d->common->device_status |= bit;
}

static const char *agree(struct virtio_device *d)
{
	volatile struct virtio_common *c = d->common;

	add_status(d, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(d, VIRTIO_STATUS_DRIVER);
	c->device_feature_select = 1;
	if (!(c->device_feature & VIRTIO_F_VERSION_1_HIGH))
		return "it lacks VIRTIO_F_VERSION_1";
	c->driver_feature_select = 0;
	c->driver_feature = 0;
	c->driver_feature_select = 1;
	c->driver_feature = VIRTIO_F_VERSION_1_HIGH;
	add_status(d, VIRTIO_STATUS_FEATURES_OK);
	if (!(c->device_status & VIRTIO_STATUS_FEATURES_OK))
		return "it wants more features than VIRTIO_F_VERSION_1";
	return NULL;
}

static const char *map(struct virtio_device *d, const struct pci_function *f)
{
	struct virtio_places places;
	const char *why = virtio_find_places(&pci_ports, f, &places);

	if (why != NULL)
		return why;
	d->notify_length = MIN(places.notify.length, NOTIFY_MAX);
	d->common = pci_map_bar(f, places.common.bar, places.common.offset,
				sizeof(struct virtio_common));
	d->notify = pci_map_bar(f, places.notify.bar, places.notify.offset, d->notify_length);
	d->notify_multiplier = places.notify_multiplier;
	return d->common != NULL && d->notify != NULL ? NULL : "its memory has no address";
}

const char *virtio_start(struct virtio_device *d, const struct pci_function *f, uint8_t vector,
			 uint32_t apic_id)
{
	const char *why = map(d, f);

	if (why != NULL)
		return why;
	pci_enable(f);
	if (!reset(d))
		return "it does not reset";
	if (pci_msix_route(f, vector, apic_id) < 0)
		return "it has no MSI-X";
	d->common->config_msix_vector = VIRTIO_NO_VECTOR;
	return agree(d);
}

static void set_address(volatile uint32_t reg[2], const void *part)
{
	phys_t pa = virt_to_phys(part);

	reg[0] = (uint32_t)pa;
	reg[1] = (uint32_t)(pa >> 32);
}

/* The largest power of two that both sides can do; 0: none. */
static uint16_t queue_size(uint16_t offered)
{
	uint16_t size = VIRTQ_MAX;

	while (size > offered)
		size /= 2;
	return size;
}

const char *virtio_set_queue(struct virtio_device *d, uint16_t index, struct virtq *q, void *rings,
			     volatile uint16_t **doorbell)
{
	volatile struct virtio_common *c = d->common;
	struct virtq_rings *r = rings;
	uint64_t at;
	uint16_t size;

	c->queue_select = index;
	size = queue_size(c->queue_size);
	at = (uint64_t)c->queue_notify_off * d->notify_multiplier;
	if (index >= c->num_queues || size == 0)
		return "it lacks a queue";
	if (at + sizeof(uint16_t) > d->notify_length)
		return "a notification outside its place";
	c->queue_size = size;
	c->queue_msix_vector = 0;
	if (c->queue_msix_vector != 0)
		return "it takes no interrupt vector";
	set_address(c->queue_desc, r->desc);
	set_address(c->queue_driver, &r->avail);
	set_address(c->queue_device, &r->used);
	c->queue_enable = 1;
	virtq_init(q, rings, size);
	*doorbell = (volatile uint16_t *)(d->notify + at);
	return NULL;
}

void virtio_ready(struct virtio_device *d)
{
	add_status(d, VIRTIO_STATUS_DRIVER_OK);
}
