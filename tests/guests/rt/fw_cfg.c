// SPDX-License-Identifier: GPL-2.0-or-later
// fw_cfg, as QEMU has it: the selector at 0x510, data at 0x511, DMA at 0x514 (big-endian).

#include "tests/guests/rt/private.h"

#define SELECTOR 0x510
#define DATA     0x511
#define DMA      0x514

#define ITEM_SIGNATURE 0x00
#define ITEM_ID        0x01
#define ITEM_RAM_SIZE  0x03
#define ITEM_NB_CPUS   0x05

#define DMA_ERROR  1u
#define DMA_READ   2u
#define DMA_SELECT 8u

struct dma_request {
	uint32_t control, length;
	uint64_t address;
};

bool fw_cfg_read(uint16_t item, void *to, uint32_t size)
{
	outw(SELECTOR, item);
	for (uint32_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = inb(DATA);
	return true;
}

bool fw_cfg_read_dma(uint16_t item, void *to, uint32_t size)
{
	static volatile struct dma_request request __aligned(16);
	uint32_t control;

	request.length = __builtin_bswap32(size);
	request.address = __builtin_bswap64((uintptr_t)to);
	request.control = __builtin_bswap32((uint32_t)item << 16 | DMA_SELECT | DMA_READ);
	outl(DMA, __builtin_bswap32((uint32_t)((uintptr_t)&request >> 32)));
	outl(DMA + 4, __builtin_bswap32((uint32_t)(uintptr_t)&request));
	do {
		control = __builtin_bswap32(request.control);
	} while (control & ~DMA_ERROR);
	return !(control & DMA_ERROR);
}

void fw_cfg_init(void)
{
	uint32_t id = 0;
	uint16_t count = 0;
	char signature[4];

	machine.nr_cpus = 1;
	fw_cfg_read(ITEM_SIGNATURE, signature, 4);
	machine.has_fw_cfg = !memcmp(signature, "QEMU", 4);
	if (!machine.has_fw_cfg)
		return;
	fw_cfg_read(ITEM_ID, &id, 4);
	machine.has_fw_cfg_dma = id & 2;
	fw_cfg_read(ITEM_NB_CPUS, &count, 2);
	fw_cfg_read(ITEM_RAM_SIZE, &machine.ram_size, 8);
	machine.nr_cpus = count;
}
