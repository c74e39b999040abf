// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/acpi/acpi.c drivers/acpi/madt.c drivers/acpi/fadt.c drivers/acpi/s5.c
// TEST-WITH: drivers/acpi/rsdp.c drivers/acpi/spcr.c
// Fuzz target: the ACPI tables, two ways. The first byte chooses: one table's
// parser with any body, or the whole walk from a root pointer over physical memory that is the
// input (its checksums are repaired first, so that the walk gets past them).
#include <stdlib.h>
#include <string.h>
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "tests/host/phys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void warn(const char *line)
{
	if (strlen(line) > 200)
		abort();
}

static const struct acpi_access access = { phys_map, warn };

static void check(const struct acpi_info *info)
{
	if (info->nr_cpus > ACPI_CPU_MAX || info->nr_ioapics > ACPI_IOAPIC_MAX ||
	    info->nr_memory > ACPI_MEMORY_MAX || info->nr_mcfg > ACPI_MCFG_MAX)
		abort();
	if (info->spcr.port > 0xfff8 || info->spcr.baud > 115200)
		abort();
	if (info->spcr.memory != 0) {
		uint64_t page = info->spcr.memory / 4096;
		uint64_t end = info->spcr.memory + 7 * info->spcr.stride + info->spcr.width - 1;

		if (info->spcr.port != 0 || info->spcr.width > info->spcr.stride ||
		    info->spcr.stride > 4 || end / 4096 != page)
			abort();
	}
	if (info->power.has_s5 && (info->power.s5_a > 7 || info->power.s5_b > 7))
		abort();
}

static void one_table(uint8_t kind, const uint8_t *table, size_t size, struct acpi_info *info)
{
	phys_t dsdt;
	uint32_t len = (uint32_t)size;
	if (len < sizeof(struct acpi_header))
		return;
	switch (kind % 7) {
	case 0: acpi_parse_madt(&access, table, len, info); break;
	case 1: acpi_parse_srat(&access, table, len, info); break;
	case 2: acpi_parse_mcfg(&access, table, len, info); break;
	case 3: acpi_parse_hpet(&access, table, len, info); break;
	case 4: acpi_parse_fadt(&access, table, len, info, &dsdt); break;
	case 5: acpi_parse_s5(table, len, info); break;
	case 6: acpi_parse_spcr(&access, table, len, &info->spcr); break;
	}
}

static void repair(uint8_t *mem, size_t size, size_t at, size_t len, size_t field)
{
	if (at > size || len > size - at || field >= len)
		return;
	uint8_t sum = 0;
	mem[at + field] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + mem[at + i]);
	mem[at + field] = (uint8_t)-sum;
}

static void walk(uint8_t *mem, size_t size, struct acpi_info *info)
{
	for (size_t at = 0; at + sizeof(struct acpi_header) <= size; at++) {
		static const char *const known[] = { "XSDT", "RSDT", "APIC", "SRAT", "MCFG",
						     "HPET", "FACP", "DSDT", "SPCR" };
		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			uint32_t len;
			memcpy(&len, mem + at + 4, 4);
			if (memcmp(mem + at, known[i], 4) == 0 && len >= 36)
				repair(mem, size, at, len, 9);
		}
	}
	phys_reset();
	phys_add(0, mem, size);
	acpi_parse(&access, 0, info);
	acpi_find_rsdp(&access, 0, size / 2);
	/* Both ways to the SPCR say the same, unless the walk ended early for another reason. */
	struct acpi_spcr spcr;
	acpi_find_spcr(&access, 0, &spcr);
	if (spcr.port != info->spcr.port || spcr.memory != info->spcr.memory ||
	    spcr.baud != info->spcr.baud)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct acpi_info info;
	if (size < 1)
		return 0;
	uint8_t *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	memset(&info, 0, sizeof(info));
	if (data[0] & 0x80)
		walk(copy, size - 1, &info);
	else
		one_table(data[0], copy, size - 1, &info);
	check(&info);
	free(copy);
	return 0;
}
