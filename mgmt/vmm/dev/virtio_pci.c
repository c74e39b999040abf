// SPDX-License-Identifier: GPL-2.0-or-later
// The common configuration is read from an image of it and written field by field. The doorbell
// follows its BAR; while it is nowhere, a write to the port still reaches us the long way.

#include "vmm/dev/virtio_pci.h"

#include <string.h>

#include "lib/types.h"
#include "mgmt/lib/strata.h"

#define VENDOR_VIRTIO  0x1af4
#define DEVICE_BASE    0x1040 /* and the device type */
#define NO_VECTOR      0xffffu
#define ISR_QUEUE      1u
#define ISR_CONFIG     2u
#define REGISTERS_BAR  0
#define DOORBELL_BAR   1
#define REGISTERS_SIZE 0x2000u
#define DOORBELL_SIZE  4u
/* Of the registers' BAR. */
#define COMMON_AT 0x0000u
#define ISR_AT    0x0400u
#define CONFIG_AT 0x0800u
#define TABLE_AT  0x1000u
#define PBA_AT    0x1800u

/* Kinds of the vendor's capability, 4.1.4 */
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_ISR    3
#define CAP_DEVICE 4
#define CAP_PCI    5

/* 4.1.4.3 */
struct common {
	uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
	uint16_t config_msix_vector, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint64_t queue_desc, queue_driver, queue_device;
};
_Static_assert(sizeof(struct common) == 56, "virtio 1.2, 4.1.4.3");
_Static_assert(offsetof(struct common, queue_desc) == 32, "virtio 1.2, 4.1.4.3");

static struct virtio_pci *of_function(struct pci_function *f)
{
	return container_of(f, struct virtio_pci, function);
}

static struct virtq *selected(struct virtio_pci *p)
{
	return p->queue_select < p->virtio.type->nr_queues ? &p->virtio.queues[p->queue_select]
							   : NULL;
}

/* ---- common configuration ---- */

