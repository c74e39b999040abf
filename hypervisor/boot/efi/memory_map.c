// SPDX-License-Identifier: GPL-2.0-or-later
// What boot services used is RAM once they are gone; what runtime services use is not ours.
#include "boot/efi/stub.h"
#include "lib/string.h"

static uint32_t e820_type(const struct efi_mem *m)
{
	switch (m->type) {
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
	case EFI_BOOT_SERVICES_CODE:
	case EFI_BOOT_SERVICES_DATA:
	case EFI_CONVENTIONAL:
		return (m->attribute & EFI_MEMORY_SP) != 0 ? BOOT_MEM_RESERVED : BOOT_MEM_RAM;
	case EFI_UNUSABLE: return BOOT_MEM_UNUSABLE;
	case EFI_ACPI_RECLAIM: return BOOT_MEM_ACPI;
	case EFI_ACPI_NVS: return BOOT_MEM_NVS;
	case EFI_PERSISTENT: return BOOT_MEM_PERSISTENT;
	default: return BOOT_MEM_RESERVED;
	}
}

unsigned int stub_e820(const void *map, uint64_t size, uint64_t entry_size,
		       struct boot_e820_entry *out, unsigned int max)
{
	struct boot_e820_entry *last = NULL;
	struct efi_mem m;
	unsigned int nr = 0;

	if (entry_size < sizeof(m))
		return 0;
	for (uint64_t at = 0; at + sizeof(m) <= size; at += entry_size) {
		uint32_t type;

		memcpy(&m, (const char *)map + at, sizeof(m));
		type = e820_type(&m);
		if (m.number_of_pages == 0 || m.number_of_pages > UINT64_MAX / STUB_PAGE)
			continue;
		if (last != NULL && last->type == type &&
		    last->addr + last->size == m.physical_start) {
			last->size += m.number_of_pages * STUB_PAGE;
			continue;
		}
		if (nr == max)
			return 0;
		last = &out[nr++];
		*last = (struct boot_e820_entry){ m.physical_start, m.number_of_pages * STUB_PAGE,
						  type };
	}
	return nr;
}
