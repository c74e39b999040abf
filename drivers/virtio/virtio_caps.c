// SPDX-License-Identifier: GPL-2.0-or-later
// "Virtio Structure PCI Capabilities": of several of a type the first that can be used counts,
// those with reserved values are passed over.
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_regs.h"

#define CAP_TYPE(head)   ((uint8_t)((head) >> 24))
#define CAP_LENGTH(head) ((head) >> 16 & 0xff)
#define CAP_BAR          4
#define CAP_OFFSET       8
#define CAP_PLACE_LENGTH 12
#define CAP_MULTIPLIER   16

#define CAP_SIZE        16 /* struct virtio_pci_cap */
#define CAP_NOTIFY_SIZE 20 /* struct virtio_pci_notify_cap */

static bool read_place(const struct pci_config *config, const struct pci_function *f,
		       unsigned int cap, uint32_t least, struct virtio_place *place)
{
	struct virtio_place p = {
		.bar = (uint8_t)config->read(f->address, cap + CAP_BAR),
		.offset = config->read(f->address, cap + CAP_OFFSET),
		.length = config->read(f->address, cap + CAP_PLACE_LENGTH),
		.found = true,
	};

	if (place->found || p.bar >= PCI_BARS || p.length < least || !IS_ALIGNED(p.offset, 4u) ||
	    f->bars[p.bar].size < (uint64_t)p.offset + p.length)
		return false;
	*place = p;
	return true;
}

const char *virtio_find_places(const struct pci_config *config, const struct pci_function *f,
			       struct virtio_places *places)
{
	unsigned int cap = 0;

	*places = (struct virtio_places){ 0 };
	while ((cap = pci_find_cap(config, f->address, PCI_CAP_VENDOR, cap)) != 0) {
		uint32_t head = config->read(f->address, cap);
		unsigned int size = MIN(CAP_LENGTH(head), PCI_CONFIG_SIZE - cap);

		if (CAP_TYPE(head) == VIRTIO_CAP_COMMON && size >= CAP_SIZE)
			read_place(config, f, cap, sizeof(struct virtio_common), &places->common);
		if (CAP_TYPE(head) == VIRTIO_CAP_NOTIFY && size >= CAP_NOTIFY_SIZE &&
		    read_place(config, f, cap, sizeof(uint16_t), &places->notify))
			places->notify_multiplier = config->read(f->address, cap + CAP_MULTIPLIER);
	}
	if (!places->common.found)
		return "no common configuration (Virtio 1.0 or later is needed)";
	if (!places->notify.found)
		return "no place for notifications";
	if (!IS_ALIGNED(places->notify_multiplier, 2u))
		return "an odd notification multiplier";
	return NULL;
}
