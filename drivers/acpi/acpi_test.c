// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/acpi/acpi.c drivers/acpi/madt.c drivers/acpi/fadt.c drivers/acpi/s5.c
// TEST-WITH: drivers/acpi/rsdp.c drivers/acpi/spcr.c
// Builds small sets of tables in a fake physical memory and reads them back:
// values, then damage of each kind (checksum, length, reach), which must cost the damaged table
// alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "tests/host/phys.h"

#define RAM_BASE  0x7fe0000ull
#define RAM_SIZE  0x10000u
#define BIOS_BASE 0xe0000ull

static uint8_t ram[RAM_SIZE];
static uint8_t bios[0x20000];
static uint8_t bda[0x500];
static size_t used;
static char warnings[4096];
static struct acpi_info info;

static void warn(const char *line)
{
	strcat(warnings, line);
	strcat(warnings, "\n");
}

static const struct acpi_access access = { phys_map, warn };

static void fix_checksum(void *p, size_t len, uint8_t *field)
{
	uint8_t sum = 0;
	*field = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((uint8_t *)p)[i]);
	*field = (uint8_t)-sum;
}

static struct acpi_header *header_at(phys_t pa)
{
	return (struct acpi_header *)(ram + (pa - RAM_BASE));
}

/* A table with that body; returns its physical address. */
static phys_t put_table(const char *signature, const void *body, size_t len)
{
	struct acpi_header *h = (struct acpi_header *)(ram + used);
	phys_t pa = RAM_BASE + used;
	memset(h, 0, sizeof(*h));
	memcpy(h->signature, signature, 4);
	h->length = (uint32_t)(sizeof(*h) + len);
	h->revision = 3;
	memcpy(h + 1, body, len);
	fix_checksum(h, h->length, &h->checksum);
	used += h->length;
	return pa;
}

static phys_t put_rsdp(phys_t root, bool xsdt)
{
	struct acpi_rsdp r = { .revision = xsdt ? 2 : 0, .length = sizeof(r) };
	memcpy(r.signature, "RSD PTR ", 8);
	if (xsdt)
		r.xsdt = root;
	else
		r.rsdt = (uint32_t)root;
	fix_checksum(&r, ACPI_RSDP_V1_SIZE, &r.checksum);
	fix_checksum(&r, sizeof(r), &r.ext_checksum);
	used = (used + 15) & ~(size_t)15;
	memcpy(ram + used, &r, sizeof(r));
	used += sizeof(r);
	return RAM_BASE + used - sizeof(r);
}

static const char *parse_xsdt(const phys_t *tables, size_t nr)
{
	phys_t rsdp = put_rsdp(put_table("XSDT", tables, nr * sizeof(*tables)), true);
	return acpi_parse(&access, rsdp, &info);
}

static int setup(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	memset(bios, 0, sizeof(bios));
	memset(bda, 0, sizeof(bda));
	used = 0;
	warnings[0] = '\0';
	phys_reset();
	phys_add(RAM_BASE, ram, sizeof(ram));
	phys_add(BIOS_BASE, bios, sizeof(bios));
	phys_add(0, bda, sizeof(bda));
	return 0;
}

/* Two CPUs (one of them listed twice, one disabled, one x2APIC), IO-APIC, override, NMI. */
static const uint8_t madt_body[] = {
	0x00, 0x00, 0xe0, 0xfe, 0x01, 0x00, 0x00, 0x00, /* LAPIC address, PCAT_COMPAT */
	0,    8,    7,    0,    1,    0,    0,    0,    /* uid 7, apic 0, enabled */
	0,    8,    8,    2,    0,    0,    0,    0,    /* apic 2, disabled */
	0,    8,    9,    0xff, 1,    0,    0,    0,    /* broadcast id: not a CPU */
	9,    16,   0,    0,    0x40, 0x01, 0,    0,    1,    0, 0, 0,
	5,    0,    0,    0, /* apic 0x140, uid 5 */
	9,    16,   0,    0,    0,    0,    0,    0,    1,    0, 0, 0,
	7,    0,    0,    0,                                           /* apic 0 again */
	1,    12,   3,    0,    0x00, 0x00, 0xc0, 0xfe, 24,   0, 0, 0, /* IO-APIC */
	2,    10,   0,    0,    2,    0,    0,    0,    0x0d, 0, /* IRQ 0 -> GSI 2, active high,
								    level */
	4,    6,    0xff, 5,    0,    1,                         /* NMI on LINT1, all */
	0x7f, 4,    1,    2,                                     /* unknown */
	5,    12,   0,    0,    0,    0,    0xe0, 0xfe, 1,    0, 0, 0, /* LAPIC at 0x1fee00000 */
};

