// SPDX-License-Identifier: GPL-2.0-or-later
// All memory is loader data: RAM again for the kernel, which is told what it must keep.
#include "boot/efi/stub.h"

void *stub_alloc(uint64_t size, uint64_t limit)
{
	uint64_t address = limit;
	uint32_t how = limit != 0 ? EFI_ALLOCATE_MAX_ADDRESS : EFI_ALLOCATE_ANY;
	uint64_t pages = DIV_ROUND_UP(size, STUB_PAGE);

	if (stub.bs->allocate_pages(how, EFI_LOADER_DATA, pages, &address) != EFI_SUCCESS)
		return NULL;
	return (void *)address;
}

void stub_free(void *p, uint64_t size)
{
	stub.bs->free_pages((uint64_t)p, DIV_ROUND_UP(size, STUB_PAGE));
}