static uint32_t half(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

static void common_image(struct virtio_pci *p, struct common *c)
{
	const struct virtio *v = &p->virtio;
	const struct virtq *q = selected(p);

	*c = (struct common){
		.device_feature_select = p->offered_select,
		.device_feature = half(v->offered, p->offered_select),
		.driver_feature_select = p->accepted_select,
		.driver_feature = half(v->accepted, p->accepted_select),
		.config_msix_vector = p->config_vector,
		.num_queues = (uint16_t)v->type->nr_queues,
		.device_status = v->status,
		.queue_select = p->queue_select,
	};
	if (!q)
		return;
	c->queue_size = q->size;
	c->queue_msix_vector = q->vector;
	c->queue_enable = q->enabled;
	c->queue_desc = q->desc_at;
	c->queue_driver = q->avail_at;
	c->queue_device = q->used_at;
}

static void accept_features(struct virtio_pci *p, uint32_t value)
{
	struct virtio *v = &p->virtio;
	unsigned shift = 32 * p->accepted_select;

	if (p->accepted_select > 1 || (v->status & VIRTIO_FEATURES_OK))
		return;
	v->accepted = (v->accepted & ~(0xffffffffull << shift)) | (uint64_t)value << shift;
}

static uint16_t vector_or_none(const struct virtio_pci *p, uint64_t value)
{
	return value < p->msix.nr ? (uint16_t)value : NO_VECTOR;
}

static void set_status(struct virtio_pci *p, uint8_t status)
{
	if (!status) {
		p->config_vector = NO_VECTOR;
		p->queue_select = 0;
		p->isr = 0;
	}
	virtio_set_status(&p->virtio, status);
}

static void set_low(uint64_t *address, uint32_t value)
{
	*address = (*address & ~0xffffffffull) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
	*address = (uint32_t)*address | (uint64_t)value << 32;
}

/* Fields of the selected queue: only while it is not enabled. */
static void queue_write(struct virtio_pci *p, uint32_t offset, uint32_t value)
{
	struct virtq *q = selected(p);

	if (!q || q->enabled)
		return;
	switch (offset) {
	case offsetof(struct common, queue_size): q->size = (uint16_t)value; break;
	case offsetof(struct common, queue_msix_vector):
		q->vector = vector_or_none(p, (uint16_t)value);
		break;
	case offsetof(struct common, queue_enable):
		if (value == 1)
			virtio_enable_queue(&p->virtio, p->queue_select);
		break;
	case offsetof(struct common, queue_desc): set_low(&q->desc_at, value); break;
	case offsetof(struct common, queue_desc) + 4: set_high(&q->desc_at, value); break;
	case offsetof(struct common, queue_driver): set_low(&q->avail_at, value); break;
	case offsetof(struct common, queue_driver) + 4: set_high(&q->avail_at, value); break;
	case offsetof(struct common, queue_device): set_low(&q->used_at, value); break;
	case offsetof(struct common, queue_device) + 4: set_high(&q->used_at, value); break;
	default: break;
	}
}

/* Drivers write each field by its own width (4.1.3.1); what else is written does nothing. */
static unsigned field_size(uint32_t offset)
{
	if (offset >= offsetof(struct common, queue_desc) ||
	    offset < offsetof(struct common, config_msix_vector))
		return 4;
	return offset == offsetof(struct common, device_status) ? 1 : 2;
}

static void common_write(struct virtio_pci *p, uint32_t offset, unsigned size, uint32_t value)
{
	if (size != field_size(offset))
		return;
	switch (offset) {
	case offsetof(struct common, device_feature_select): p->offered_select = value; break;
	case offsetof(struct common, driver_feature_select): p->accepted_select = value; break;
	case offsetof(struct common, driver_feature): accept_features(p, value); break;
	case offsetof(struct common, config_msix_vector):
		p->config_vector = vector_or_none(p, value);
		break;
	case offsetof(struct common, device_status): set_status(p, (uint8_t)value); break;
	case offsetof(struct common, queue_select): p->queue_select = (uint16_t)value; break;
	default: queue_write(p, offset, value);
	}
}

/* ---- BARs ---- */

static uint64_t copy_part(const void *from, size_t room, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	if (offset < room)
		memcpy(&value, (const uint8_t *)from + offset, MIN(size, room - offset));
	return value;
}

static uint64_t registers_read(struct virtio_pci *p, uint32_t offset, unsigned size)
{
	struct common image;
	uint8_t isr = p->isr;

	if (offset >= PBA_AT)
		return copy_part(&p->msix.pending, sizeof(p->msix.pending), offset - PBA_AT, size);
	if (offset >= TABLE_AT)
		return msix_table_read(&p->msix, offset - TABLE_AT, size);
	if (offset >= CONFIG_AT)
		return copy_part(p->virtio.config, p->virtio.config_size, offset - CONFIG_AT, size);
	if (offset == ISR_AT) {
		p->isr = 0;
		return isr;
	}
	common_image(p, &image);
	return copy_part(&image, sizeof(image), offset - COMMON_AT, size);
}

static void registers_write(struct virtio_pci *p, uint32_t offset, unsigned size, uint64_t value)
{
	if (offset >= PBA_AT)
		return;
	if (offset >= TABLE_AT) {
		msix_table_write(&p->msix, offset - TABLE_AT, size, value);
	} else if (offset < sizeof(struct common) && size == 8) {
		common_write(p, offset, 4, (uint32_t)value);
		common_write(p, offset + 4, 4, (uint32_t)(value >> 32));
	} else if (offset < sizeof(struct common)) {
		common_write(p, offset, size, (uint32_t)value);
	}
}

static uint64_t bar_read(struct pci_function *f, unsigned bar, uint32_t offset, unsigned size)
{
	return bar == REGISTERS_BAR ? registers_read(of_function(f), offset, size) : 0;
}

static void bar_write(struct pci_function *f, unsigned bar, uint32_t offset, unsigned size,
		      uint64_t value)
{
	struct virtio_pci *p = of_function(f);

	if (bar == REGISTERS_BAR)
		registers_write(p, offset, size, value);
	else
		virtio_kick(&p->virtio);
}

/* ---- configuration space ---- */

static int ring_doorbell_at(const struct virtio_pci *p, uint16_t port, unsigned flags)
{
	struct vm_doorbell d = {
		.vm_fd = p->device.machine->vm_fd,
		.event_fd = p->virtio.kick_fd,
		.addr = port,
		.len = 2,
		.flags = DOORBELL_PORT | flags,
	};

	return strata_vm_doorbell(&d);
}

static void move_doorbell(struct virtio_pci *p)
{
	uint16_t port = (uint16_t)pci_function_bar_at(&p->function, DOORBELL_BAR);

	if (port == p->doorbell)
		return;
	if (p->doorbell)
		(void)ring_doorbell_at(p, p->doorbell, DOORBELL_REMOVE);
	/* Where another device's is already (-EEXIST) neither driver gets what it wants. */
	p->doorbell = port && ring_doorbell_at(p, port, 0) == 0 ? port : 0;
}

/* What the capability for access through configuration space points at (4.1.4.9). */
static bool window_target(const struct virtio_pci *p, unsigned *bar, uint32_t *offset,
			  unsigned *size)
{
	const uint8_t *config = p->function.config;

	*bar = config[p->config_cap + 4];
	*offset = pci_get(config, p->config_cap + 8, 4);
	*size = pci_get(config, p->config_cap + 12, 4);
	if (*bar >= PCI_BARS || (*size != 1 && *size != 2 && *size != 4) || *offset % *size)
		return false;
	return p->function.bars[*bar].size >= *size &&
	       *offset <= p->function.bars[*bar].size - *size;
}

static bool touches(unsigned reg, unsigned size, unsigned at, unsigned len)
{
	return reg < at + len && at < reg + size;
}

static void config_read(struct pci_function *f, unsigned reg, unsigned size)
{
	struct virtio_pci *p = of_function(f);
	unsigned bar, len;
	uint32_t offset;

	if (touches(reg, size, p->config_cap + 16, 4) && window_target(p, &bar, &offset, &len))
		pci_put(f->config, p->config_cap + 16, (uint32_t)bar_read(f, bar, offset, len),
			len);
}

static void config_written(struct pci_function *f, unsigned reg, unsigned size)
{
	struct virtio_pci *p = of_function(f);
	unsigned bar, len;
	uint32_t offset;

	if (touches(reg, size, PCI_COMMAND, 2) || touches(reg, size, PCI_BAR0, 4 * PCI_BARS))
		move_doorbell(p);
	if (touches(reg, size, p->msix.cap, 12))
		msix_config_written(&p->msix);
	if (touches(reg, size, p->config_cap + 16, 4) && window_target(p, &bar, &offset, &len))
		bar_write(f, bar, offset, len, pci_get(f->config, p->config_cap + 16, len));
}

static const struct pci_function_ops function_ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_written = config_written,
};

