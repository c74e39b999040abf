// SPDX-License-Identifier: GPL-2.0-or-later
// Start of a guest: copies what the loader says out of low memory, sets up exceptions, masks all
// interrupt lines, asks fw_cfg, runs guest_main. Output is polled on COM1.

#include "tests/guests/rt/rt.h"
#include "tests/guests/rt/private.h"
#include "lib/fmt.h"

#define COM1       0x3f8
#define DEBUG_EXIT 0xf4
#define MULTIBOOT  0x2badb002

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr;
};

struct multiboot_range {
	uint32_t size;
	uint64_t start, length;
	uint32_t type;
} __packed;

struct machine machine;
static unsigned passed, failed;

/* ---- output ---- */

void serial_init(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 2, 0x07);
	outb(COM1 + 4, 0x03);
}

static void serial_put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		cpu_pause();
	outb(COM1, (uint8_t)c);
}

static void sink(void *context, const char *s, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			serial_put('\r');
		serial_put(s[i]);
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vprintf(sink, NULL, format, args);
	va_end(args);
}

bool check(bool ok, const char *name, const char *why, ...)
{
	va_list args;

	passed += ok;
	failed += !ok;
	print("%s %s", ok ? "PASS" : "FAIL", name);
	if (!ok) {
		print(": ");
		va_start(args, why);
		fmt_vprintf(sink, NULL, why, args);
		va_end(args);
	}
	print("\n");
	return ok;
}

void guest_exit(uint32_t code)
{
	/* The last character must be out before the machine ends. */
	while (!(inb(COM1 + 5) & 0x40))
		cpu_pause();
	outl(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- the loader's information ---- */

static void read_memory_map(const struct multiboot_info *info)
{
	uintptr_t at = info->mmap_addr, end = at + info->mmap_length;

	while (at + sizeof(struct multiboot_range) <= end &&
	       machine.nr_ranges < ARRAY_SIZE(machine.ranges)) {
		const struct multiboot_range *r = (const void *)at;

		machine.ranges[machine.nr_ranges++] =
			(struct memory_range){ r->start, r->length, r->type };
		at += r->size + sizeof(r->size);
	}
}

static void read_loader_info(uint32_t magic, const struct multiboot_info *info)
{
	if (magic != MULTIBOOT) {
		print("FAIL start: EAX is 0x%x, not multiboot's 0x%x\n", magic, MULTIBOOT);
		guest_exit(GUEST_DIED);
	}
	if (info->flags & BIT(2))
		strlcpy(machine.cmdline, (const char *)(uintptr_t)info->cmdline,
			sizeof(machine.cmdline));
	if (info->flags & BIT(6))
		read_memory_map(info);
}

/* The text of WORD=text on the command line and its length; NULL: there is none. */
static const char *find_option(const char *word, size_t *value_len)
{
	size_t len = strlen(word);
	const char *s = machine.cmdline;

	while (*s) {
		const char *end = strchr(s, ' ');
		size_t n = end ? (size_t)(end - s) : strlen(s);

		if (n > len && !strncmp(s, word, len) && s[len] == '=') {
			*value_len = n - len - 1;
			return s + len + 1;
		}
		s += n + (end != NULL);
	}
	return NULL;
}

uint64_t option(const char *word, uint64_t otherwise)
{
	size_t len;
	const char *text = find_option(word, &len);
	uint64_t value;

	return text && !str_to_u64(text, len, true, &value) ? value : otherwise;
}

bool option_is(const char *word, const char *text)
{
	size_t len;
	const char *value = find_option(word, &len);

	return value && len == strlen(text) && !strncmp(value, text, len);
}

/* ---- start ---- */

void rt_start(uint32_t magic, const struct multiboot_info *info)
{
	serial_init();
	read_loader_info(magic, info);
	trap_init();
	cpu_init_boot();
	pic_init();
	fw_cfg_init();
	lapic_use_x2(true);
	lapic_init();
	guest_main();
	print("%s: %u passed, %u failed\n", guest_name, passed, failed);
	guest_exit(failed || !passed ? GUEST_FAILED : GUEST_OK);
}
