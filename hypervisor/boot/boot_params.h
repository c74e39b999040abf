/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boot_params, the "zero page" of the Linux/x86 boot protocol, and its checked translation into
 * struct boot_info. Host-testable: physical memory is reached through a callback alone.
 */
#pragma once

#include "boot/boot_info.h"

#define BOOT_PARAMS_SIZE 4096
#define BOOT_E820_MAX    128
#define BOOT_HDR_MAGIC   0x53726448 /* "HdrS" */

/* "INT 15h, E820h" entry as it stands in boot_params. */
struct boot_e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __packed;
static_assert_size(struct boot_e820_entry, 20);

/* "The Real-Mode Kernel Header", from offset 0x1f1. */
struct boot_setup_header {
	uint8_t setup_sects;
	uint16_t root_flags;
	uint32_t syssize;
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint16_t jump;
	uint32_t header;
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;
	uint32_t initrd_addr_max;
	uint32_t kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	uint16_t xloadflags;
	uint32_t cmdline_size;
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;
	uint64_t pref_address;
	uint32_t init_size;
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
} __packed;

struct boot_efi_info {
	uint32_t loader_signature; /* "EL32", "EL64" */
	uint32_t systab;
	uint32_t memdesc_size;
	uint32_t memdesc_version;
	uint32_t memmap;
	uint32_t memmap_size;
	uint32_t systab_hi;
	uint32_t memmap_hi;
} __packed;

/* "The Linux/x86 Zero Page". */
struct boot_params {
	uint8_t screen_info[0x40];
	uint8_t apm_bios_info[0x14];
	uint8_t pad2[4];
	uint64_t tboot_addr;
	uint8_t ist_info[0x10];
	uint64_t acpi_rsdp_addr;
	uint8_t pad3[8];
	uint8_t hd_info[0x20];
	uint8_t sys_desc_table[0x10];
	uint8_t olpc_ofw_header[0x10];
	uint32_t ext_ramdisk_image;
	uint32_t ext_ramdisk_size;
	uint32_t ext_cmd_line_ptr;
	uint8_t pad4[0x70];
	uint32_t cc_blob_address;
	uint8_t edid_info[0x80];
	struct boot_efi_info efi;
	uint32_t alt_mem_k;
	uint32_t scratch;
	uint8_t e820_entries;
	uint8_t pad5[6];
	uint8_t sentinel; /* 0xff in the image's file: the loader copied what it should have zeroed
			   */
	uint8_t pad6;
	struct boot_setup_header hdr;
	uint8_t pad7[0x290 - 0x1f1 - sizeof(struct boot_setup_header)];
	uint32_t edd_mbr_sig_buffer[16];
	struct boot_e820_entry e820_table[BOOT_E820_MAX];
	uint8_t pad8[0x330];
} __packed;
static_assert_size(struct boot_params, BOOT_PARAMS_SIZE);
static_assert_offset(struct boot_params, acpi_rsdp_addr, 0x70);
static_assert_offset(struct boot_params, ext_ramdisk_image, 0xc0);
static_assert_offset(struct boot_params, efi, 0x1c0);
static_assert_offset(struct boot_params, e820_entries, 0x1e8);
static_assert_offset(struct boot_params, hdr, 0x1f1);
static_assert_offset(struct boot_params, hdr.header, 0x202);
static_assert_offset(struct boot_params, hdr.init_size, 0x260);
static_assert_offset(struct boot_params, e820_table, 0x2d0);

/* A node of the setup_data list; `len` bytes follow. */
struct boot_setup_data {
	uint64_t next;
	uint32_t type;
	uint32_t len;
} __packed;
#define BOOT_SETUP_E820_EXT 1

/* `len` bytes of physical memory for reading, valid while boot runs; NULL: not readable. */
typedef const void *(*boot_map_fn)(phys_t pa, uint64_t len);

/*
 * Translates *bp into *info. The caller has set image_base and image_size and zeroed the rest.
 * NULL: done; else a static string that says what is wrong (info->cmdline is valid in any case).
 */
const char *boot_params_parse(const struct boot_params *bp, boot_map_fn map,
			      struct boot_info *info);
