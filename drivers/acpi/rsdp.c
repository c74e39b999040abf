// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the root pointer: what the loader gave, the EFI configuration table, then the two areas
// where a BIOS leaves it, on 16-byte boundaries ("Finding the RSDP on IA-PC Systems").
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/string.h"

#define BDA_EBDA_SEGMENT 0x40e
#define BIOS_AREA        0xe0000
#define BIOS_AREA_SIZE   0x20000
#define EFI_TABLES_MAX   256

/* "EFI System Table" and "EFI_CONFIGURATION_TABLE", the parts that lead to the tables. */
struct efi_system_table {
	uint64_t signature; /* "IBI SYST" */
	uint8_t skipped[0x60];
	uint64_t nr_tables;
	uint64_t tables;
} __packed;
static_assert_offset(struct efi_system_table, nr_tables, 104);
#define EFI_SYSTEM_TABLE_SIGNATURE 0x5453595320494249ull

struct efi_table_entry {
	uint8_t guid[16];
	uint64_t table;
} __packed;

static const uint8_t guid_acpi_20[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
					  0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 };
static const uint8_t guid_acpi_10[16] = { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
					  0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d };

static bool rsdp_ok(const struct acpi_access *acc, phys_t pa)
{
	const struct acpi_rsdp *p = acc->map(pa, ACPI_RSDP_V1_SIZE);
	if (!p || memcmp(p->signature, "RSD PTR ", 8) != 0 ||
	    !acpi_checksum_ok(p, ACPI_RSDP_V1_SIZE))
		return false;
	if (p->revision < 2)
		return true;
	p = acc->map(pa, sizeof(*p));
	return p && p->length >= sizeof(*p) && p->length <= 4096 &&
	       (p = acc->map(pa, p->length)) != NULL && acpi_checksum_ok(p, p->length);
}

static phys_t scan(const struct acpi_access *acc, phys_t base, uint64_t size)
{
	for (phys_t pa = base; pa < base + size; pa += 16)
		if (rsdp_ok(acc, pa))
			return pa;
	return 0;
}

static phys_t scan_bios(const struct acpi_access *acc)
{
	const void *p = acc->map(BDA_EBDA_SEGMENT, 2);
	if (p) {
		uint16_t segment;
		memcpy(&segment, p, sizeof(segment));
		phys_t ebda = (phys_t)segment << 4;
		phys_t found = 0;
		if (ebda >= 0x400 && ebda < 0xa0000)
			found = scan(acc, ebda, 1024);
		if (found)
			return found;
	}
	return scan(acc, BIOS_AREA, BIOS_AREA_SIZE);
}

/* The table of that GUID if it is a good root pointer. */
static phys_t efi_find(const struct acpi_access *acc, phys_t tables, uint64_t nr,
		       const uint8_t *guid)
{
	for (uint64_t i = 0; i < MIN(nr, (uint64_t)EFI_TABLES_MAX); i++) {
		phys_t pa = tables + i * sizeof(struct efi_table_entry);
		const struct efi_table_entry *e = acc->map(pa, sizeof(*e));
		if (!e)
			return 0;
		phys_t table = e->table;
		if (memcmp(e->guid, guid, 16) == 0 && rsdp_ok(acc, table))
			return table;
	}
	return 0;
}

static phys_t scan_efi(const struct acpi_access *acc, phys_t systab)
{
	const struct efi_system_table *st = acc->map(systab, sizeof(*st));
	if (!st || st->signature != EFI_SYSTEM_TABLE_SIGNATURE)
		return 0;
	phys_t tables = st->tables;
	uint64_t nr = st->nr_tables;
	phys_t found = efi_find(acc, tables, nr, guid_acpi_20);
	return found ? found : efi_find(acc, tables, nr, guid_acpi_10);
}

phys_t acpi_find_rsdp(const struct acpi_access *acc, phys_t given, phys_t efi_systab)
{
	if (given != 0 && rsdp_ok(acc, given))
		return given;
	phys_t found = efi_systab ? scan_efi(acc, efi_systab) : 0;
	return found ? found : scan_bios(acc);
}
