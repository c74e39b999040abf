// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/acpi/tables.c mgmt/vmm/acpi/dsdt.c mgmt/vmm/acpi/aml.c mgmt/vmm/ram.c
// The tables are found from the RSDP, their sums are zero, and ACPICA's iasl takes each apart
// without a complaint and puts the DSDT together again to the same bytes.

#include "vmm/acpi/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/types.h"
#include "vmm/acpi/aml.h"

static struct vm_config config = { .vcpus = 64, .memory = 1 << 20 };
static struct machine machine;

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static uint64_t read_le(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static int build(void **state)
{
	(void)state;
	config.consoles[0].present = config.consoles[3].present = true;
	machine.config = &config;
	ram_init(&machine.ram, calloc(1, 1 << 20), 1 << 20);
	return acpi_build(&machine) == ACPI_BASE ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	free(machine.ram.host);
	return 0;
}

static const uint8_t *table(const char *signature)
{
	const uint8_t *xsdt = machine.ram.host + read_le(machine.ram.host + ACPI_BASE + 24, 8);
	size_t n = (read_le(xsdt + 4, 4) - 36) / 8;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *t = machine.ram.host + read_le(xsdt + 36 + 8 * i, 8);

		if (!memcmp(t, signature, 4))
			return t;
	}
	return NULL;
}

static void sums_are_zero(void **state)
{
	const uint8_t *rsdp = machine.ram.host + ACPI_BASE, *facp = table("FACP");
	const uint8_t *dsdt = machine.ram.host + read_le(facp + 140, 8);
	const uint8_t *all[] = { machine.ram.host + read_le(rsdp + 24, 8), facp, dsdt,
				 table("APIC"), table("MCFG") };

	(void)state;
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(sum(all[i], read_le(all[i] + 4, 4)), 0);
}

static void madt_has_every_cpu(void **state)
{
	const uint8_t *apic = table("APIC");
	unsigned cpus = 0;

	(void)state;
	for (size_t at = 44; at < read_le(apic + 4, 4); at += apic[at + 1]) {
		if (apic[at] == 0)
			assert_int_equal(apic[at + 3], cpus++);
	}
	assert_int_equal(cpus, 64);
}

/* ISA interrupt 0 is on pin 2; the SCI is level triggered. */
static void madt_overrides(void **state)
{
	const uint8_t *apic = table("APIC");
	unsigned found = 0;

	(void)state;
	for (size_t at = 44; at < read_le(apic + 4, 4); at += apic[at + 1]) {
		if (apic[at] != 2)
			continue;
		found++;
		if (apic[at + 3] == GSI_PIT)
			assert_int_equal(read_le(apic + at + 4, 4), 2);
		else
			assert_memory_equal(apic + at + 3, "\x09\x09\0\0\0\x0d\0", 7);
	}
	assert_int_equal(found, 2);
}

static void write_file(const char *path, const uint8_t *t)
{
	FILE *f = fopen(path, "wb");
	size_t n = read_le(t + 4, 4);

	assert_non_null(f);
	assert_int_equal(fwrite(t, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* 0 when the command says nothing of errors or warnings. */
static int run(const char *dir, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "cd %s && { %s; } >log 2>&1 && ! grep -iE '^(error|warning)' log", dir, command);
	return system(line);
}

static void iasl_accepts(void **state)
{
	const uint8_t *facp = table("FACP");
	char dir[] = "/tmp/strata-acpi-XXXXXX", path[64];
	static const char *const names[] = { "FACP", "APIC", "MCFG" };

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s.dat", dir, names[i]);
		write_file(path, table(names[i]));
		snprintf(path, sizeof(path), "iasl -d %s.dat && ! grep -q Invalid %s.dsl", names[i],
			 names[i]);
		assert_int_equal(run(dir, path), 0);
	}
	snprintf(path, sizeof(path), "%s/dsdt.aml", dir);
	write_file(path, machine.ram.host + read_le(facp + 140, 8));
	assert_int_equal(run(dir, "iasl -d dsdt.aml && mv dsdt.aml old && iasl -oa -we dsdt.dsl"),
			 0);
	assert_int_equal(run(dir, "tail -c +37 old >a; tail -c +37 dsdt.aml >b; cmp a b"), 0);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void overflow_is_noticed(void **state)
{
	uint8_t small[100];
	struct aml aml = { .data = small, .room = sizeof(small) };

	(void)state;
	acpi_dsdt(&aml, &config);
	assert_true(aml.overflow);
	assert_true(aml.size <= sizeof(small));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_zero),       cmocka_unit_test(madt_has_every_cpu),
		cmocka_unit_test(madt_overrides),      cmocka_unit_test(iasl_accepts),
		cmocka_unit_test(overflow_is_noticed),
	};

	return cmocka_run_group_tests(tests, build, drop);
}