static const uint8_t srat_body[] = {
	1, 0,  0, 0, 0, 0, 0, 0, 0,    0, 0,    0,             /* reserved */
	0, 16, 1, 0, 1, 0, 0, 0, 0,    2, 0,    0, 0, 0, 0, 0, /* apic 0: domain 0x201 */
	2, 24, 0, 0, 9, 0, 0, 0, 0x40, 1, 0,    0, 1, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0, /* 0x140:
											     9 */
	1, 40, 9, 0, 0, 0, 0, 0, 0,    0, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
	0, 0,  0, 1, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0, 0, /* 0x100100000, 1 GiB, domain 9, enabled
							     */
	1, 40, 1, 0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
	0, 0,  0, 0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0, 0, /* disabled */
};

static void test_madt_and_srat(void **state)
{
	(void)state;
	/* The SRAT comes first and must still find its CPUs. */
	phys_t tables[] = { put_table("SRAT", srat_body, sizeof(srat_body)),
			    put_table("APIC", madt_body, sizeof(madt_body)) };
	assert_null(parse_xsdt(tables, 2));
	assert_string_equal(warnings, "");
	assert_true(info.has_madt && info.has_srat && info.has_pics);
	assert_int_equal(info.nr_cpus, 3);
	assert_int_equal(info.cpus[0].apic_id, 0);
	assert_int_equal(info.cpus[0].uid, 7);
	assert_true(info.cpus[0].enabled);
	assert_int_equal(info.cpus[0].domain, 0x201);
	assert_int_equal(info.cpus[1].apic_id, 2);
	assert_false(info.cpus[1].enabled);
	assert_int_equal(info.cpus[2].apic_id, 0x140);
	assert_int_equal(info.cpus[2].domain, 9);
	assert_int_equal(info.nr_ioapics, 1);
	assert_int_equal(info.ioapics[0].base, 0xfec00000);
	assert_int_equal(info.ioapics[0].gsi_base, 24);
	assert_int_equal(info.lapic_base, 0x1fee00000);
	uint16_t flags;
	assert_int_equal(acpi_isa_gsi(&info, 0, &flags), 2);
	assert_true(ACPI_INTI_LEVEL(flags) && !ACPI_INTI_LOW(flags));
	assert_int_equal(acpi_isa_gsi(&info, 4, &flags), 4);
	assert_int_equal(flags, 0);
	assert_int_equal(info.nr_nmis, 1);
	assert_int_equal(info.nmis[0].uid, ACPI_UID_ALL);
	assert_int_equal(info.nmis[0].lint, 1);
	assert_int_equal(info.nr_memory, 1);
	assert_int_equal(info.memory[0].base, 0x100100000);
	assert_int_equal(info.memory[0].size, 0x40000000);
	assert_int_equal(info.memory[0].domain, 9);
}

static void test_too_many_cpus(void **state)
{
	(void)state;
	static uint8_t body[8 + 300 * 16];
	memset(body, 0, sizeof(body));
	for (unsigned int i = 0; i < 300; i++) {
		uint8_t *e = body + 8 + i * 16;
		e[0] = 9;
		e[1] = 16;
		e[4] = (uint8_t)i;
		e[5] = (uint8_t)(i >> 8);
		e[8] = 1;
	}
	phys_t table = put_table("APIC", body, sizeof(body));
	assert_null(parse_xsdt(&table, 1));
	assert_int_equal(info.nr_cpus, 256);
	assert_int_equal(info.nr_cpus_ignored, 44);
}

static void test_bad_madt_entry(void **state)
{
	(void)state;
	static const uint8_t zero_length[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 8,
					       1, 4, 1, 0, 0, 0, 0, 0, 8, 1 };
	phys_t table = put_table("APIC", zero_length, sizeof(zero_length));
	assert_null(parse_xsdt(&table, 1));
	assert_int_equal(info.nr_cpus, 1);
	assert_non_null(strstr(warnings, "MADT has an entry of a wrong length"));
	/* An entry that is shorter than its type needs, then a good one. */
	static const uint8_t too_short[] = { 0, 0, 0, 0, 0, 0, 0, 0, 9, 4,
					     0, 0, 0, 8, 1, 4, 1, 0, 0, 0 };
	table = put_table("APIC", too_short, sizeof(too_short));
	warnings[0] = '\0';
	assert_null(parse_xsdt(&table, 1));
	assert_int_equal(info.nr_cpus, 1);
	assert_int_equal(info.cpus[0].apic_id, 4);
	assert_non_null(strstr(warnings, "wrong length"));
}

