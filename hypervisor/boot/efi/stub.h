/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EFI stub: a small position-independent program in front of the kernel, which gathers what a
 * loader of the Linux boot protocol would (memory map, command line, initrd, root pointer) into
 * boot_params, leaves boot services and enters the kernel at its 64-bit entry.
 *
 * One thread, boot services live, until stub_exit_boot_services. No global state but `stub`.
 */
#pragma once

#include "boot/boot_params.h"
#include "boot/efi/efi.h"

#define STUB_PAGE        4096ull
#define STUB_CMDLINE_MAX 4096 /* bytes; the kernel refuses what is longer than it wants */
#define STUB_E820_MAX    (BOOT_E820_MAX + 384)

struct stub {
	struct efi_system_table *st;
	struct efi_boot_services *bs;
	efi_handle image;
	const struct efi_loaded_image *loaded; /* ours, or the loader's (handover) */
	bool handover;
	bool secure_boot;
};
extern struct stub stub;

/* What goes into memory that the kernel reads after we are gone; allocated in one piece. */
struct stub_handoff {
	struct boot_params bp;
	char cmdline[STUB_CMDLINE_MAX];
	/* Behind bp.e820_table when the map is longer: one node of setup_data. */
	struct boot_setup_data more;
	struct boot_e820_entry more_e820[STUB_E820_MAX - BOOT_E820_MAX];
};

/* A run of bytes in memory; size 0: none. */
struct stub_bytes {
	const uint8_t *data;
	uint64_t size;
};

/*
 * console.c: the first UART of the paths in ConOut. False: there is none.
 */
struct stub_uart {
	bool isa; /* one of a PC's four: COM1 + number */
	unsigned int number;
	uint64_t baud; /* 0: some default */
};
bool stub_find_uart(const void *path, uint64_t size, struct stub_uart *uart);
/* The word of the command line for it, with a blank; its length, 0: there is no such word. */
size_t stub_console_word(const struct stub_uart *uart, char *out, size_t size);
/* Puts that word in front of the line, if it fits. */
void stub_add_console(char *cmdline, size_t size, const struct stub_uart *uart);

/* The UART that the stub itself writes to, by the command line; false: none. */
struct console_arg;
bool stub_console_port(const char *cmdline, struct console_arg *arg);
/* say.c: firmware's console by ConOut, when the line has no word on consoles. */
void stub_default_console(char *cmdline, size_t size);

/* say.c: lines on the firmware's console, and on the serial port that the command line names when
 * the firmware's console does not go to one. ASCII, `\n` ends a line. */
void stub_say_init(const char *cmdline);
void stub_say(const char *text);
void stub_sayf(const char *format, ...) __printf_like(1, 2);
/* From here on the serial port alone: boot services are going. */
void stub_console_gone(const char *cmdline);
/* One line, `strata: cannot start: ...`; returns `status`. */
efi_status stub_fail(efi_status status, const char *format, ...) __printf_like(2, 3);

/* memory.c: `size` bytes in whole pages of loader data, not above `limit` (0: anywhere). NULL: none
 * are left. */
void *stub_alloc(uint64_t size, uint64_t limit);
void stub_free(void *p, uint64_t size);

/*
 * options.c: the load options (UCS-2, perhaps without NUL, perhaps with the program's name first,
 * as the UEFI shell passes them) as ASCII with NUL; what is not ASCII becomes '?'. The length.
 */
size_t stub_options(const void *options, uint32_t size, char *out, size_t out_size);

/* sections.c: the section `name` of the PE image at `image` as it lies in memory; size 0: none. */
struct stub_bytes stub_section(const void *image, uint64_t image_size, const char *name);

/*
 * initrd.c: all parts of the initrd one behind the other, each at a multiple of 4: the section
 * .initrd, then what the loader offers by LoadFile2, or else the files of `initrd=` words on the
 * device that we came from. EFI_SUCCESS without any: *out is empty. Failures have been reported.
 */
efi_status stub_load_initrd(const char *cmdline, struct stub_bytes section, bool section_only,
			    struct stub_bytes *out);

/*
 * memory_map.c: translates `size` bytes of an EFI memory map, entries of `entry_size` bytes, into
 * at most `max` E820 entries; neighbours of a kind are joined. Their number, 0: they do not fit.
 */
unsigned int stub_e820(const void *map, uint64_t size, uint64_t entry_size,
		       struct boot_e820_entry *out, unsigned int max);

/* exit.c: fills the memory map of *h and leaves boot services. Nothing may be said afterwards. */
efi_status stub_exit_boot_services(struct stub_handoff *h);

/* handoff.c: the page tables for stub_jump, made while pages can still be allocated. 0: no memory.
 */
phys_t stub_make_tables(void);
/* jump.S: switches to the page tables, then to the kernel at `entry` with %rsi = bp. */
__noreturn void stub_jump(phys_t tables, phys_t entry, const struct boot_params *bp);
