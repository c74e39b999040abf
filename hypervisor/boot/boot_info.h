/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine and the loader told us, in one struct, checked and copied: nothing here points
 * into memory that the loader owns except the physical ranges. Filled on the boot CPU before
 * anything else runs; immutable afterwards.
 */
#pragma once

#include "lib/types.h"

/* Types of the BIOS memory map (ACPI specification, "Address Range Types"). */
enum boot_mem_type {
	BOOT_MEM_RAM = 1,
	BOOT_MEM_RESERVED = 2,
	BOOT_MEM_ACPI = 3, /* ACPI tables: RAM once they have been read */
	BOOT_MEM_NVS = 4,
	BOOT_MEM_UNUSABLE = 5,
	BOOT_MEM_DISABLED = 6,
	BOOT_MEM_PERSISTENT = 7,
};

struct boot_mem {
	phys_t base;
	uint64_t size; /* bytes */
	enum boot_mem_type type;
};

#define BOOT_MEM_MAX     256
#define BOOT_CMDLINE_MAX 2048 /* with its NUL */
#define BOOT_IMAGE_ALIGN 4096

struct boot_info {
	struct boot_mem mem[BOOT_MEM_MAX]; /* sorted, without overlaps, unknown types as reserved */
	unsigned int nr_mem;
	char cmdline[BOOT_CMDLINE_MAX];
	bool console_named; /* by the command line, none of them too; else firmware's is taken */
	phys_t initrd_base; /* size 0: none */
	uint64_t initrd_size;
	phys_t rsdp;       /* 0: the loader gave none; else found and checked by acpi */
	phys_t efi_systab; /* 0: not an EFI boot */
	phys_t image_base; /* the kernel itself, with .bss */
	uint64_t image_size;
	uint8_t loader_type; /* type_of_loader, for the log */
	uint16_t protocol;   /* of the header in boot_params */
};

/* All entries meet here: boot CPU, own page tables, interrupts off. Never returns. */
__noreturn void boot_main(struct boot_info *info);
