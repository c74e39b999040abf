// SPDX-License-Identifier: GPL-2.0-or-later
// Every field comes from a loader and is checked before use. The command line goes first: it says
// where an error is printed. Then the memory map (with the loader's extension of it), then what
// must lie in RAM by that map: the kernel itself and the initrd.
#include "boot/boot_params.h"

#include "boot/mem_map.h"
#include "lib/string.h"

#define PROTOCOL_MIN    0x0206     /* cmdline_size; older loaders cannot say what we need */
#define SETUP_DATA_MAX  64         /* nodes; a longer list is a loop or nonsense */
#define EFI_LOADER_EL64 0x34364c45 /* "EL64" */

static const char *parse_cmdline(const struct boot_params *bp, boot_map_fn map,
				 struct boot_info *info)
{
	phys_t pa = bp->hdr.cmd_line_ptr;
	if (!bp->sentinel)
		pa |= (phys_t)bp->ext_cmd_line_ptr << 32;
	if (pa == 0)
		return NULL;
	/* Page by page: the line may end right before memory that is not there. */
	size_t len = 0;
	while (len < BOOT_CMDLINE_MAX) {
		size_t piece = (size_t)(4096 - ((pa + len) & 4095));
		piece = MIN(piece, BOOT_CMDLINE_MAX - len);
		const char *s = map(pa + len, piece);
		if (!s) {
			info->cmdline[0] = '\0';
			return "the command line is out of reach";
		}
		for (size_t i = 0; i < piece; i++, len++) {
			char c = s[i];
			info->cmdline[len] = (c > 0 && c < ' ') || c == 0x7f ? ' ' : c;
			if (c == '\0')
				return NULL;
		}
	}
	info->cmdline[BOOT_CMDLINE_MAX - 1] = '\0';
	return "the command line is longer than 2047 bytes";
}

static const char *add_e820(const struct boot_e820_entry *e, struct boot_info *info)
{
	if (e->size == 0)
		return NULL;
	if (e->size > UINT64_MAX - e->addr)
		return "the memory map has an entry that wraps around";
	if (info->nr_mem == BOOT_MEM_MAX)
		return "the memory map has too many entries";
	bool known = e->type >= BOOT_MEM_RAM && e->type <= BOOT_MEM_PERSISTENT;
	info->mem[info->nr_mem++] = (struct boot_mem){
		.base = e->addr,
		.size = e->size,
		.type = known ? (enum boot_mem_type)e->type : BOOT_MEM_RESERVED,
	};
	return NULL;
}

static const char *add_e820_table(const struct boot_e820_entry *e, size_t nr,
				  struct boot_info *info)
{
	for (size_t i = 0; i < nr; i++) {
		const char *error = add_e820(&e[i], info);
		if (error)
			return error;
	}
	return NULL;
}

/* A map of more than 128 entries goes on in the setup_data list. */
static const char *add_setup_data(phys_t pa, boot_map_fn map, struct boot_info *info)
{
	for (unsigned int i = 0; pa != 0; i++) {
		struct boot_setup_data node;
		const void *p = map(pa, sizeof(node));
		if (!p)
			return "setup_data is out of reach";
		if (i == SETUP_DATA_MAX)
			return "the setup_data list does not end";
		memcpy(&node, p, sizeof(node));
		if (node.type == BOOT_SETUP_E820_EXT && node.len > 0) {
			p = map(pa + sizeof(node), node.len);
			if (!p)
				return "setup_data is out of reach";
			const char *error =
				add_e820_table(p, node.len / sizeof(struct boot_e820_entry), info);
			if (error)
				return error;
		}
		pa = node.next;
	}
	return NULL;
}

static const char *parse_memory(const struct boot_params *bp, boot_map_fn map,
				struct boot_info *info)
{
	if (bp->e820_entries == 0)
		return "the loader gave no memory map (E820)";
	if (bp->e820_entries > BOOT_E820_MAX)
		return "the memory map has more entries than its table";
	const char *error = add_e820_table(bp->e820_table, bp->e820_entries, info);
	if (!error && bp->hdr.version >= 0x0209)
		error = add_setup_data(bp->hdr.setup_data, map, info);
	if (error)
		return error;
	info->nr_mem = mem_map_sanitize(info->mem, info->nr_mem);
	if (info->nr_mem == 0)
		return "the memory map is empty or has too many entries";
	if (!mem_map_is_ram(info->mem, info->nr_mem, info->image_base, info->image_size))
		return "the kernel was loaded where the memory map has no RAM";
	return NULL;
}

static const char *parse_initrd(const struct boot_params *bp, struct boot_info *info)
{
	phys_t base = bp->hdr.ramdisk_image;
	uint64_t size = bp->hdr.ramdisk_size;
	if (!bp->sentinel) {
		base |= (phys_t)bp->ext_ramdisk_image << 32;
		size |= (uint64_t)bp->ext_ramdisk_size << 32;
	}
	if (size == 0)
		return NULL;
	if (!mem_map_is_ram(info->mem, info->nr_mem, base, size))
		return "the initrd does not lie in RAM";
	if (mem_ranges_overlap(base, size, info->image_base, info->image_size))
		return "the initrd overlaps the kernel";
	info->initrd_base = base;
	info->initrd_size = size;
	return NULL;
}

const char *boot_params_parse(const struct boot_params *bp, boot_map_fn map, struct boot_info *info)
{
	/* GRUB 2.06 clears boot_flag: the magic alone says that the header is there. */
	if (bp->hdr.header != BOOT_HDR_MAGIC)
		return "boot_params has no setup header";
	if (bp->hdr.version < PROTOCOL_MIN)
		return "the loader's boot protocol is older than 2.06";
	const char *error = parse_cmdline(bp, map, info);
	if (!error)
		error = parse_memory(bp, map, info);
	if (!error)
		error = parse_initrd(bp, info);
	if (error)
		return error;
	info->rsdp = bp->acpi_rsdp_addr;
	if (bp->efi.loader_signature == EFI_LOADER_EL64)
		info->efi_systab = bp->efi.systab | (phys_t)bp->efi.systab_hi << 32;
	info->loader_type = bp->hdr.type_of_loader;
	info->protocol = bp->hdr.version;
	return NULL;
}