/* ---- life ---- */

static void interrupt(struct virtio *v, int queue)
{
	struct virtio_pci *p = container_of(v, struct virtio_pci, virtio);

	p->isr |= queue < 0 ? ISR_CONFIG : ISR_QUEUE;
	msix_raise(&p->msix, queue < 0 ? p->config_vector : v->queues[queue].vector);
}

static unsigned add_capability(struct pci_function *f, unsigned kind, unsigned len, unsigned bar,
			       uint32_t offset, uint32_t size)
{
	unsigned cap = pci_function_capability(f, PCI_CAP_VENDOR, len);

	f->config[cap + 2] = (uint8_t)len;
	f->config[cap + 3] = (uint8_t)kind;
	f->config[cap + 4] = (uint8_t)bar;
	pci_put(f->config, cap + 8, offset, 4);
	pci_put(f->config, cap + 12, size, 4);
	return cap;
}

static void describe(struct virtio_pci *p)
{
	const struct virtio_type *type = p->virtio.type;
	struct pci_function *f = &p->function;

	pci_function_init(f, &function_ops, &p->device.lock, VENDOR_VIRTIO,
			  (uint16_t)(DEVICE_BASE + type->id), type->pci_class);
	f->config[0x08] = 1; /* revision: modern */
	pci_put(f->config, PCI_SUBVENDOR, VENDOR_VIRTIO, 2);
	pci_put(f->config, PCI_SUBDEVICE, 0x1100, 2);
	pci_function_bar(f, REGISTERS_BAR, REGISTERS_SIZE, false);
	pci_function_bar(f, DOORBELL_BAR, DOORBELL_SIZE, true);
	msix_init(&p->msix, p->device.machine, f, type->nr_queues + 1, REGISTERS_BAR, TABLE_AT,
		  PBA_AT);
	add_capability(f, CAP_COMMON, 16, REGISTERS_BAR, COMMON_AT, sizeof(struct common));
	add_capability(f, CAP_ISR, 16, REGISTERS_BAR, ISR_AT, 1);
	add_capability(f, CAP_DEVICE, 16, REGISTERS_BAR, CONFIG_AT, TABLE_AT - CONFIG_AT);
	add_capability(f, CAP_NOTIFY, 20, DOORBELL_BAR, 0, DOORBELL_SIZE); /* multiplier 0 */
	p->config_cap = add_capability(f, CAP_PCI, 20, 0, 0, 0);
	f->writable[p->config_cap + 4] = 0xff;
	memset(&f->writable[p->config_cap + 8], 0xff, 12);
}

int virtio_pci_init(struct device *device, const struct virtio_type *type)
{
	struct virtio_pci *p = (struct virtio_pci *)device;
	int ret = virtio_init(&p->virtio, type, device);

	p->virtio.interrupt = interrupt;
	p->config_vector = NO_VECTOR;
	describe(p);
	return ret;
}

int virtio_pci_start(struct virtio_pci *p)
{
	int ret = pci_add(p->device.machine, &p->function);

	return ret ? ret : virtio_start(&p->virtio);
}

void virtio_pci_destroy(struct device *device)
{
	struct virtio_pci *p = (struct virtio_pci *)device;

	if (p->doorbell)
		(void)ring_doorbell_at(p, p->doorbell, DOORBELL_REMOVE);
	p->doorbell = 0;
	virtio_destroy(&p->virtio);
}