static void test_damaged_tables_are_left_out(void **state)
{
	(void)state;
	phys_t good = put_table("APIC", madt_body, sizeof(madt_body));
	phys_t sum = put_table("SRAT", srat_body, sizeof(srat_body));
	phys_t longer = put_table("MCFG", "", 0);
	header_at(sum)->checksum++;
	header_at(longer)->length = 0x7fffffff;
	phys_t tables[] = { 0, 0x12345678abcdull, longer, sum, good };
	assert_null(parse_xsdt(tables, 5));
	assert_true(info.has_madt);
	assert_false(info.has_srat);
	assert_int_equal(info.nr_mcfg, 0);
	assert_non_null(strstr(warnings, "table SRAT at 0x"));
	assert_non_null(strstr(warnings, "wrong checksum"));
	assert_non_null(strstr(warnings, "impossible length"));
	assert_non_null(strstr(warnings, "out of reach"));
}

static void test_damaged_root(void **state)
{
	(void)state;
	phys_t root = put_table("XSDT", "", 0);
	phys_t rsdp = put_rsdp(root, true);
	header_at(root)->checksum++;
	assert_string_equal(acpi_parse(&access, rsdp, &info), "ACPI: the root table is damaged");
	assert_non_null(acpi_parse(&access, 0x1000000, &info));
}

static void test_rsdt(void **state)
{
	(void)state;
	uint32_t madt = (uint32_t)put_table("APIC", madt_body, sizeof(madt_body));
	phys_t rsdp = put_rsdp(put_table("RSDT", &madt, sizeof(madt)), false);
	assert_null(acpi_parse(&access, rsdp, &info));
	assert_int_equal(info.nr_cpus, 3);
}

static void test_mcfg_and_hpet(void **state)
{
	(void)state;
	struct acpi_raw_mcfg_entry mcfg[] = { { 0 }, /* the reserved 8 bytes; cut below */
					      { 0xb0000000, 0, 0, 0xff, 0 },
					      { 0xc0000000, 1, 9, 3, 0 } };
	phys_t a = put_table("MCFG", (char *)mcfg + 8, sizeof(mcfg) - 8);
	struct acpi_hpet hpet = { .address = { .space = 0, .address = 0xfed00000 } };
	phys_t b = put_table("HPET", (char *)&hpet + 36, sizeof(hpet) - 36);
	phys_t tables[] = { a, b };
	assert_null(parse_xsdt(tables, 2));
	assert_int_equal(info.nr_mcfg, 1);
	assert_int_equal(info.mcfg[0].base, 0xb0000000);
	assert_int_equal(info.mcfg[0].bus_last, 0xff);
	assert_non_null(strstr(warnings, "MCFG has an entry that makes no sense"));
	assert_int_equal(info.hpet_base, 0xfed00000);
}

static phys_t put_spcr(struct acpi_raw_spcr t, size_t len)
{
	return put_table("SPCR", (char *)&t + sizeof(t.header), len - sizeof(t.header));
}

/* The table is read by both ways; returns the warnings of the second. */
static const char *read_spcr(phys_t table, uint16_t port, uint32_t baud)
{
	struct acpi_spcr early;
	phys_t other = put_table("HPET", "", 0);
	phys_t tables[] = { other, table };
	phys_t rsdp = put_rsdp(put_table("XSDT", tables, sizeof(tables)), true);

	acpi_find_spcr(&access, rsdp, &early);
	assert_int_equal(early.port, port);
	assert_int_equal(early.baud, baud);
	header_at(other)->checksum++; /* another table's damage is none of this one's */
	acpi_find_spcr(&access, rsdp, &early);
	assert_int_equal(early.port, port);
	warnings[0] = '\0';
	assert_null(acpi_parse(&access, rsdp, &info));
	assert_int_equal(info.spcr.port, port);
	assert_int_equal(info.spcr.baud, baud);
	char *second = strchr(warnings, '\n'); /* behind the line on the HPET */
	return second + 1;
}

