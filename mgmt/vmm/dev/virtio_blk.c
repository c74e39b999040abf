// SPDX-License-Identifier: GPL-2.0-or-later
// A block device over a disk in memory (Virtio 1.2, section 5.2): a request is one copy between the
// disk and the guest's buffers.

#include <stdio.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/dev/disk.h"
#include "vmm/dev/virtio_pci.h"

#define TYPE_BLOCK  2
#define CLASS_BLOCK 0x010000 /* mass storage, SCSI: what operating systems expect */

#define BLK_F_SEG_MAX  (1ull << 2)
#define BLK_F_RO       (1ull << 5)
#define BLK_F_BLK_SIZE (1ull << 6)
#define BLK_F_FLUSH    (1ull << 9)

#define BLK_T_IN     0
#define BLK_T_OUT    1
#define BLK_T_FLUSH  4
#define BLK_T_GET_ID 8
#define BLK_ID_SIZE  20

#define BLK_S_OK     0
#define BLK_S_IOERR  1
#define BLK_S_UNSUPP 2

struct blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max, seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
};
_Static_assert(sizeof(struct blk_config) == 24, "virtio 1.2, 5.2.4");

struct blk_header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct virtio_blk {
	struct virtio_pci pci;
	struct blk_config config; /* [I] */
	struct disk *disk;        /* [I] its contents by the device's lock */
	unsigned number;          /* [I] */
};

/* `data`: bytes of the buffers without header and status. */
static uint8_t do_read(const struct disk *d, const struct virtq_chain *c, uint64_t at, size_t data)
{
	if (!disk_has(d, at, data))
		return BLK_S_IOERR;
	iov_write(&c->iov[c->nr_out], c->nr_in, 0, d->data + at, data);
	return BLK_S_OK;
}

static uint8_t do_write(const struct disk *d, const struct virtq_chain *c, uint64_t at, size_t data)
{
	if (d->readonly || !disk_has(d, at, data))
		return BLK_S_IOERR;
	iov_read(c->iov, c->nr_out, sizeof(struct blk_header), d->data + at, data);
	return BLK_S_OK;
}

static uint8_t get_id(const struct virtio_blk *b, const struct virtq_chain *c, size_t *data)
{
	char id[BLK_ID_SIZE] = { 0 };

	snprintf(id, sizeof(id), "disk%u", b->number);
	*data = MIN(*data, sizeof(id));
	iov_write(&c->iov[c->nr_out], c->nr_in, 0, id, *data);
	return BLK_S_OK;
}

/* The request, and in *in how many bytes of data were written to the guest. */
static uint8_t answer(const struct virtio_blk *b, const struct virtq_chain *c,
		      const struct blk_header *h, size_t out, size_t *in)
{
	size_t room = *in;
	uint64_t at = h->sector > UINT64_MAX / DISK_SECTOR ? UINT64_MAX : h->sector * DISK_SECTOR;

	*in = 0;
	switch (h->type) {
	case BLK_T_IN: *in = room; return do_read(b->disk, c, at, room);
	case BLK_T_OUT: return do_write(b->disk, c, at, out);
	case BLK_T_FLUSH: return BLK_S_OK;
	case BLK_T_GET_ID: *in = room; return get_id(b, c, in);
	default: return BLK_S_UNSUPP;
	}
}

static int64_t serve(struct virtio *v, unsigned queue, struct virtq_chain *c)
{
	const struct virtio_blk *b = container_of(v, struct virtio_blk, pci.virtio);
	size_t out = iov_length(c->iov, c->nr_out), in = iov_length(&c->iov[c->nr_out], c->nr_in);
	struct blk_header h;
	size_t written;
	uint8_t status;

	(void)queue;
	if (out < sizeof(h) || !in) {
		snprintf(v->error, sizeof(v->error), "a request without header or status");
		return -1;
	}
	iov_read(c->iov, c->nr_out, 0, &h, sizeof(h));
	written = in - 1;
	status = answer(b, c, &h, out - sizeof(h), &written);
	if (status != BLK_S_OK)
		written = 0;
	iov_write(&c->iov[c->nr_out], c->nr_in, in - 1, &status, 1);
	return (int64_t)written + 1;
}

static const struct virtio_type blk_type = {
	.name = "disk",
	.id = TYPE_BLOCK,
	.pci_class = CLASS_BLOCK,
	.nr_queues = 1,
	.serve = serve,
};

static unsigned nr_disks(const struct vm_config *config)
{
	return config->nr_disks;
}

static void describe(struct virtio_blk *b)
{
	struct virtio *v = &b->pci.virtio;

	b->config.capacity = b->disk->size / DISK_SECTOR;
	b->config.seg_max = VIRTQ_SIZE_MAX - 2;
	b->config.blk_size = DISK_SECTOR;
	v->config = &b->config;
	v->config_size = sizeof(b->config);
	v->offered |= BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH;
	if (b->disk->readonly)
		v->offered |= BLK_F_RO;
}

static int blk_create(struct device *device, unsigned instance)
{
	struct virtio_blk *b = (struct virtio_blk *)device;
	int ret = virtio_pci_init(device, &blk_type);

	b->number = instance;
	b->disk = &device->machine->disks[instance];
	describe(b);
	if (!ret)
		ret = virtio_pci_start(&b->pci);
	if (ret)
		virtio_pci_destroy(device);
	return ret;
}

const struct device_class virtio_blk_class = {
	.name = "virtio-blk",
	.size = sizeof(struct virtio_blk),
	.instances = nr_disks,
	.create = blk_create,
	.destroy = virtio_pci_destroy,
};
