// SPDX-License-Identifier: GPL-2.0-or-later
// Multiboot 1: a header in the first 8 KiB says how to load the rest; EAX is the magic, EBX points
// to the information structure. As under QEMU, the command line starts with the kernel's path.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/load/elf.h"

#define HEADER_MAGIC   0x1badb002
#define BOOT_MAGIC     0x2badb002
#define HEADER_SEARCH  8192
#define HEADER_KNOWN   0x00000007 /* page alignment, memory, video (a wish that we do not grant) */
#define HEADER_ADDRESS 0x00010000

#define INFO_MEMORY  0x001
#define INFO_CMDLINE 0x004
#define INFO_MODULES 0x008
#define INFO_MEMMAP  0x040
#define INFO_LOADER  0x200

struct header {
	uint32_t magic, flags, checksum;
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

struct info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
	uint32_t apm_table, vbe[4];
};
_Static_assert(sizeof(struct info) == 88, "Multiboot information format");

struct module {
	uint32_t start, end, cmdline, reserved;
};

struct memmap {
	uint32_t size; /* of the rest */
	uint64_t addr, len;
	uint32_t type;
} __attribute__((packed));

struct lists {
	struct memmap memmap[BOOT_E820_MAX];
	struct module modules[BOOT_MODULES_MAX];
};

/* Offset of the header, or -1. */
static long find_header(const struct image *image, struct header *out)
{
	size_t end = MIN(image->size, (size_t)HEADER_SEARCH);

	for (size_t at = 0; at + 12 <= end; at += 4) {
		memset(out, 0, sizeof(*out));
		memcpy(out, image->data + at, MIN(sizeof(*out), image->size - at));
		if (out->magic == HEADER_MAGIC && out->magic + out->flags + out->checksum == 0)
			return (long)at;
	}
	return -1;
}

bool multiboot_probe(const struct image *kernel)
{
	struct header header;

	return find_header(kernel, &header) >= 0;
}

/* Load by the addresses in the header. */
static int load_by_header(struct boot *boot, const struct header *h, long at, uint64_t *entry)
{
	uint64_t offset, len, memsz;

	if (h->load_addr > h->header_addr || (uint64_t)at < h->header_addr - h->load_addr)
		return boot_fail(boot, "kernel: the multiboot header's load address is wrong");
	offset = (uint64_t)at - (h->header_addr - h->load_addr);
	len = h->load_end_addr ? (uint64_t)h->load_end_addr - h->load_addr
			       : boot->kernel.size - offset;
	if ((h->load_end_addr && h->load_end_addr < h->load_addr) ||
	    len > boot->kernel.size - offset)
		return boot_fail(boot, "kernel: the multiboot header's end address is wrong");
	memsz = len;
	if (h->bss_end_addr > h->load_addr)
		memsz = MAX(len, (uint64_t)h->bss_end_addr - h->load_addr);
	*entry = h->entry_addr;
	return boot_put_kernel(boot, h->load_addr, boot->kernel.data + offset, len, memsz);
}

static int load_kernel(struct boot *boot, uint64_t *entry)
{
	struct elf_file elf;
	struct header h;
	long at = find_header(&boot->kernel, &h);
	int ret;

	if (at < 0)
		return boot_fail(boot, "kernel: no multiboot header");
	if (h.flags & 0xffff & ~HEADER_KNOWN)
		return boot_fail(boot, "kernel: unknown multiboot requirements 0x%x",
				 h.flags & 0xffff);
	if (h.flags & HEADER_ADDRESS)
		return load_by_header(boot, &h, at, entry);
	if (elf_file_open(&elf, &boot->kernel))
		return boot_fail(boot, "kernel: multiboot without addresses must be an ELF file");
	ret = elf_file_load(boot, &elf);
	*entry = elf_file_physical(&elf, elf.entry);
	return ret;
}

static unsigned fill_memmap(const struct boot *boot, struct memmap *out)
{
	struct boot_e820 map[BOOT_E820_MAX];
	unsigned n = boot_e820(boot->ram, map);

	for (unsigned i = 0; i < n; i++)
		out[i] = (struct memmap){ sizeof(*out) - 4, map[i].addr, map[i].size, map[i].type };
	return n;
}

static int fill_modules(struct boot *boot, struct module *out)
{
	for (unsigned i = 0; i < boot->nr_modules; i++) {
		const struct boot_module *m = &boot->modules[i];
		uint64_t text;
		int ret = boot_put_text(boot, m->cmdline ? m->cmdline : "", &text);

		if (ret)
			return ret;
		out[i] = (struct module){ (uint32_t)boot->module_at[i],
					  (uint32_t)(boot->module_at[i] + m->image.size),
					  (uint32_t)text, 0 };
	}
	return 0;
}

static int put_cmdline(struct boot *boot, uint64_t *gpa)
{
	char line[VM_CONFIG_CMDLINE_MAX + 512];
	int n = snprintf(line, sizeof(line), "%s%s%s", boot->name, boot->cmdline[0] ? " " : "",
			 boot->cmdline);

	if (n < 0 || (size_t)n >= sizeof(line))
		return boot_fail(boot, "cmdline: too long");
	return boot_put_text(boot, line, gpa);
}

static int put_info(struct boot *boot)
{
	struct info info = { .flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MEMMAP |
				      INFO_LOADER };
	struct lists lists = { 0 };
	uint64_t cmdline, loader;
	int ret = put_cmdline(boot, &cmdline);

	if (!ret)
		ret = boot_put_text(boot, "Strata", &loader);
	if (!ret)
		ret = fill_modules(boot, lists.modules);
	if (ret)
		return ret;
	info.mem_lower = BOOT_EBDA >> 10;
	info.mem_upper = (uint32_t)((ram_low_end(boot->ram) - BOOT_HIGH) >> 10);
	info.cmdline = (uint32_t)cmdline;
	info.loader_name = (uint32_t)loader;
	info.mods_count = boot->nr_modules;
	info.mods_addr = BOOT_LISTS + offsetof(struct lists, modules);
	info.mmap_length = fill_memmap(boot, lists.memmap) * (uint32_t)sizeof(struct memmap);
	info.mmap_addr = BOOT_LISTS + offsetof(struct lists, memmap);
	memcpy(ram_ptr(boot->ram, BOOT_LISTS, sizeof(lists)), &lists, sizeof(lists));
	memcpy(ram_ptr(boot->ram, BOOT_INFO, sizeof(info)), &info, sizeof(info));
	return 0;
}

int multiboot_load(struct boot *boot)
{
	uint64_t entry = 0;
	int ret = load_kernel(boot, &entry);

	if (ret)
		return ret;
	if (entry < boot->kernel_start || entry >= boot->kernel_end || entry > UINT32_MAX)
		return boot_fail(boot, "kernel: the entry 0x%llx is outside of the kernel",
				 (unsigned long long)entry);
	ret = boot_place_modules(boot, UINT64_MAX);
	if (!ret)
		ret = put_info(boot);
	if (ret)
		return ret;
	boot_flat32(boot, (uint32_t)entry);
	boot->regs.gpr[GPR_RAX] = BOOT_MAGIC;
	boot->regs.gpr[GPR_RBX] = BOOT_INFO;
	return 0;
}