static void test_spcr(void **state)
{
	(void)state;
	struct acpi_raw_spcr t = { .base = { .space = ACPI_SPACE_IO, .address = 0x2f8 },
				   .pci_vendor = ACPI_SPCR_NOT_PCI,
				   .baud = 3 };
	assert_string_equal(read_spcr(put_spcr(t, sizeof(t)), 0x2f8, 9600), "");
	t.baud = 0;
	assert_string_equal(read_spcr(put_spcr(t, sizeof(t)), 0x2f8, 0), "");
	t.baud = 7;
	t.interface = ACPI_SPCR_16550_GAS;
	assert_string_equal(read_spcr(put_spcr(t, sizeof(t)), 0x2f8, 115200), "");
	t.baud = 5; /* there is no such code */
	assert_non_null(strstr(read_spcr(put_spcr(t, sizeof(t)), 0x2f8, 0), "no known baud rate"));
	t.pci_vendor = 0x1b36; /* the card's clock is its own */
	assert_string_equal(read_spcr(put_spcr(t, sizeof(t)), 0x2f8, 0), "");
	t.base.address = 0;
	assert_string_equal(read_spcr(put_spcr(t, sizeof(t)), 0, 0), "");
}

/* Registers in memory: how the two sizes of the address structure are read; width 0: not used. */
static const struct {
	uint8_t bit_width, bit_offset, access_size;
	uint64_t address;
	uint8_t width, stride;
} memory_rows[] = {
	{ 8, 0, 1, 0xfe030000, 1, 1 },  { 32, 0, 3, 0xfe030000, 4, 4 },
	{ 32, 0, 1, 0xfe030003, 1, 4 }, { 8, 0, 3, 0xfe030000, 4, 4 },
	{ 16, 0, 2, 0xfe030000, 2, 2 }, { 32, 0, 0, 0xfe030000, 4, 4 },
	{ 0, 0, 0, 0xfe030000, 1, 1 },  { 8, 0, 0, 0xfffffffffffffff8, 1, 1 },
	{ 8, 0, 1, 0xfe030ff8, 1, 1 },  { 8, 0, 1, 0xfe030ff9, 0, 0 },
	{ 32, 0, 3, 0xfe030fe4, 0, 0 }, { 32, 0, 3, 0xfe030002, 0, 0 },
	{ 8, 1, 1, 0xfe030000, 0, 0 },  { 64, 0, 4, 0xfe030000, 0, 0 },
	{ 64, 0, 1, 0xfe030000, 0, 0 }, { 24, 0, 1, 0xfe030000, 0, 0 },
	{ 9, 0, 1, 0xfe030000, 0, 0 },  { 8, 0, 255, 0xfe030000, 0, 0 },
};

static void test_spcr_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(memory_rows); i++) {
		struct acpi_raw_spcr t = {
			.base = { .space = ACPI_SPACE_MEMORY,
				  .bit_width = memory_rows[i].bit_width,
				  .bit_offset = memory_rows[i].bit_offset,
				  .access_size = memory_rows[i].access_size,
				  .address = memory_rows[i].address },
			.interface = ACPI_SPCR_16550_GAS,
			.pci_vendor = ACPI_SPCR_NOT_PCI,
			.baud = 7,
		};
		phys_t pa = put_spcr(t, sizeof(t));
		bool good = memory_rows[i].width != 0;

		const char *said = read_spcr(pa, 0, 0);
		if (good)
			assert_string_equal(said, "");
		else
			assert_non_null(strstr(said, "not used"));
		assert_true(info.spcr.memory == (good ? memory_rows[i].address : 0));
		assert_int_equal(info.spcr.width, memory_rows[i].width);
		assert_int_equal(info.spcr.stride, memory_rows[i].stride);
		setup(NULL);
	}
}

