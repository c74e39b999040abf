// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/boot_params.c boot/mem_map.c
// Fuzz target: any boot_params, with the header's magic put right. The input behind the first
// 4 KiB is physical memory (setup_data, the command line). What is accepted must keep the promises
// of boot_info.h.
#include <stdlib.h>
#include <string.h>
#include "boot/boot_params.h"
#include "boot/mem_map.h"
#include "tests/host/phys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check(const struct boot_info *info)
{
	CHECK(info->nr_mem > 0 && info->nr_mem <= BOOT_MEM_MAX);
	for (unsigned int i = 0; i < info->nr_mem; i++) {
		const struct boot_mem *m = &info->mem[i];
		CHECK(m->size > 0 && m->size <= UINT64_MAX - m->base);
		CHECK(m->type >= BOOT_MEM_RAM && m->type <= BOOT_MEM_PERSISTENT);
		CHECK(i == 0 || info->mem[i - 1].base + info->mem[i - 1].size <= m->base);
	}
	CHECK(mem_map_is_ram(info->mem, info->nr_mem, info->image_base, info->image_size));
	if (info->initrd_size > 0)
		CHECK(mem_map_is_ram(info->mem, info->nr_mem, info->initrd_base,
				     info->initrd_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_params bp;
	static struct boot_info info;
	memset(&bp, 0, sizeof(bp));
	memset(&info, 0, sizeof(info));
	memcpy(&bp, data, MIN(size, sizeof(bp)));
	bp.hdr.header = BOOT_HDR_MAGIC;
	phys_reset();
	uint8_t *rest = NULL;
	if (size > sizeof(bp)) {
		rest = malloc(size - sizeof(bp));
		memcpy(rest, data + sizeof(bp), size - sizeof(bp));
		phys_add(0x1000, rest, size - sizeof(bp));
	}
	info.image_base = 0x100000;
	info.image_size = 0x40000;
	const char *error = boot_params_parse(&bp, phys_map, &info);
	CHECK(strnlen(info.cmdline, sizeof(info.cmdline)) < sizeof(info.cmdline));
	if (!error)
		check(&info);
	free(rest);
	return 0;
}
