// SPDX-License-Identifier: GPL-2.0-or-later
// The selector chooses an item and rewinds it; data comes byte by byte, or by DMA as a control
// structure in guest memory says. Nothing is writable by the guest. The file directory is item
// 0x19.

#include "vmm/dev/fw_cfg.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "lib/types.h"

#define ITEMS_MAX     24
#define DIR_NAME_SIZE 56

#define ID_TRADITIONAL 1
#define ID_DMA         2

#define DMA_ERROR  0x01
#define DMA_READ   0x02
#define DMA_SKIP   0x04
#define DMA_SELECT 0x08
#define DMA_WRITE  0x10

struct item {
	const uint8_t *data;
	uint32_t size;
	uint16_t key;
	uint8_t number[8]; /* small items live here */
};

struct dir_entry {
	uint32_t size; /* this and key: big-endian */
	uint16_t key, reserved;
	char name[DIR_NAME_SIZE];
};

/* Locks: [I] immutable once vCPUs run; the others by the device's lock */
struct fw_cfg {
	struct device device;
	struct item items[ITEMS_MAX]; /* [I] */
	unsigned nr_items;            /* [I] */
	struct {
		uint32_t count; /* big-endian */
		struct dir_entry entries[ITEMS_MAX];
	} dir;                       /* [I] */
	const struct item *selected; /* NULL: none such; reads as zeros */
	uint32_t position;
	uint32_t dma_high;
};

struct dma_request { /* in guest memory, big-endian */
	uint32_t control, length;
	uint64_t address;
};

static struct item *new_item(struct fw_cfg *fw, uint16_t key)
{
	struct item *item;

	if (fw->nr_items == ITEMS_MAX)
		return NULL;
	item = &fw->items[fw->nr_items++];
	item->key = key;
	return item;
}

int fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, uint64_t value, unsigned size)
{
	struct item *item = new_item(fw, key);

	if (!item)
		return -ENOSPC;
	value = htole64(value);
	memcpy(item->number, &value, sizeof(value));
	item->data = item->number;
	item->size = size;
	return 0;
}

int fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size)
{
	uint32_t count = be32toh(fw->dir.count);
	struct item *item = new_item(fw, (uint16_t)(FW_CFG_FILE_FIRST + count));
	struct dir_entry *entry = &fw->dir.entries[count];

	if (!item || strlen(name) >= DIR_NAME_SIZE)
		return -ENOSPC;
	item->data = data;
	item->size = size;
	entry->size = htobe32(size);
	entry->key = htobe16(item->key);
	strcpy(entry->name, name);
	fw->dir.count = htobe32(count + 1);
	return 0;
}

static void select_item(struct fw_cfg *fw, uint16_t key)
{
	fw->selected = NULL;
	fw->position = 0;
	for (unsigned i = 0; i < fw->nr_items; i++) {
		if (fw->items[i].key == key)
			fw->selected = &fw->items[i];
	}
}

/* The next `n` bytes of the item, zeros past its end; to == NULL: skip. */
static void take(struct fw_cfg *fw, uint8_t *to, uint32_t n)
{
	uint32_t left = fw->selected ? fw->selected->size - fw->position : 0;
	uint32_t there = MIN(n, left);

	if (to) {
		if (there)
			memcpy(to, fw->selected->data + fw->position, there);
		memset(to + there, 0, n - there);
	}
	fw->position += there;
}

static uint32_t dma_run(struct fw_cfg *fw, const struct dma_request *r)
{
	uint32_t control = be32toh(r->control), length = be32toh(r->length);
	void *to;

	if (control & DMA_SELECT)
		select_item(fw, (uint16_t)(control >> 16));
	if (control & DMA_READ) {
		to = ram_ptr(&fw->device.machine->ram, be64toh(r->address), length);
		if (!to)
			return DMA_ERROR;
		take(fw, to, length);
	} else if (control & DMA_WRITE) {
		return DMA_ERROR;
	} else if (control & DMA_SKIP) {
		take(fw, NULL, length);
	}
	return 0;
}

static void dma_start(struct fw_cfg *fw, uint64_t address)
{
	void *there = ram_ptr(&fw->device.machine->ram, address, sizeof(struct dma_request));
	struct dma_request request;
	uint32_t result;

	if (!there)
		return; /* there is nowhere to report it */
	memcpy(&request, there, sizeof(request));
	result = htobe32(dma_run(fw, &request));
	memcpy(there, &result, sizeof(result));
}

static uint64_t data_read(void *device, uint64_t offset, unsigned size)
{
	struct fw_cfg *fw = device;
	uint8_t byte = 0;

	(void)size;
	if (offset == 1)
		take(fw, &byte, 1);
	return byte;
}

static void data_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *fw = device;

	if (offset == 0 && size == 2)
		select_item(fw, (uint16_t)value);
}

static const struct bus_ops data_ops = {
	.name = "fw-cfg",
	.max_size = 2,
	.read = data_read,
	.write = data_write,
};

/* The DMA address register is big-endian; its low half starts the transfer. Reads: "QEMU CFG". */
static uint64_t dma_read(void *device, uint64_t offset, unsigned size)
{
	static const char signature[8] = "QEMU CFG";
	uint64_t value = 0;

	(void)device;
	memcpy(&value, signature + offset, MIN((uint64_t)size, 8 - offset));
	return value;
}

static void dma_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *fw = device;

	if (size != 4)
		return;
	if (offset == 0) {
		fw->dma_high = be32toh((uint32_t)value);
	} else if (offset == 4) {
		dma_start(fw, (uint64_t)fw->dma_high << 32 | be32toh((uint32_t)value));
		fw->dma_high = 0;
	}
}

static const struct bus_ops dma_ops = {
	.name = "fw-cfg-dma",
	.max_size = 4,
	.read = dma_read,
	.write = dma_write,
};

static int add_standard_items(struct fw_cfg *fw, const struct machine *m)
{
	struct item *dir;
	int ret = fw_cfg_add_number(fw, FW_CFG_SIGNATURE, htole32(0x554d4551), 4); /* "QEMU" */

	if (!ret)
		ret = fw_cfg_add_number(fw, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4);
	if (!ret)
		ret = fw_cfg_add_number(fw, FW_CFG_RAM_SIZE, m->ram.size, 8);
	if (!ret)
		ret = fw_cfg_add_number(fw, FW_CFG_NB_CPUS, m->config->vcpus, 2);
	if (!ret)
		ret = fw_cfg_add_number(fw, FW_CFG_MAX_CPUS, m->config->vcpus, 2);
	if (ret)
		return ret;
	dir = new_item(fw, FW_CFG_FILE_DIR);
	if (!dir)
		return -ENOSPC;
	dir->data = (const uint8_t *)&fw->dir;
	dir->size = sizeof(fw->dir);
	return 0;
}

static int fw_cfg_create(struct device *device, unsigned instance)
{
	struct fw_cfg *fw = (struct fw_cfg *)device;
	int ret = add_standard_items(fw, device->machine);

	(void)instance;
	if (!ret)
		ret = device_claim(device, BUS_PORT, FW_CFG_PORT, 2, &data_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, FW_CFG_PORT + 4, 8, &dma_ops);
	if (!ret)
		device->machine->fw_cfg = fw;
	return ret;
}

const struct device_class fw_cfg_class = {
	.name = "fw-cfg",
	.size = sizeof(struct fw_cfg),
	.create = fw_cfg_create,
};
