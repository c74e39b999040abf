/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a guest: files are put into guest memory as the boot protocol of the kernel asks, and the
 * boot processor's first registers come out.
 *
 * Contract: files are untrusted: every length and address in them is checked against the file and
 * against guest memory. A function returns 0, or a negative errno with one sentence in boot->error.
 * No state, no locks; the guest does not run yet.
 *
 * Memory below 1 MiB that loaders use (kernels load at 1 MiB or above):
 *   0x00500  GDT              0x07000  the protocol's structure
 *   0x08000  memory map, module list   0x20000  command lines
 *   0xe0000  ACPI tables (acpi/tables.h)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/strata.h"
#include "mgmt/lib/vm_config.h"
#include "vmm/ram.h"

#define BOOT_GDT      0x500ull
#define BOOT_INFO     0x7000ull
#define BOOT_LISTS    0x8000ull
#define BOOT_TEXT     0x20000ull
#define BOOT_TEXT_END 0x40000ull
#define BOOT_HIGH     0x100000ull
#define BOOT_EBDA     0x9fc00ull

#define BOOT_ERROR_MAX 96

struct image {
	const uint8_t *data;
	size_t size;
};

struct boot_module {
	struct image image;
	const char *cmdline; /* NULL: none */
};

#define BOOT_MODULES_MAX (VM_CONFIG_MODULES_MAX + 1)

struct boot {
	/* in */
	const struct guest_ram *ram;
	const char *name; /* the kernel's path */
	const char *cmdline;
	struct image kernel;
	struct boot_module modules[BOOT_MODULES_MAX]; /* the initrd is the first */
	unsigned nr_modules;
	uint64_t rsdp; /* guest-physical, 0: no ACPI */
	/* out */
	struct vcpu_regs regs;
	struct vcpu_sregs sregs;
	char error[BOOT_ERROR_MAX];
	/* while loading */
	uint64_t kernel_start, kernel_end; /* guest-physical */
	uint64_t top;                      /* modules are placed below this */
	uint64_t text;                     /* next free byte for command lines */
	uint64_t module_at[BOOT_MODULES_MAX];
};

/* Find out the kernel's format and load everything. */
int boot_load(struct boot *boot);

/* The formats. *_probe: whether the image says that it is one. */
bool pvh_probe(const struct image *kernel);
int pvh_load(struct boot *boot);
bool multiboot_probe(const struct image *kernel);
int multiboot_load(struct boot *boot);
bool bzimage_probe(const struct image *kernel);
int bzimage_load(struct boot *boot);

/* ---- for the formats ---- */

/* Writes boot->error; returns -EINVAL. */
int boot_fail(struct boot *boot, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copy `len` bytes to guest memory at or above 1 MiB, then zeros up to `memsz`; notes the extent.
 */
int boot_put_kernel(struct boot *boot, uint64_t gpa, const void *from, uint64_t len,
		    uint64_t memsz);

/* Place all modules at the top of low memory, below `limit`, above the kernel: module_at[]. */
int boot_place_modules(struct boot *boot, uint64_t limit);

/* Place a string; *gpa is where. */
int boot_put_text(struct boot *boot, const char *text, uint64_t *gpa);

/* Flat 32-bit protected mode without paging, starting at `entry`, with a GDT in memory. */
void boot_flat32(struct boot *boot, uint32_t entry);

#define E820_RAM      1
#define E820_RESERVED 2
struct boot_e820 {
	uint64_t addr, size;
	uint32_t type;
};
#define BOOT_E820_MAX 6
unsigned boot_e820(const struct guest_ram *ram, struct boot_e820 out[BOOT_E820_MAX]);