static void test_bad_spcr(void **state)
{
	(void)state;
	const struct acpi_raw_spcr good = { .base = { .space = ACPI_SPACE_IO, .address = 0x3f8 },
					    .pci_vendor = ACPI_SPCR_NOT_PCI,
					    .baud = 7 };
	struct acpi_raw_spcr t = good;
	phys_t pa = put_spcr(t, sizeof(t));
	header_at(pa)->checksum++;
	assert_non_null(strstr(read_spcr(pa, 0, 0), "SPCR at"));
	assert_non_null(strstr(read_spcr(put_spcr(t, 79), 0, 0), "too short"));
	t.base.space = ACPI_SPACE_PCI;
	assert_non_null(strstr(read_spcr(put_spcr(t, sizeof(t)), 0, 0),
			       "space 2, 0 bits, access 0, at 0x3f8: not used"));
	t = good;
	t.base.address = 0xfff9;
	assert_non_null(strstr(read_spcr(put_spcr(t, sizeof(t)), 0, 0), "at 0xfff9: not used"));
	t = good;
	t.interface = 3;
	assert_non_null(strstr(read_spcr(put_spcr(t, sizeof(t)), 0, 0), "type 3"));
}

static phys_t put_dsdt(const void *aml, size_t len)
{
	return put_table("DSDT", aml, len);
}

static void test_fadt_and_s5(void **state)
{
	(void)state;
	static const uint8_t aml[] = {
		0x10, 0x05, '_',  'S',  '5',  '_',  0x00, /* a scope: not it */
		0x08, '_',  'S',  '5',  '_',  0x12, 0x08, 0x04,
		0x0a, 0x05, 0x0b, 0x07, 0x00, 0x00, 0x00
	};
	struct acpi_fadt f = {
		.dsdt = (uint32_t)put_dsdt(aml, sizeof(aml)),
		.sci_int = 9,
		.smi_cmd = 0xb2,
		.acpi_enable = 2,
		.pm1a_cnt_blk = 0x604,
		.pm1_cnt_len = 2,
		.pm_tmr_blk = 0x608,
		.pm_tmr_len = 4,
		.flags = ACPI_FADT_RESET_REG | ACPI_FADT_TMR_VAL_EXT,
		.reset_reg = { .space = 1, .bit_width = 8, .address = 0xcf9 },
		.reset_value = 0x0f,
		.iapc_boot_arch = 2,
	};
	phys_t table = put_table("FACP", (char *)&f + 36, sizeof(f) - 36);
	assert_null(parse_xsdt(&table, 1));
	const struct acpi_power *p = &info.power;
	assert_true(p->present && p->has_reset && p->pm_timer_32bit && p->has_8042);
	assert_false(p->hw_reduced);
	assert_int_equal(p->sci_irq, 9);
	assert_int_equal(p->smi_cmd, 0xb2);
	assert_int_equal(p->pm1a_cnt.address, 0x604);
	assert_int_equal(p->pm1a_cnt.space, ACPI_SPACE_IO);
	assert_int_equal(p->pm1b_cnt.address, 0);
	assert_int_equal(p->pm_timer.address, 0x608);
	assert_int_equal(p->reset_reg.address, 0xcf9);
	assert_int_equal(p->reset_value, 0x0f);
	assert_true(p->has_s5);
	assert_int_equal(p->s5_a, 5);
	assert_int_equal(p->s5_b, 7);
}

static void test_old_fadt(void **state)
{
	(void)state;
	struct acpi_fadt f = { .pm1a_cnt_blk = 0xb004, .pm1_cnt_len = 2 };
	phys_t table = put_table("FACP", (char *)&f + 36, ACPI_FADT_V1_SIZE - 36);
	assert_null(parse_xsdt(&table, 1));
	assert_int_equal(info.power.pm1a_cnt.address, 0xb004);
	assert_false(info.power.has_reset);
	assert_false(info.power.has_s5);
	table = put_table("FACP", (char *)&f + 36, ACPI_FADT_V1_SIZE - 37);
	assert_null(parse_xsdt(&table, 1));
	assert_false(info.power.present);
	assert_non_null(strstr(warnings, "FADT is too short"));
}

static bool s5_of(const void *aml, size_t len)
{
	used = 0;
	memset(&info, 0, sizeof(info));
	acpi_parse_s5(header_at(put_dsdt(aml, len)), (uint32_t)(36 + len), &info);
	return info.power.has_s5;
}

