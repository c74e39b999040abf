// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/efi/exit.c boot/efi/files.c boot/efi/initrd.c boot/efi/memory.c boot/efi/memory_map.c
// TEST-WITH: boot/efi/options.c boot/efi/sections.c boot/efi/console.c boot/console_arg.c
// The test plays the firmware: memory map with a key that goes stale, files, LoadFile2, and a
// console that remembers the last failure.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "boot/console_arg.h"
#include "boot/efi/stub.h"

struct stub stub;
static char said[512];

void stub_say(const char *text)
{
	(void)text;
}

void stub_sayf(const char *format, ...)
{
	(void)format;
}

efi_status stub_fail(efi_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return status;
}

/* Firmware: pages. They are counted, so that a leak shows; what the kernel would get stays. */
static void *allocated[64];
static unsigned int live_allocations;
static bool no_memory;

static efi_status EFIAPI fake_allocate(uint32_t how, uint32_t type, uint64_t nr, uint64_t *at)
{
	void *p;

	assert_int_equal(type, EFI_LOADER_DATA);
	(void)how;
	if (no_memory || posix_memalign(&p, 4096, nr * 4096) != 0)
		return EFI_OUT_OF_RESOURCES;
	for (unsigned int i = 0; i < ARRAY_SIZE(allocated); i++) {
		if (allocated[i] == NULL) {
			allocated[i] = p;
			live_allocations++;
			*at = (uint64_t)p;
			return EFI_SUCCESS;
		}
	}
	free(p);
	return EFI_OUT_OF_RESOURCES;
}

static efi_status EFIAPI fake_free(uint64_t at, uint64_t nr)
{
	(void)nr;
	for (unsigned int i = 0; i < ARRAY_SIZE(allocated); i++) {
		if ((uint64_t)allocated[i] == at) {
			free(allocated[i]);
			allocated[i] = NULL;
			live_allocations--;
			return EFI_SUCCESS;
		}
	}
	return EFI_NOT_FOUND;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(allocated); i++) {
		free(allocated[i]);
		allocated[i] = NULL;
	}
	return 0;
}

/* Firmware: the memory map, whose entries are larger than the structure (48 bytes, as usual). */
#define ENTRY_SIZE 48
static struct {
	uint8_t bytes[400][ENTRY_SIZE];
	unsigned int nr;
	uint64_t key;
	unsigned int stale; /* so often an exit finds the map changed */
	unsigned int exits, allocations_at_first_exit;
	efi_status exit_status;
} map;

static void put_map(unsigned int i, uint32_t type, uint64_t start, uint64_t pages)
{
	struct efi_mem m = { .type = type, .physical_start = start, .number_of_pages = pages };

	memcpy(map.bytes[i], &m, sizeof(m));
	map.nr = MAX(map.nr, i + 1);
}

static efi_status EFIAPI fake_get_map(uint64_t *size, void *out, uint64_t *key, uint64_t *entry,
				      uint32_t *version)
{
	uint64_t need = (uint64_t)map.nr * ENTRY_SIZE;
	bool fits = *size >= need;

	*size = need;
	*entry = ENTRY_SIZE;
	*version = 1;
	if (!fits)
		return EFI_BUFFER_TOO_SMALL;
	memcpy(out, map.bytes, need);
	*key = map.key;
	return EFI_SUCCESS;
}

