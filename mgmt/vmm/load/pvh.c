// SPDX-License-Identifier: GPL-2.0-or-later
// The PVH protocol: an ELF kernel whose note XEN_ELFNOTE_PHYS32_ENTRY gives the physical address of
// a 32-bit entry; EBX points to hvm_start_info, which lists memory, modules, command line and RSDP.

#include <errno.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/load/elf.h"

#define NOTE_PHYS32_ENTRY 18
#define START_INFO_MAGIC  0x336ec578

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "version 1 of hvm_start_info");

struct module_entry {
	uint64_t paddr, size, cmdline_paddr, reserved;
};

struct memmap_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

struct lists {
	struct memmap_entry memmap[BOOT_E820_MAX];
	struct module_entry modules[BOOT_MODULES_MAX];
};

bool pvh_probe(const struct image *kernel)
{
	struct elf_file elf;
	struct image desc;

	return !elf_file_open(&elf, kernel) &&
	       elf_file_note(&elf, "Xen", NOTE_PHYS32_ENTRY, &desc) == 1;
}

static int find_entry(struct boot *boot, const struct elf_file *elf, uint64_t *entry)
{
	struct image desc;

	if (elf_file_note(elf, "Xen", NOTE_PHYS32_ENTRY, &desc) != 1 ||
	    (desc.size != 4 && desc.size != 8))
		return boot_fail(boot, "kernel: the PVH note has no address");
	*entry = 0;
	memcpy(entry, desc.data, desc.size);
	if (*entry < boot->kernel_start || *entry >= boot->kernel_end || *entry > UINT32_MAX)
		return boot_fail(boot, "kernel: the PVH entry 0x%llx is outside of the kernel",
				 (unsigned long long)*entry);
	return 0;
}

static unsigned fill_memmap(const struct boot *boot, struct memmap_entry *out)
{
	struct boot_e820 map[BOOT_E820_MAX];
	unsigned n = boot_e820(boot->ram, map);

	for (unsigned i = 0; i < n; i++)
		out[i] = (struct memmap_entry){ map[i].addr, map[i].size, map[i].type, 0 };
	return n;
}

static int fill_modules(struct boot *boot, struct module_entry *out)
{
	for (unsigned i = 0; i < boot->nr_modules; i++) {
		const struct boot_module *m = &boot->modules[i];
		int ret;

		out[i] = (struct module_entry){ boot->module_at[i], m->image.size, 0, 0 };
		ret = m->cmdline ? boot_put_text(boot, m->cmdline, &out[i].cmdline_paddr) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static int put_start_info(struct boot *boot)
{
	struct start_info info = { .magic = START_INFO_MAGIC,
				   .version = 1,
				   .nr_modules = boot->nr_modules,
				   .rsdp_paddr = boot->rsdp };
	struct lists lists = { 0 };
	int ret = fill_modules(boot, lists.modules);

	if (!ret)
		ret = boot_put_text(boot, boot->cmdline, &info.cmdline_paddr);
	if (ret)
		return ret;
	info.memmap_entries = fill_memmap(boot, lists.memmap);
	info.memmap_paddr = BOOT_LISTS + offsetof(struct lists, memmap);
	if (boot->nr_modules)
		info.modlist_paddr = BOOT_LISTS + offsetof(struct lists, modules);
	memcpy(ram_ptr(boot->ram, BOOT_LISTS, sizeof(lists)), &lists, sizeof(lists));
	memcpy(ram_ptr(boot->ram, BOOT_INFO, sizeof(info)), &info, sizeof(info));
	return 0;
}

int pvh_load(struct boot *boot)
{
	struct elf_file elf;
	uint64_t entry;
	int ret = elf_file_open(&elf, &boot->kernel);

	if (ret)
		return boot_fail(boot, "kernel: bad ELF header");
	ret = elf_file_load(boot, &elf);
	if (!ret)
		ret = find_entry(boot, &elf, &entry);
	if (!ret)
		ret = boot_place_modules(boot, UINT64_MAX);
	if (!ret)
		ret = put_start_info(boot);
	if (ret)
		return ret;
	boot_flat32(boot, (uint32_t)entry);
	boot->regs.gpr[GPR_RBX] = BOOT_INFO;
	return 0;
}
