// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/virtio/virtio_caps.c drivers/pci/cap.c
// The list of capabilities of one function: in good order, missing, in a circle, out of bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/virtio/virtio_pci.h"

static uint32_t regs[64];
static unsigned int reads;

static uint32_t fake_read(struct pci_address a, unsigned int reg)
{
	(void)a;
	assert_true(reg < 256 && reg % 4 == 0);
	reads++;
	return regs[reg / 4];
}

static void fake_write(struct pci_address a, unsigned int reg, uint32_t value)
{
	(void)a;
	(void)value;
	fail_msg("written: %#x", reg);
}

static const struct pci_config config = { fake_read, fake_write };
static struct pci_function function;

static void put_cap(unsigned int at, unsigned int next, uint8_t type, uint8_t bar, uint32_t offset,
		    uint32_t length)
{
	regs[at / 4] = PCI_CAP_VENDOR | next << 8 | 20u << 16 | (uint32_t)type << 24;
	regs[at / 4 + 1] = bar;
	regs[at / 4 + 2] = offset;
	regs[at / 4 + 3] = length;
}

/* As QEMU's device has them: MSI-X first, then a type of each. */
static int setup(void **state)
{
	(void)state;
	memset(regs, 0, sizeof(regs));
	reads = 0;
	function = (struct pci_function){ 0 };
	function.bars[4].kind = PCI_BAR_MEM64;
	function.bars[4].base = 0xfe000000;
	function.bars[4].size = 0x4000;
	regs[PCI_COMMAND / 4] = PCI_STATUS_CAPS;
	regs[PCI_CAPABILITIES / 4] = 0x98;
	regs[0x98 / 4] = PCI_CAP_MSIX | 0x84 << 8;
	put_cap(0x84, 0x70, 5, 0, 0, 0);
	put_cap(0x70, 0x60, 2, 4, 0x3000, 0x1000);
	regs[0x80 / 4] = 4;
	put_cap(0x60, 0x50, 4, 4, 0x2000, 0x1000);
	put_cap(0x50, 0x40, 3, 4, 0x1000, 0x1000);
	put_cap(0x40, 0, 1, 4, 0, 0x1000);
	return 0;
}

static const char *find(struct virtio_places *p)
{
	return virtio_find_places(&config, &function, p);
}

static void test_found(void **state)
{
	(void)state;
	struct virtio_places p;

	assert_null(find(&p));
	assert_int_equal(p.common.bar, 4);
	assert_int_equal(p.common.offset, 0);
	assert_int_equal(p.notify.offset, 0x3000);
	assert_int_equal(p.notify.length, 0x1000);
	assert_int_equal(p.notify_multiplier, 4);
	assert_int_equal(pci_find_cap(&config, function.address, PCI_CAP_MSIX, 0), 0x98);
	assert_int_equal(pci_find_cap(&config, function.address, PCI_CAP_MSIX, 0x98), 0);
}

static void test_first_usable_counts(void **state)
{
	(void)state;
	struct virtio_places p;

	put_cap(0x50, 0x40, 1, 4, 0x1000, 0x100);
	assert_null(find(&p));
	assert_int_equal(p.common.offset, 0x1000);
	put_cap(0x50, 0x40, 1, 6, 0x1000, 0x100); /* reserved */
	assert_null(find(&p));
	assert_int_equal(p.common.offset, 0);
}

static void expect_no_common(void)
{
	struct virtio_places p;

	assert_string_equal(find(&p), "no common configuration (Virtio 1.0 or later is needed)");
	assert_true(reads < 300);
}

static void test_no_list(void **state)
{
	(void)state;
	regs[PCI_COMMAND / 4] = 0;
	expect_no_common();
}

static void test_circle(void **state)
{
	(void)state;
	put_cap(0x50, 0x70, 3, 4, 0x1000, 0x1000);
	assert_int_equal(pci_find_cap(&config, function.address, 0x55, 0), 0);
	expect_no_common();
	put_cap(0x50, 0x50, 3, 4, 0x1000, 0x1000);
	assert_int_equal(pci_find_cap(&config, function.address, 0x55, 0), 0);
	reads = 0;
	expect_no_common();
}

static void test_all_ones(void **state)
{
	(void)state;
	memset(regs, 0xff, sizeof(regs));
	expect_no_common();
}

static void test_at_the_end(void **state)
{
	(void)state;
	put_cap(0x50, 0xfc, 3, 4, 0x1000, 0x1000);
	regs[0xfc / 4] = PCI_CAP_VENDOR | 20u << 16 | 1u << 24;
	expect_no_common();
	regs[0xfc / 4] = PCI_CAP_VENDOR | 255u << 16 | 2u << 24;
	reads = 0;
	expect_no_common();
}

static void test_into_the_header(void **state)
{
	(void)state;
	put_cap(0x50, 0x3c, 3, 4, 0x1000, 0x1000);
	expect_no_common();
}

static void test_places_outside(void **state)
{
	(void)state;
	static const struct {
		uint32_t offset, length;
	} bad[] = { { 0x4000, 56 },     { 0x3fcc, 56 },    { 0xfffffff0, 0x1000 },
		    { 0, 0x4001 },      { 0, 0xffffffff }, { 0xffffffff, 0xffffffff },
		    { 0x1002, 0x1000 }, { 0, 55 },         { 0, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		reads = 0;
		put_cap(0x40, 0, 1, 4, bad[i].offset, bad[i].length);
		expect_no_common();
	}
	put_cap(0x40, 0, 1, 3, 0, 0x1000); /* a BAR that is not there */
	reads = 0;
	expect_no_common();
}

static void test_notify(void **state)
{
	(void)state;
	struct virtio_places p;

	regs[0x80 / 4] = 3;
	assert_string_equal(find(&p), "an odd notification multiplier");
	regs[0x70 / 4] = (regs[0x70 / 4] & ~0xff0000u) | 16u << 16; /* too short for one */
	assert_string_equal(find(&p), "no place for notifications");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_found, setup),
		cmocka_unit_test_setup(test_first_usable_counts, setup),
		cmocka_unit_test_setup(test_no_list, setup),
		cmocka_unit_test_setup(test_circle, setup),
		cmocka_unit_test_setup(test_all_ones, setup),
		cmocka_unit_test_setup(test_at_the_end, setup),
		cmocka_unit_test_setup(test_into_the_header, setup),
		cmocka_unit_test_setup(test_places_outside, setup),
		cmocka_unit_test_setup(test_notify, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