static efi_status EFIAPI fake_exit(efi_handle image, uint64_t key)
{
	assert_ptr_equal(image, stub.image);
	if (map.exits++ == 0)
		map.allocations_at_first_exit = live_allocations;
	assert_int_equal(live_allocations, map.allocations_at_first_exit);
	if (map.exit_status != EFI_SUCCESS)
		return map.exit_status;
	if (map.stale > 0) {
		/* A handler of the event allocated: one more entry, another key. */
		map.stale--;
		map.key++;
		put_map(map.nr, EFI_BOOT_SERVICES_DATA, 0x40000000ull + map.key * 0x100000, 1);
	}
	return key == map.key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

/* Firmware: files a.cpio (6 bytes) and \dir\b.cpio (5), and LoadFile2. */
static struct efi_file root_file, a_file, b_file;
static uint64_t position;
static const char load_file2_data[] = "loaded";
static bool has_load_file2, read_fails;

static efi_status EFIAPI fake_close(struct efi_file *f)
{
	(void)f;
	return EFI_SUCCESS;
}

static bool is_name(const efi_char *name, const char *want)
{
	size_t i;

	for (i = 0; want[i] != '\0'; i++) {
		if (name[i] != (efi_char)want[i])
			return false;
	}
	return name[i] == 0;
}

static efi_status EFIAPI fake_open(struct efi_file *dir, struct efi_file **out,
				   const efi_char *name, uint64_t mode, uint64_t attributes)
{
	assert_ptr_equal(dir, &root_file);
	assert_int_equal(mode, EFI_FILE_MODE_READ);
	(void)attributes;
	position = 0;
	if (is_name(name, "a.cpio"))
		*out = &a_file;
	else if (is_name(name, "\\dir\\b.cpio"))
		*out = &b_file;
	else
		return EFI_NOT_FOUND;
	return EFI_SUCCESS;
}

static const char *content(const struct efi_file *f)
{
	return f == &a_file ? "AAAAAA" : "BBBBB";
}

static efi_status EFIAPI fake_read(struct efi_file *f, uint64_t *size, void *data)
{
	uint64_t left = strlen(content(f)) - position;

	if (read_fails)
		return EFI_LOAD_ERROR;
	left = MIN(left, (uint64_t)2); /* firmware may read less than it is asked for */
	*size = MIN(*size, left);
	memcpy(data, content(f) + position, *size);
	position += *size;
	return EFI_SUCCESS;
}

static efi_status EFIAPI fake_get_info(struct efi_file *f, const struct efi_guid *type,
				       uint64_t *size, void *out)
{
	struct efi_file_info info = { .file_size = strlen(content(f)) };

	(void)type;
	assert_true(*size >= sizeof(info));
	memcpy(out, &info, sizeof(info));
	return EFI_SUCCESS;
}

static efi_status EFIAPI fake_open_volume(struct efi_file_system *fs, struct efi_file **out)
{
	(void)fs;
	*out = &root_file;
	return EFI_SUCCESS;
}

static efi_status EFIAPI fake_load_file(struct efi_load_file2 *lf, const void *path,
					bool boot_policy, uint64_t *size, void *buffer)
{
	(void)lf;
	assert_int_equal(*(const uint8_t *)path, EFI_PATH_END);
	assert_false(boot_policy);
	if (*size < 6) {
		*size = 6;
		return EFI_BUFFER_TOO_SMALL;
	}
	*size = 6;
	memcpy(buffer, load_file2_data, 6);
	return EFI_SUCCESS;
}

static struct efi_file_system file_system = { .open_volume = fake_open_volume };
static struct efi_load_file2 load_file2 = { .load_file = fake_load_file };

static efi_status EFIAPI fake_locate(const struct efi_guid *protocol, const void **path,
				     efi_handle *handle)
{
	const uint8_t *p = *path;

	(void)protocol;
	assert_int_equal(p[0], EFI_PATH_MEDIA);
	assert_int_equal(p[2], 20);
	*handle = &load_file2;
	return has_load_file2 ? EFI_SUCCESS : EFI_NOT_FOUND;
}

static efi_status EFIAPI fake_handle(efi_handle handle, const struct efi_guid *protocol, void **out)
{
	(void)protocol;
	*out = handle == &load_file2 ? (void *)&load_file2 : (void *)&file_system;
	return EFI_SUCCESS;
}

static struct efi_boot_services bs = {
	.allocate_pages = fake_allocate,
	.free_pages = fake_free,
	.get_memory_map = fake_get_map,
	.handle_protocol = fake_handle,
	.locate_device_path = fake_locate,
	.exit_boot_services = fake_exit,
};
static struct efi_system_table st = { .boot = &bs };
static struct efi_loaded_image loaded;

static int setup(void **state)
{
	(void)state;
	memset(&map, 0, sizeof(map));
	memset(said, 0, sizeof(said));
	loaded = (struct efi_loaded_image){ .device = &file_system };
	stub = (struct stub){ .st = &st, .bs = &bs, .image = &stub, .loaded = &loaded };
	a_file = (struct efi_file){ .close = fake_close,
				    .read = fake_read,
				    .get_info = fake_get_info };
	b_file = a_file;
	root_file = (struct efi_file){ .open = fake_open, .close = fake_close };
	live_allocations = 0;
	no_memory = has_load_file2 = read_fails = false;
	return 0;
}

static const char *options(const char *text, bool terminated)
{
	static char line[STUB_CMDLINE_MAX];
	efi_char wide[300];
	uint32_t n = 0;

	for (; text[n] != '\0'; n++)
		wide[n] = (efi_char)(unsigned char)text[n];
	wide[n] = 0;
	stub_options(wide, (n + terminated) * 2, line, sizeof(line));
	return line;
}

static void test_options(void **state)
{
	static const efi_char odd[] = { 'a', 0x20ac, '\t', 'b' };
	char line[8];

	(void)state;
	assert_string_equal(options("console=ttyS0 x", true), "console=ttyS0 x");
	assert_string_equal(options("console=ttyS0 x", false), "console=ttyS0 x");
	assert_string_equal(options("fs0:\\Strata.EFI  console=ttyS0", true), "console=ttyS0");
	assert_string_equal(options("strata.efi", true), "");
	assert_string_equal(options("strata console=ttyS0", true), "console=ttyS0");
	assert_string_equal(options("strata-1.2 strata", true), "strata");
	assert_string_equal(options("strata.log=debug x", true), "strata.log=debug x");
	assert_string_equal(options("stratum .efi efi", true), "stratum .efi efi");
	assert_string_equal(options("initrd=\\x.efi y", true), "initrd=\\x.efi y");
	assert_string_equal(options("", true), "");
	assert_int_equal(stub_options(NULL, 10, line, sizeof(line)), 0);
	assert_int_equal(stub_options(odd, sizeof(odd), line, sizeof(line)), 4);
	assert_string_equal(line, "a? b");
	assert_int_equal(stub_options(u"0123456789", 20, line, sizeof(line)), 7);
	assert_string_equal(line, "0123456");
}

static void test_map_types(void **state)
{
	struct boot_e820_entry out[8];

	(void)state;
	put_map(0, EFI_BOOT_SERVICES_CODE, 0x1000, 1);
	put_map(1, EFI_CONVENTIONAL, 0x2000, 2); /* joins the first */
	put_map(2, EFI_ACPI_RECLAIM, 0x4000, 1);
	put_map(3, EFI_ACPI_NVS, 0x5000, 1);
	put_map(4, 0x80000000, 0x6000, 1); /* an OEM's */
	put_map(5, EFI_CONVENTIONAL, 0x9000, 0);
	put_map(6, EFI_CONVENTIONAL, 0xa000, UINT64_MAX / 2);
	put_map(7, EFI_LOADER_DATA, 0x100000000, 16);
	assert_int_equal(stub_e820(map.bytes, 8 * ENTRY_SIZE, ENTRY_SIZE, out, 8), 5);
	assert_int_equal(out[0].addr, 0x1000);
	assert_int_equal(out[0].size, 0x3000);
	assert_int_equal(out[0].type, BOOT_MEM_RAM);
	assert_int_equal(out[1].type, BOOT_MEM_ACPI);
	assert_int_equal(out[2].type, BOOT_MEM_NVS);
	assert_int_equal(out[3].type, BOOT_MEM_RESERVED);
	assert_int_equal(out[4].addr, 0x100000000);
	assert_int_equal(stub_e820(map.bytes, 8 * ENTRY_SIZE, ENTRY_SIZE, out, 4), 0);
	assert_int_equal(stub_e820(map.bytes, 8 * ENTRY_SIZE, 39, out, 8), 0);
}

static void test_special_purpose(void **state)
{
	struct efi_mem m = { .type = EFI_CONVENTIONAL,
			     .number_of_pages = 1,
			     .attribute = EFI_MEMORY_SP };
	struct boot_e820_entry out;

	(void)state;
	assert_int_equal(stub_e820(&m, sizeof(m), sizeof(m), &out, 1), 1);
	assert_int_equal(out.type, BOOT_MEM_RESERVED);
}

static struct stub_handoff h;

static void test_stale_key(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	put_map(0, EFI_CONVENTIONAL, 0x100000, 256);
	map.stale = 3;
	assert_int_equal(stub_exit_boot_services(&h), EFI_SUCCESS);
	assert_int_equal(map.exits, 4);
	/* What is told is the map of the key that was taken. */
	assert_int_equal(h.bp.e820_entries, 4);
	assert_int_equal(h.bp.hdr.setup_data, 0);
}

static void test_never_exits(void **state)
{
	(void)state;
	put_map(0, EFI_CONVENTIONAL, 0x100000, 256);
	map.stale = 1000;
	assert_int_equal(stub_exit_boot_services(&h), EFI_INVALID_PARAMETER);
	assert_true(map.exits < 20);
	map.exit_status = EFI_UNSUPPORTED;
	map.exits = 0;
	assert_int_equal(stub_exit_boot_services(&h), EFI_UNSUPPORTED);
	assert_int_equal(map.exits, 1);
}

static void test_long_map(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	for (unsigned int i = 0; i < 300; i++)
		put_map(i, EFI_CONVENTIONAL, 0x100000 + i * 0x2000ull, 1);
	h.bp.hdr.setup_data = 0x1234;
	assert_int_equal(stub_exit_boot_services(&h), EFI_SUCCESS);
	assert_int_equal(h.bp.e820_entries, BOOT_E820_MAX);
	assert_ptr_equal((void *)h.bp.hdr.setup_data, &h.more);
	assert_int_equal(h.more.next, 0x1234);
	assert_int_equal(h.more.len, (300 - BOOT_E820_MAX) * 20);
	assert_int_equal(h.more_e820[0].addr, 0x100000 + BOOT_E820_MAX * 0x2000ull);
}

static void test_no_memory_for_map(void **state)
{
	(void)state;
	put_map(0, EFI_CONVENTIONAL, 0x100000, 256);
	no_memory = true;
	assert_int_equal(stub_exit_boot_services(&h), EFI_OUT_OF_RESOURCES);
	assert_int_equal(map.exits, 0);
	assert_non_null(strstr(said, "memory map"));
}

static void load(const char *cmdline, const char *section, bool section_only, const char *want,
		 size_t size)
{
	struct stub_bytes part = { (const uint8_t *)section, section ? strlen(section) : 0 };
	struct stub_bytes out;

	assert_int_equal(stub_load_initrd(cmdline, part, section_only, &out), EFI_SUCCESS);
	assert_int_equal(out.size, size);
	if (size > 0)
		assert_memory_equal(out.data, want, size);
}

static void test_initrd(void **state)
{
	(void)state;
	load("x initrd=", NULL, false, NULL, 0);
	load("initrd=a.cpio quiet", NULL, false, "AAAAAA\0\0", 8);
	load("initrd=a.cpio initrd=/dir/b.cpio", NULL, false, "AAAAAA\0\0BBBBB\0\0\0", 16);
	load("initrd=\\dir\\b.cpio", "sect", false, "sectBBBBB\0\0\0", 12);
	load("initrd=a.cpio", "section", true, "section\0", 8);
	has_load_file2 = true;
	load("initrd=a.cpio", "sec", false, "sec\0loaded\0\0", 12);
	load("initrd=a.cpio", "sec", true, "sec\0", 4);
}

static void test_initrd_failures(void **state)
{
	static const struct stub_bytes none;
	struct stub_bytes out;
	char line[400] = "initrd=";

	(void)state;
	assert_int_equal(stub_load_initrd("initrd=a.cpio initrd=\\gone", none, false, &out),
			 EFI_NOT_FOUND);
	assert_string_equal(said, "initrd=\\gone: no such file beside the image (error 14)");
	memset(line + 7, 'n', 300);
	assert_int_equal(stub_load_initrd(line, none, false, &out), EFI_INVALID_PARAMETER);
	assert_non_null(strstr(said, "the name is too long"));
	read_fails = true;
	assert_int_equal(stub_load_initrd("initrd=a.cpio", none, false, &out), EFI_LOAD_ERROR);
	assert_non_null(strstr(said, "cannot be read to its end"));
	assert_int_equal(live_allocations, 0);
	no_memory = true;
	assert_int_equal(stub_load_initrd("initrd=a.cpio", none, false, &out),
			 EFI_OUT_OF_RESOURCES);
	loaded.device = NULL;
	assert_int_equal(stub_load_initrd("initrd=a.cpio", none, false, &out), EFI_NOT_FOUND);
	assert_non_null(strstr(said, "without a file system"));
	assert_int_equal(out.size, 0);
}

/* A PE image with one section "\.initrd" of 16 bytes at 0x200. */
static uint8_t image[0x300];

static void make_pe(void)
{
	const uint32_t pe_at = 0x40, optional = 112;

	memset(image, 0, sizeof(image));
	memcpy(image + 0x3c, &pe_at, 4);
	memcpy(image + pe_at, "PE\0\0", 4);
	image[pe_at + 6] = 1;
	image[pe_at + 20] = optional;
	memcpy(image + pe_at + 24 + optional, ".initrd\0\x10\0\0\0\0\x02\0\0", 16);
	memset(image + 0x200, 'i', 16);
}

static void test_sections(void **state)
{
	struct stub_bytes s;

	(void)state;
	make_pe();
	s = stub_section(image, sizeof(image), ".initrd");
	assert_int_equal(s.size, 16);
	assert_ptr_equal(s.data, image + 0x200);
	assert_int_equal(stub_section(image, sizeof(image), ".cmdline").size, 0);
	assert_int_equal(stub_section(image, 0x20f, ".initrd").size, 0);
	/* Wherever it is cut and whatever byte of the headers is spoilt: nothing outside is
	 * touched. */
	for (size_t size = 0; size < sizeof(image); size++)
		stub_section(image, size, ".initrd");
	for (size_t i = 0; i < 0x120; i++) {
		for (unsigned int v = 0; v < 256; v += 51) {
			make_pe();
			image[i] = (uint8_t)v;
			s = stub_section(image, sizeof(image), ".initrd");
			assert_true(s.size == 0 ||
				    (s.data >= image && s.size <= sizeof(image) &&
				     (size_t)(s.data - image) <= sizeof(image) - s.size));
		}
	}
}

/* PciRoot(0)/Pci(0x1f,0)/Serial(n)/Uart(baud,8,N,1)/VenVt100, as OVMF has it. */
static size_t put_path(uint8_t *out, uint32_t number, uint64_t baud)
{
	static const uint8_t pci[] = { 2, 1, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0,
				       0, 0, 0,  1, 1,    6,    0,    0,    0x1f };
	static const uint8_t vt100[] = { 3, 10, 20, 0,  1,  2,  3,  4,  5,  6,
					 7, 8,  9,  10, 11, 12, 13, 14, 15, 16 };
	struct efi_path_acpi serial = { { EFI_PATH_ACPI, EFI_PATH_ACPI_ID, sizeof(serial) },
					0x050141d0,
					number };
	struct efi_path_uart uart = {
		.head = { EFI_PATH_MESSAGING, EFI_PATH_MESSAGING_UART, sizeof(uart) }, .baud = baud
	};
	uint8_t *p = out;

	memcpy(p, pci, sizeof(pci));
	p += sizeof(pci);
	memcpy(p, &serial, sizeof(serial));
	p += sizeof(serial);
	memcpy(p, &uart, sizeof(uart));
	p += sizeof(uart);
	memcpy(p, vt100, sizeof(vt100));
	return (size_t)(p + sizeof(vt100) - out);
}

static void test_console(void **state)
{
	static const uint8_t screen[] = { 2, 1, 12, 0, 0xd0, 0x41, 0x01, 0x05, 1,    0, 0, 0,
					  2, 3, 8,  0, 1,    2,    3,    4,    0x7f, 1, 4, 0 };
	uint8_t path[256];
	struct stub_uart uart;
	char line[64] = "quiet -- x";
	size_t size;

	(void)state;
	memcpy(path, screen, sizeof(screen));
	assert_false(stub_find_uart(path, sizeof(screen), &uart));
	size = sizeof(screen) + put_path(path + sizeof(screen), 1, 38400);
	assert_true(stub_find_uart(path, size, &uart));
	assert_true(uart.isa && uart.number == 1 && uart.baud == 38400);
	stub_add_console(line, sizeof(line), &uart);
	assert_string_equal(line, "console=ttyS1,38400n8 quiet -- x");
	stub_add_console(line, strlen(line) + 22, &uart); /* one byte short */
	assert_string_equal(line, "console=ttyS1,38400n8 quiet -- x");

	/* A rate that we cannot do; a port that is no PC's; cut and broken paths. */
	size = put_path(path, 3, 0);
	assert_true(stub_find_uart(path, size, &uart) && uart.isa);
	assert_int_equal(stub_console_word(&uart, line, sizeof(line)), 14);
	assert_string_equal(line, "console=ttyS3 ");
	put_path(path, 4, 9600);
	assert_true(stub_find_uart(path, size, &uart) && !uart.isa);
	assert_int_equal(stub_console_word(&uart, line, sizeof(line)), 0);
	for (size_t cut = 0; cut < 18 + 12 + 19; cut++)
		assert_false(stub_find_uart(path, cut, &uart));
	path[2] = 3;
	assert_false(stub_find_uart(path, size, &uart));
}

/* The last console that is an I/O port; what is none is no port 0. */
static void test_console_port(void **state)
{
	struct console_arg arg;

	(void)state;
	assert_true(stub_console_port("quiet", &arg));
	assert_int_equal(arg.port, 0x3f8);
	assert_true(stub_console_port("console=ttyS0 console=ttyS1,9600 console=hvc0", &arg));
	assert_int_equal(arg.port, 0x2f8);
	assert_int_equal(arg.baud, 9600);
	assert_true(stub_console_port("console=uart,io,0xd0c0 console=none console=ttyS3", &arg));
	assert_int_equal(arg.port, 0x2e8);
	assert_false(stub_console_port("console=hvc0", &arg));
	assert_false(stub_console_port("console=uart,0xfe000000", &arg));
	assert_false(stub_console_port("console=ttyS0 console=none", &arg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_console_port),
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_special_purpose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_exits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_for_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
