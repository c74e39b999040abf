// SPDX-License-Identifier: GPL-2.0-or-later
// What the boot protocols share: probing, placing modules and strings, the memory map and the first
// registers. Modules go to the top of low memory, so that a kernel that grows has room above it.

#include "vmm/load/boot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/machine.h"

int boot_fail(struct boot *boot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(boot->error, sizeof(boot->error), format, args);
	va_end(args);
	return -EINVAL;
}

int boot_put_kernel(struct boot *boot, uint64_t gpa, const void *from, uint64_t len, uint64_t memsz)
{
	uint8_t *to = gpa < BOOT_HIGH || len > memsz ? NULL : ram_ptr(boot->ram, gpa, memsz);

	if (!to)
		return boot_fail(boot, "kernel: 0x%llx bytes at 0x%llx are not memory above 1 MiB",
				 (unsigned long long)memsz, (unsigned long long)gpa);
	if (len)
		memcpy(to, from, len);
	memset(to + len, 0, memsz - len);
	boot->kernel_start = MIN(boot->kernel_start, gpa);
	boot->kernel_end = MAX(boot->kernel_end, gpa + memsz);
	return 0;
}

int boot_place_modules(struct boot *boot, uint64_t limit)
{
	uint64_t top = MIN(limit, ram_low_end(boot->ram));

	for (unsigned i = boot->nr_modules; i-- > 0;) {
		const struct image *image = &boot->modules[i].image;

		if (image->size > top || top - image->size < MAX(boot->kernel_end, BOOT_HIGH))
			return boot_fail(boot, "memory is too small: module %u has %zu bytes", i,
					 image->size);
		top = ALIGN_DOWN(top - image->size, 4096);
		if (top < MAX(boot->kernel_end, BOOT_HIGH))
			return boot_fail(boot, "memory is too small for module %u", i);
		memcpy(ram_ptr(boot->ram, top, image->size), image->data, image->size);
		boot->module_at[i] = top;
	}
	return 0;
}

int boot_put_text(struct boot *boot, const char *text, uint64_t *gpa)
{
	size_t size = strlen(text) + 1;

	if (size > BOOT_TEXT_END - boot->text)
		return boot_fail(boot, "command lines: more than %llu bytes",
				 (unsigned long long)(BOOT_TEXT_END - BOOT_TEXT));
	memcpy(ram_ptr(boot->ram, boot->text, size), text, size);
	*gpa = boot->text;
	boot->text += ALIGN_UP(size, 16);
	return 0;
}

#define CODE_SELECTOR 0x10
#define DATA_SELECTOR 0x18
#define CODE_ATTR     0xc9b /* 32-bit code, 4 GiB, present, accessed */
#define DATA_ATTR     0xc93
#define TSS_ATTR      0x08b
#define LDT_ATTR      0x082

static void put_gdt(struct boot *boot)
{
	static const uint64_t gdt[4] = { 0, 0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull };

	memcpy(ram_ptr(boot->ram, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	boot->sregs.seg[SEG_GDTR] =
		(struct vcpu_segment){ .base = BOOT_GDT, .limit = sizeof(gdt) - 1 };
}

void boot_flat32(struct boot *boot, uint32_t entry)
{
	static const enum vcpu_seg data[] = { SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
	struct vcpu_sregs *s = &boot->sregs;

	memset(&boot->regs, 0, sizeof(boot->regs));
	memset(s, 0, sizeof(*s));
	boot->regs.rip = entry;
	boot->regs.rflags = 2;
	put_gdt(boot);
	s->seg[SEG_CS] = (struct vcpu_segment){ 0, 0xffffffff, CODE_SELECTOR, CODE_ATTR };
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		s->seg[data[i]] = (struct vcpu_segment){ 0, 0xffffffff, DATA_SELECTOR, DATA_ATTR };
	s->seg[SEG_TR] = (struct vcpu_segment){ 0, 0x67, 0, TSS_ATTR };
	s->seg[SEG_LDTR] = (struct vcpu_segment){ 0, 0xffff, 0, LDT_ATTR };
	s->cr0 = 0x11; /* PE, ET */
	s->xcr0 = 1;
}

unsigned boot_e820(const struct guest_ram *ram, struct boot_e820 out[BOOT_E820_MAX])
{
	unsigned n = 0;

	out[n++] = (struct boot_e820){ 0, BOOT_EBDA, E820_RAM };
	out[n++] = (struct boot_e820){ BOOT_EBDA, RAM_VGA_START - BOOT_EBDA, E820_RESERVED };
	out[n++] = (struct boot_e820){ 0xe0000, BOOT_HIGH - 0xe0000, E820_RESERVED };
	if (ram_low_end(ram) > BOOT_HIGH)
		out[n++] = (struct boot_e820){ BOOT_HIGH, ram_low_end(ram) - BOOT_HIGH, E820_RAM };
	out[n++] = (struct boot_e820){ ECAM_BASE, ECAM_SIZE, E820_RESERVED };
	if (ram_high_size(ram))
		out[n++] = (struct boot_e820){ RAM_HIGH_START, ram_high_size(ram), E820_RAM };
	return n;
}

static const struct {
	bool (*probe)(const struct image *);
	int (*load)(struct boot *);
} formats[] = {
	{ bzimage_probe, bzimage_load },
	{ pvh_probe, pvh_load },
	{ multiboot_probe, multiboot_load },
};

int boot_load(struct boot *boot)
{
	boot->kernel_start = UINT64_MAX;
	boot->kernel_end = 0;
	boot->text = BOOT_TEXT;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (formats[i].probe(&boot->kernel))
			return formats[i].load(boot);
	}
	return boot_fail(boot, "kernel: neither bzImage nor ELF with a PVH note nor multiboot");
}
