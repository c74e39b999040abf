// SPDX-License-Identifier: GPL-2.0-or-later
// The Linux/x86 boot protocol, 32-bit entry: the setup header is copied into a zeroed boot_params,
// completed, and the protected-mode part started at its first byte with ESI pointing to
// boot_params.

#include <errno.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/load/boot.h"

/* Offsets in the file and in boot_params ("The Linux/x86 Boot Protocol", "The Real-Mode Kernel
 * Header"). */
#define ACPI_RSDP_ADDR   0x070
#define E820_ENTRIES     0x1e8
#define SETUP_SECTS      0x1f1
#define HEADER_START     0x1f1
#define BOOT_FLAG        0x1fe
#define JUMP_LENGTH      0x201
#define HEADER_MAGIC     0x202
#define VERSION          0x206
#define TYPE_OF_LOADER   0x210
#define LOADFLAGS        0x211
#define CODE32_START     0x214
#define RAMDISK_IMAGE    0x218
#define RAMDISK_SIZE     0x21c
#define CMD_LINE_PTR     0x228
#define INITRD_ADDR_MAX  0x22c
#define KERNEL_ALIGNMENT 0x230
#define RELOCATABLE      0x234
#define CMDLINE_SIZE     0x238
#define PREF_ADDRESS     0x258
#define INIT_SIZE        0x260
#define HEADER_END_MAX   0x290
#define E820_TABLE       0x2d0

#define LOADED_HIGH      0x01
#define BOOT_PARAMS_SIZE 4096
#define FILE_MIN         0x264 /* up to init_size */

static uint32_t get32(const struct image *image, unsigned offset)
{
	uint32_t v;

	memcpy(&v, image->data + offset, sizeof(v));
	return v;
}

static uint64_t get64(const struct image *image, unsigned offset)
{
	return get32(image, offset) | (uint64_t)get32(image, offset + 4) << 32;
}

static uint16_t version(const struct image *image)
{
	return (uint16_t)get32(image, VERSION);
}

bool bzimage_probe(const struct image *kernel)
{
	return kernel->size >= FILE_MIN && kernel->data[BOOT_FLAG] == 0x55 &&
	       kernel->data[BOOT_FLAG + 1] == 0xaa &&
	       !memcmp(kernel->data + HEADER_MAGIC, "HdrS", 4);
}

static int check_header(struct boot *boot)
{
	const struct image *k = &boot->kernel;

	if (version(k) < 0x020a)
		return boot_fail(boot, "kernel: boot protocol %u.%02u; expected 2.10 or newer",
				 version(k) >> 8, version(k) & 0xff);
	if (!(k->data[LOADFLAGS] & LOADED_HIGH))
		return boot_fail(boot, "kernel: a zImage, which loads below 1 MiB");
	if (strlen(boot->cmdline) > get32(k, CMDLINE_SIZE))
		return boot_fail(boot, "cmdline: the kernel takes at most %u characters",
				 get32(k, CMDLINE_SIZE));
	return 0;
}

/* Puts the protected-mode part at 1 MiB (or where it must be) and reserves what it will need. */
static int put_kernel(struct boot *boot, uint32_t *entry)
{
	const struct image *k = &boot->kernel;
	uint64_t sectors = k->data[SETUP_SECTS] ? k->data[SETUP_SECTS] : 4;
	uint64_t setup = (sectors + 1) * 512, need;
	bool relocatable = k->data[RELOCATABLE];
	uint64_t start, run;
	int ret;

	if (setup >= k->size)
		return boot_fail(boot, "kernel: %llu setup sectors, but the file is shorter",
				 (unsigned long long)sectors);
	start = relocatable ? BOOT_HIGH : get32(k, CODE32_START);
	ret = boot_put_kernel(boot, start, k->data + setup, k->size - setup, k->size - setup);
	if (ret)
		return ret;
	run = MAX(start, get64(k, PREF_ADDRESS));
	need = get32(k, INIT_SIZE);
	if (!ram_ptr(boot->ram, run, need))
		return boot_fail(boot,
				 "memory is too small: the kernel needs 0x%llx bytes at 0x%llx",
				 (unsigned long long)need, (unsigned long long)run);
	boot->kernel_end = MAX(boot->kernel_end, run + need);
	*entry = (uint32_t)start;
	return 0;
}

static void put32(uint8_t *params, unsigned offset, uint64_t value)
{
	uint32_t v = (uint32_t)value;

	memcpy(params + offset, &v, sizeof(v));
}

static void fill_e820(const struct boot *boot, uint8_t *params)
{
	struct boot_e820 map[BOOT_E820_MAX];
	unsigned n = boot_e820(boot->ram, map);

	params[E820_ENTRIES] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *at = params + E820_TABLE + i * 20;

		memcpy(at, &map[i].addr, 8);
		memcpy(at + 8, &map[i].size, 8);
		memcpy(at + 16, &map[i].type, 4);
	}
}

static int fill_params(struct boot *boot, uint8_t *params)
{
	const struct image *k = &boot->kernel;
	unsigned end = MIN(HEADER_MAGIC + k->data[JUMP_LENGTH], HEADER_END_MAX);
	uint64_t cmdline;
	int ret = boot_put_text(boot, boot->cmdline, &cmdline);

	if (ret)
		return ret;
	memcpy(params + HEADER_START, k->data + HEADER_START, MIN(end, k->size) - HEADER_START);
	params[TYPE_OF_LOADER] = 0xff;
	put32(params, CMD_LINE_PTR, cmdline);
	memcpy(params + ACPI_RSDP_ADDR, &boot->rsdp, 8);
	if (boot->nr_modules) {
		put32(params, RAMDISK_IMAGE, boot->module_at[0]);
		put32(params, RAMDISK_SIZE, boot->modules[0].image.size);
	}
	fill_e820(boot, params);
	return 0;
}

int bzimage_load(struct boot *boot)
{
	uint8_t *params = ram_ptr(boot->ram, BOOT_INFO, BOOT_PARAMS_SIZE);
	uint32_t entry = 0;
	int ret = check_header(boot);

	if (boot->nr_modules > 1)
		return boot_fail(boot, "module: a Linux bzImage takes an initrd and no modules");
	if (!ret)
		ret = put_kernel(boot, &entry);
	if (!ret)
		ret = boot_place_modules(boot, (uint64_t)get32(&boot->kernel, INITRD_ADDR_MAX) + 1);
	if (ret)
		return ret;
	memset(params, 0, BOOT_PARAMS_SIZE);
	ret = fill_params(boot, params);
	if (ret)
		return ret;
	boot_flat32(boot, entry);
	boot->regs.gpr[GPR_RSI] = BOOT_INFO;
	return 0;
}
