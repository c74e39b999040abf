// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/console_place.c
// Where a console in memory may be, at the borders of everything that is there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/console_place.h"

#define REACH (1ull << 40)

static const char misaligned[] = "the address is no multiple of a register's size";
static const char crosses[] = "the registers cross the end of a page";
static const char too_far[] = "the CPU does not reach that address";
static const char ram[] = "RAM is there";
static const char interrupts[] = "the interrupt controllers are there";

static struct boot_info info;

static void set_up(void)
{
	static const struct boot_mem map[] = {
		{ 0, 0x9f000, BOOT_MEM_RAM },
		{ 0x9f000, 0x1000, BOOT_MEM_RESERVED },
		{ 0x100000, 0x3ff00000, BOOT_MEM_RAM },
		{ 0x40000000, 0x10000, BOOT_MEM_ACPI },
		{ 0x40010000, 0x10000, BOOT_MEM_NVS },
		{ 0x40020000, 0x10000, BOOT_MEM_UNUSABLE },
		{ 0xb0000000, 0x10000000, BOOT_MEM_RESERVED },
	};

	memcpy(info.mem, map, sizeof(map));
	info.nr_mem = ARRAY_SIZE(map);
	/* A loader may put it where its map has nothing. */
	info.image_base = 0x50000000;
	info.image_size = 0x400000;
}

static const struct {
	phys_t at;
	uint8_t width;
	const char *why; /* NULL: a UART may be there */
} rows[] = {
	{ 0x9f000, 1, NULL }, /* reserved */
	{ 0x9eff8, 1, ram },
	{ 0xa0000, 4, NULL },
	{ 0xfffe0, 4, NULL },
	{ 0x100000, 1, ram },
	{ 0x3ffffff8, 1, ram },
	{ 0x40000000, 1, ram },
	{ 0x40010000, 1, ram },
	{ 0x4002ffe0, 4, ram },
	{ 0x40030000, 4, NULL },
	{ 0x4ffffff8, 1, NULL },
	{ 0x50000000, 1, ram },
	{ 0x503ffff8, 1, ram },
	{ 0x50400000, 1, NULL },
	{ 0xb0000000, 4, NULL },
	{ 0xfebffff8, 1, NULL },
	{ 0xfec00000, 1, interrupts },
	{ 0xfee00000, 4, interrupts },
	{ 0xfeeffff0, 2, interrupts },
	{ 0xfef00000, 2, NULL },
	{ 0xe0000001, 1, NULL },
	{ 0xe0000001, 2, misaligned },
	{ 0xe0000002, 4, misaligned },
	{ 0xe0000ff8, 1, NULL },
	{ 0xe0000ff9, 1, crosses },
	{ 0xe0000ff0, 2, NULL },
	{ 0xe0000ff2, 2, crosses },
	{ 0xe0000fe0, 4, NULL },
	{ 0xe0000fe4, 4, crosses },
	{ REACH - 0x1000, 4, NULL },
	{ REACH, 4, too_far },
	{ UINT64_MAX - 31, 4, too_far },
	{ UINT64_MAX, 1, crosses },
};

static void test_places(void **state)
{
	(void)state;
	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_arg arg = { .memory = rows[i].at,
					   .stride = rows[i].width,
					   .width = rows[i].width };
		const char *why = console_refusal(&arg, &info, REACH);

		if ((why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL && strcmp(why, rows[i].why) != 0))
			fail_msg("%#llx: %s", (unsigned long long)rows[i].at, why ? why : "good");
	}
}

/* What is not in memory is none of its matters. */
static void test_ports(void **state)
{
	const struct console_arg port = { .port = 0x3f8 }, hvc = { .port = 0 };

	(void)state;
	set_up();
	assert_null(console_refusal(&port, &info, REACH));
	assert_null(console_refusal(&hvc, &info, REACH));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_places),
					    cmocka_unit_test(test_ports) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