static void test_s5_encodings(void **state)
{
	(void)state;
	static const uint8_t root[] = {
		0x08, '\\', '_', 'S', '5', '_', 0x12, 0x06, 0x02, 0x01, 0x00
	};
	assert_true(s5_of(root, sizeof(root)));
	assert_int_equal(info.power.s5_a, 1);
	assert_int_equal(info.power.s5_b, 0);
	/* A two-byte PkgLength. */
	static const uint8_t wide[] = { 0x08, '_',  'S',  '5',  '_',  0x12, 0x46,
					0x00, 0x02, 0x0a, 0x07, 0x0a, 0x06 };
	assert_true(s5_of(wide, sizeof(wide)));
	assert_int_equal(info.power.s5_a, 7);
	assert_int_equal(info.power.s5_b, 6);
	/* Cut off after every byte: never found, never read beyond. */
	for (size_t n = 0; n < 9; n++)
		assert_false(s5_of(root, n));
	static const uint8_t too_big[] = { 0x08, '_',  'S',  '5',  '_', 0x12,
					   0x06, 0x02, 0x0a, 0x09, 0x00 };
	assert_false(s5_of(too_big, sizeof(too_big)));
}

static void put_bios_rsdp(uint8_t *to)
{
	phys_t pa = put_rsdp(RAM_BASE, true);
	memcpy(to, ram + (pa - RAM_BASE), sizeof(struct acpi_rsdp));
}

static void test_rsdp_search(void **state)
{
	(void)state;
	assert_int_equal(acpi_find_rsdp(&access, 0, 0), 0);
	put_bios_rsdp(bios + 0x1ff0 + 8); /* not on a 16-byte boundary */
	assert_int_equal(acpi_find_rsdp(&access, 0, 0), 0);
	put_bios_rsdp(bios + 0x12340);
	assert_int_equal(acpi_find_rsdp(&access, 0, 0), 0xe0000 + 0x12340);
	/* The EBDA comes first, even when it lies in the BIOS data area's reach only. */
	bda[0x40e] = 0x41;
	put_bios_rsdp(bda + 0x410);
	assert_int_equal(acpi_find_rsdp(&access, 0, 0), 0x410);
	/* A good one from the loader wins, a bad one is not believed. */
	phys_t given = put_rsdp(RAM_BASE, true);
	assert_int_equal(acpi_find_rsdp(&access, given, 0), given);
	assert_int_equal(acpi_find_rsdp(&access, given + 16, 0), 0x410);
	((struct acpi_rsdp *)(bda + 0x410))->ext_checksum++;
	assert_int_equal(acpi_find_rsdp(&access, 0, 0), 0xe0000 + 0x12340);
}

static void test_rsdp_from_efi(void **state)
{
	(void)state;
	struct {
		uint64_t signature;
		uint8_t skipped[0x60];
		uint64_t nr, tables;
		struct {
			uint8_t guid[16];
			uint64_t table;
		} entry[2];
	} efi = { .signature = 0x5453595320494249ull, .nr = 2 };
	static const uint8_t guid[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
					  0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 };
	phys_t rsdp = put_rsdp(RAM_BASE, true);
	efi.tables = 0x100000 + offsetof(__typeof__(efi), entry);
	memcpy(efi.entry[1].guid, guid, 16);
	efi.entry[1].table = rsdp;
	phys_add(0x100000, &efi, sizeof(efi));
	assert_int_equal(acpi_find_rsdp(&access, 0, 0x100000), rsdp);
	efi.nr = UINT64_MAX; /* bounded: falls off the end of what can be mapped */
	efi.entry[1].table = 0x55;
	assert_int_equal(acpi_find_rsdp(&access, 0, 0x100000), 0);
	efi.signature++;
	assert_int_equal(acpi_find_rsdp(&access, 0, 0x100000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_madt_and_srat, setup),
		cmocka_unit_test_setup(test_too_many_cpus, setup),
		cmocka_unit_test_setup(test_bad_madt_entry, setup),
		cmocka_unit_test_setup(test_damaged_tables_are_left_out, setup),
		cmocka_unit_test_setup(test_damaged_root, setup),
		cmocka_unit_test_setup(test_rsdt, setup),
		cmocka_unit_test_setup(test_mcfg_and_hpet, setup),
		cmocka_unit_test_setup(test_spcr, setup),
		cmocka_unit_test_setup(test_spcr_memory, setup),
		cmocka_unit_test_setup(test_bad_spcr, setup),
		cmocka_unit_test_setup(test_fadt_and_s5, setup),
		cmocka_unit_test_setup(test_old_fadt, setup),
		cmocka_unit_test_setup(test_s5_encodings, setup),
		cmocka_unit_test_setup(test_rsdp_search, setup),
		cmocka_unit_test_setup(test_rsdp_from_efi, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
