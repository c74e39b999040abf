// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/boot_params.c boot/mem_map.c
// A good boot_params is read in full; then each field is spoilt in turn and must be refused with
// its own line. The memory map is checked against a model: a byte-by-byte painting of small maps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "boot/boot_params.h"
#include "boot/mem_map.h"
#include "tests/host/phys.h"

#define CMDLINE_PA 0x9f800ull
#define SETUP_PA   0x8000ull
#define IMAGE_PA   0x1000000ull

static struct boot_params bp;
static struct boot_info info;
static char cmdline[4096];
static uint8_t setup_data[8192];

static void put_e820(unsigned int i, uint64_t addr, uint64_t size, uint32_t type)
{
	bp.e820_table[i] = (struct boot_e820_entry){ addr, size, type };
	bp.e820_entries = (uint8_t)(i + 1);
}

static int setup(void **state)
{
	(void)state;
	memset(&bp, 0, sizeof(bp));
	memset(cmdline, 0, sizeof(cmdline));
	memset(setup_data, 0, sizeof(setup_data));
	strcpy(cmdline, "console=ttyS0 selftest");
	bp.hdr.header = BOOT_HDR_MAGIC;
	bp.hdr.version = 0x020f;
	bp.hdr.type_of_loader = 0x72;
	bp.hdr.cmd_line_ptr = CMDLINE_PA;
	bp.hdr.ramdisk_image = 0x3f000000;
	bp.hdr.ramdisk_size = 0x123456;
	bp.acpi_rsdp_addr = 0xe0010;
	put_e820(0, 0, 0x9fc00, 1);
	put_e820(1, 0xf0000, 0x10000, 2);
	put_e820(2, 0x100000, 0x3ff00000, 1);
	put_e820(3, 0x3fff0000, 0x10000, 3);
	phys_reset();
	phys_add(CMDLINE_PA, cmdline, sizeof(cmdline));
	phys_add(SETUP_PA, setup_data, sizeof(setup_data));
	return 0;
}

static const char *parse(void)
{
	memset(&info, 0, sizeof(info));
	info.image_base = IMAGE_PA;
	info.image_size = 0x100000;
	return boot_params_parse(&bp, phys_map, &info);
}

static void test_good(void **state)
{
	(void)state;
	assert_null(parse());
	assert_string_equal(info.cmdline, "console=ttyS0 selftest");
	assert_int_equal(info.initrd_base, 0x3f000000);
	assert_int_equal(info.initrd_size, 0x123456);
	assert_int_equal(info.rsdp, 0xe0010);
	assert_int_equal(info.efi_systab, 0);
	assert_int_equal(info.loader_type, 0x72);
	assert_int_equal(info.protocol, 0x20f);
	assert_int_equal(info.nr_mem, 4);
	assert_int_equal(info.mem[2].base, 0x100000);
	assert_int_equal(info.mem[2].size, 0x3fef0000); /* ACPI wins the overlap */
	assert_int_equal(info.mem[3].type, BOOT_MEM_ACPI);
}

static void test_header(void **state)
{
	(void)state;
	bp.hdr.header++;
	assert_string_equal(parse(), "boot_params has no setup header");
	setup(NULL);
	bp.hdr.version = 0x0205;
	assert_string_equal(parse(), "the loader's boot protocol is older than 2.06");
}

static void test_cmdline(void **state)
{
	(void)state;
	bp.hdr.cmd_line_ptr = 0;
	assert_null(parse());
	assert_string_equal(info.cmdline, "");
	bp.hdr.cmd_line_ptr = 0x55550000;
	assert_string_equal(parse(), "the command line is out of reach");
	bp.hdr.cmd_line_ptr = CMDLINE_PA;
	bp.ext_cmd_line_ptr = 1;
	assert_string_equal(parse(), "the command line is out of reach");
	bp.sentinel = 0xff; /* the loader did not clean up: ext_ fields are garbage */
	assert_null(parse());
	memset(cmdline, 'x', 2047);
	assert_null(parse());
	assert_int_equal(strlen(info.cmdline), 2047);
	memset(cmdline, 'x', 2048);
	assert_string_equal(parse(), "the command line is longer than 2047 bytes");
	assert_int_equal(strlen(info.cmdline), 2047);
	strcpy(cmdline, "a\nb\x1b[2Jc");
	assert_null(parse());
	assert_string_equal(info.cmdline, "a b [2Jc");
}

static void test_cmdline_at_the_end_of_memory(void **state)
{
	(void)state;
	/* The line ends with its page; what follows is not there. */
	phys_reset();
	phys_add(0x5000, cmdline, 4096);
	strcpy(cmdline + 4090, "quiet");
	bp.hdr.cmd_line_ptr = 0x5000 + 4090;
	assert_null(parse());
	assert_string_equal(info.cmdline, "quiet");
	cmdline[4095] = '!';
	assert_string_equal(parse(), "the command line is out of reach");
	assert_string_equal(info.cmdline, "");
}

