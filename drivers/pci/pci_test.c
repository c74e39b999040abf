// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/pci/scan.c
// A fake configuration space with BARs that answer a size probe as hardware does. Everything must
// be found with the right sizes, and every register must be left as it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "drivers/pci/pci.h"

#define NR_FAKES 6

static struct fake {
	uint8_t bus, device, function;
	uint32_t regs[64];
	uint32_t writable[64];
	unsigned int decoded_while_probed;
} fakes[NR_FAKES], before[NR_FAKES];

static struct pci_function seen[16];
static unsigned int nr_seen;

static struct fake *find(struct pci_address a)
{
	for (unsigned int i = 0; i < NR_FAKES; i++)
		if (fakes[i].bus == a.bus && fakes[i].device == a.device &&
		    fakes[i].function == a.function)
			return &fakes[i];
	return NULL;
}

static uint32_t fake_read(struct pci_address a, unsigned int reg)
{
	struct fake *f = find(a);
	return f ? f->regs[reg / 4] : 0xffffffff;
}

static void fake_write(struct pci_address a, unsigned int reg, uint32_t value)
{
	struct fake *f = find(a);
	assert_non_null(f);
	if (reg >= PCI_BAR0 && reg < PCI_BAR0 + 24 && (f->regs[PCI_COMMAND / 4] & 3))
		f->decoded_while_probed++;
	uint32_t w = f->writable[reg / 4];
	f->regs[reg / 4] = (f->regs[reg / 4] & ~w) | (value & w);
}

static void found(const struct pci_function *f, void *arg)
{
	assert_ptr_equal(arg, &nr_seen);
	assert_true(nr_seen < ARRAY_SIZE(seen));
	seen[nr_seen++] = *f;
}

static void put(unsigned int i, uint8_t bus, uint8_t device, uint8_t function, uint32_t id,
		uint32_t class, uint8_t header)
{
	fakes[i].bus = bus;
	fakes[i].device = device;
	fakes[i].function = function;
	fakes[i].regs[0] = id;
	fakes[i].regs[1] = 0x00100007; /* status, decoding on */
	fakes[i].writable[1] = 0xffff;
	fakes[i].regs[2] = class;
	fakes[i].regs[3] = (uint32_t)header << 16;
	fakes[i].regs[15] = 0x010b;
}

static void put_bar(unsigned int i, unsigned int bar, uint32_t value, uint32_t writable)
{
	fakes[i].regs[4 + bar] = value;
	fakes[i].writable[4 + bar] = writable;
}

static void setup(void)
{
	memset(fakes, 0, sizeof(fakes));
	put(0, 0, 0, 0, 0x29c08086, 0x06000000, 0);    /* host bridge without BARs */
	put(1, 0, 3, 0, 0x10008086, 0x02000003, 0x80); /* multi-function */
	put_bar(1, 0, 0xfebc0000, 0xfffe0000);         /* 128 KiB */
	put_bar(1, 1, 0xc001, 0xffe0);                 /* 32 ports, upper half wired to 0 */
	put_bar(1, 2, 0x0000000c, 0xffffc000);         /* 64 bit, prefetchable, 16 KiB */
	put_bar(1, 3, 0x00000080, 0xffffffff);
	put_bar(1, 5, 0xfffff000, 0xfffff000);
	put(2, 0, 3, 5, 0x12345678, 0x01060102, 0);
	put(3, 0, 9, 0, 0x00011b36, 0x06040000,
	    1); /* bridge: the words behind two BARs are not BARs */
	fakes[3].regs[6] = 0x00050400;
	put_bar(3, 0, 0x00000004, 0); /* says 64 bit, size 0: not there */
	put_bar(3, 3, 0xaaaaaaaa, 0xffffffff);
	put(4, 0x40, 31, 0, 0x1af41042, 0x01000001, 0); /* behind another host bridge */
	put_bar(4, 4, 0x0000000c, 0);                   /* 8 GiB: the low half cannot be set */
	put_bar(4, 5, 0x00000008, 0xfffffffe);
	put(5, 0, 9, 1, 0xdeadbeef, 0, 0); /* function 1 of a device that has only one */
	memcpy(before, fakes, sizeof(fakes));
	nr_seen = 0;
}

static void expect_bar(unsigned int i, unsigned int bar, enum pci_bar_kind kind, phys_t base,
		       uint64_t size)
{
	assert_int_equal(seen[i].bars[bar].kind, kind);
	if (kind == PCI_BAR_NONE)
		return;
	assert_int_equal(seen[i].bars[bar].base, base);
	assert_int_equal(seen[i].bars[bar].size, size);
}

static void test_scan(void **state)
{
	(void)state;
	static const struct pci_config config = { fake_read, fake_write };
	setup();
	pci_scan(&config, 0, 0, 255, found, &nr_seen);
	assert_int_equal(nr_seen, 5);
	assert_int_equal(seen[0].vendor, 0x8086);
	assert_int_equal(seen[0].device, 0x29c0);
	assert_int_equal(seen[0].class_code, 6);
	expect_bar(0, 0, PCI_BAR_NONE, 0, 0);
	assert_int_equal(seen[1].revision, 3);
	assert_int_equal(seen[1].irq_pin, 1);
	assert_int_equal(seen[1].irq_line, 11);
	expect_bar(1, 0, PCI_BAR_MEM32, 0xfebc0000, 0x20000);
	expect_bar(1, 1, PCI_BAR_IO, 0xc000, 32);
	expect_bar(1, 2, PCI_BAR_MEM64, 0x8000000000, 0x4000);
	assert_true(seen[1].bars[2].prefetchable);
	expect_bar(1, 3, PCI_BAR_NONE, 0, 0);
	expect_bar(1, 5, PCI_BAR_MEM32, 0xfffff000, 0x1000);
	assert_int_equal(seen[2].address.function, 5);
	assert_int_equal(seen[2].prog_if, 1);
	assert_int_equal(seen[3].header_type, 1);
	assert_int_equal(seen[3].secondary_bus, 4);
	expect_bar(3, 0, PCI_BAR_NONE, 0, 0);
	expect_bar(3, 3, PCI_BAR_NONE, 0, 0);
	assert_int_equal(seen[4].address.bus, 0x40);
	assert_int_equal(seen[4].address.device, 31);
	expect_bar(4, 4, PCI_BAR_MEM64, 0x800000000, 0x200000000);
	for (unsigned int i = 0; i < NR_FAKES; i++) {
		assert_int_equal(fakes[i].decoded_while_probed, 0);
		assert_memory_equal(fakes[i].regs, before[i].regs, sizeof(fakes[i].regs));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scan) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