static void test_memory_map(void **state)
{
	(void)state;
	bp.e820_entries = 0;
	assert_string_equal(parse(), "the loader gave no memory map (E820)");
	bp.e820_entries = 129;
	assert_string_equal(parse(), "the memory map has more entries than its table");
	setup(NULL);
	put_e820(4, UINT64_MAX - 10, 100, 2);
	assert_string_equal(parse(), "the memory map has an entry that wraps around");
	put_e820(4, 0x5000, 0, 2);                   /* empty ones are skipped */
	put_e820(5, 0xfd000000, 0x1000, 0xefffffff); /* unknown: reserved */
	assert_null(parse());
	assert_int_equal(info.nr_mem, 5);
	assert_int_equal(info.mem[4].type, BOOT_MEM_RESERVED);
	put_e820(5, IMAGE_PA + 0x10000, 0x1000, 2);
	assert_string_equal(parse(), "the kernel was loaded where the memory map has no RAM");
	bp.e820_entries = 1;
	bp.e820_table[0].size = 0;
	assert_string_equal(parse(), "the memory map is empty or has too many entries");
}

static void put_setup_data(size_t at, uint64_t next, uint32_t type, uint32_t len)
{
	struct boot_setup_data node = { next, type, len };
	memcpy(setup_data + at, &node, sizeof(node));
}

static void test_setup_data(void **state)
{
	(void)state;
	struct boot_e820_entry more[2] = { { 0x100000000, 0x40000000, 1 },
					   { 0x140000000, 0x1000, 4 } };
	bp.hdr.setup_data = SETUP_PA;
	put_setup_data(0, SETUP_PA + 0x100, 9,
		       0xffffffff); /* not ours: its length is its own matter */
	put_setup_data(0x100, 0, BOOT_SETUP_E820_EXT, sizeof(more));
	memcpy(setup_data + 0x110, more, sizeof(more));
	assert_null(parse());
	assert_int_equal(info.nr_mem, 6);
	assert_int_equal(info.mem[4].base, 0x100000000);
	assert_int_equal(info.mem[5].type, BOOT_MEM_NVS);
	put_setup_data(0x100, 0, BOOT_SETUP_E820_EXT, 8192);
	assert_string_equal(parse(), "setup_data is out of reach");
	put_setup_data(0x100, SETUP_PA, 9, 0);
	assert_string_equal(parse(), "the setup_data list does not end");
	bp.hdr.setup_data = 0x66660000;
	assert_string_equal(parse(), "setup_data is out of reach");
	bp.hdr.version = 0x0208; /* the field did not exist */
	assert_null(parse());
}

static void test_too_many_entries(void **state)
{
	(void)state;
	/* 4 + 400 entries by the extension: more than BOOT_MEM_MAX. */
	bp.hdr.setup_data = SETUP_PA;
	put_setup_data(0, 0, BOOT_SETUP_E820_EXT, 400 * 20);
	for (unsigned int i = 0; i < 400; i++) {
		struct boot_e820_entry e = { 0x100000000 + i * 0x2000ull, 0x1000, 1 };
		memcpy(setup_data + 16 + i * 20, &e, sizeof(e));
	}
	assert_string_equal(parse(), "the memory map has too many entries");
}

static void test_initrd(void **state)
{
	(void)state;
	bp.hdr.ramdisk_size = 0;
	assert_null(parse());
	assert_int_equal(info.initrd_size, 0);
	bp.hdr.ramdisk_size = 0x1000000; /* runs into the ACPI area */
	assert_string_equal(parse(), "the initrd does not lie in RAM");
	bp.hdr.ramdisk_size = 0xffffffff;
	bp.ext_ramdisk_size = 0xffffffff;
	assert_string_equal(parse(), "the initrd does not lie in RAM");
	bp.ext_ramdisk_size = 0;
	bp.hdr.ramdisk_size = 0x2000;
	bp.hdr.ramdisk_image = IMAGE_PA - 0x1001;
	assert_string_equal(parse(), "the initrd overlaps the kernel");
	bp.hdr.ramdisk_image = IMAGE_PA - 0x2000;
	assert_null(parse());
	bp.hdr.ramdisk_image = IMAGE_PA + 0xfffff;
	assert_string_equal(parse(), "the initrd overlaps the kernel");
	put_e820(4, 0x100000000, 0x40000000, 1);
	bp.hdr.ramdisk_image = 0x1000;
	bp.ext_ramdisk_image = 1;
	assert_null(parse());
	assert_int_equal(info.initrd_base, 0x100001000);
}

static void test_efi(void **state)
{
	(void)state;
	bp.efi.loader_signature = 0x34364c45;
	bp.efi.systab = 0x3e000018;
	bp.efi.systab_hi = 2;
	assert_null(parse());
	assert_int_equal(info.efi_systab, 0x23e000018);
	bp.efi.loader_signature = 0x32334c45; /* EL32 */
	assert_null(parse());
	assert_int_equal(info.efi_systab, 0);
}

#define SPAN 64u

static void paint(const struct boot_mem *mem, unsigned int nr, uint8_t *out)
{
	memset(out, 0, SPAN);
	for (unsigned int i = 0; i < nr; i++)
		for (uint64_t at = mem[i].base; at < mem[i].base + mem[i].size; at++)
			out[at] = MAX(out[at], (uint8_t)mem[i].type);
}

static void test_sanitize_against_model(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 20000; round++) {
		struct boot_mem mem[BOOT_MEM_MAX];
		uint8_t before[SPAN], after[SPAN];
		unsigned int nr = 1 + (unsigned int)rand() % 12;
		for (unsigned int i = 0; i < nr; i++) {
			uint64_t base = (uint64_t)rand() % (SPAN - 1);
			mem[i] = (struct boot_mem){ base, 1 + (uint64_t)rand() % (SPAN - base),
						    (enum boot_mem_type)(1 + rand() % 5) };
		}
		paint(mem, nr, before);
		nr = mem_map_sanitize(mem, nr);
		paint(mem, nr, after);
		assert_memory_equal(before, after, SPAN);
		for (unsigned int i = 0; i + 1 < nr; i++) {
			uint64_t end = mem[i].base + mem[i].size;
			assert_true(end <= mem[i + 1].base);
			assert_true(end < mem[i + 1].base || mem[i].type != mem[i + 1].type);
		}
	}
}

static void test_find(void **state)
{
	(void)state;
	static const struct boot_mem mem[] = { { 0, 0x9f000, BOOT_MEM_RAM },
					       { 0x9f000, 0x1000, BOOT_MEM_RESERVED },
					       { 0x100000, 0x100000, BOOT_MEM_RAM },
					       { UINT64_MAX - 0x1000, 0x1000, BOOT_MEM_RAM } };
	static const struct boot_mem avoid[] = { { 0x1000, 0x1000, 0 }, { 0x3800, 0x100, 0 } };
	assert_int_equal(mem_map_find(mem, 4, avoid, 2, 0x1000, 0x9f000, 0x1000, 0x1000), 0x2000);
	assert_int_equal(mem_map_find(mem, 4, avoid, 2, 0x1000, 0x9f000, 0x2000, 0x1000), 0x4000);
	assert_int_equal(mem_map_find(mem, 4, avoid, 2, 0x1000, 0x9f000, 0x9b000, 0x1000), 0x4000);
	assert_int_equal(mem_map_find(mem, 4, avoid, 2, 0x1000, 0x9f000, 0x9c000, 0x1000), 0);
	assert_int_equal(mem_map_find(mem, 4, avoid, 2, 0x1000, 0x180000, 0x80000, 0x1000), 0x4000);
	assert_int_equal(mem_map_find(mem, 4, NULL, 0, 0x1000, UINT64_MAX, 0x100000, 0x1000),
			 0x100000);
	assert_int_equal(mem_map_find(mem, 4, NULL, 0, 0x200000, UINT64_MAX, 0x1000, 0x1000), 0);
}

static void test_ram_above(void **state)
{
	(void)state;
	static const struct boot_mem mem[] = { { 0, 0x9f000, BOOT_MEM_RAM },
					       { 0x100000, 0x100000, BOOT_MEM_RAM },
					       { 0x300000, 0x100000, BOOT_MEM_RESERVED },
					       { 0x400000, 0x3000, BOOT_MEM_RAM } };
	assert_int_equal(mem_map_ram_above(mem, 4, 0x403000), 0);
	assert_int_equal(mem_map_ram_above(mem, 4, 0x401000), 0x2000);
	assert_int_equal(mem_map_ram_above(mem, 4, 0x300000), 0x3000);
	assert_int_equal(mem_map_ram_above(mem, 4, 0x180000), 0x83000);
	assert_int_equal(mem_map_ram_above(mem, 4, 0), 0x9f000 + 0x100000 + 0x3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, setup),
		cmocka_unit_test_setup(test_header, setup),
		cmocka_unit_test_setup(test_cmdline, setup),
		cmocka_unit_test_setup(test_cmdline_at_the_end_of_memory, setup),
		cmocka_unit_test_setup(test_memory_map, setup),
		cmocka_unit_test_setup(test_setup_data, setup),
		cmocka_unit_test_setup(test_too_many_entries, setup),
		cmocka_unit_test_setup(test_initrd, setup),
		cmocka_unit_test_setup(test_efi, setup),
		cmocka_unit_test(test_sanitize_against_model),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_ram_above),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
