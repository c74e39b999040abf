// SPDX-License-Identifier: GPL-2.0-or-later
// Devices are where the memory map has nothing, or has a reserved range: firmware describes them
// either way.
#include "boot/console_place.h"

#include "boot/mem_map.h"

#define PAGE_BYTES 4096u

/* "APIC Register Address Space" of the local APIC after reset; the I/O APICs are below it. */
#define INTERRUPTS_FIRST 0xfec00000ull
#define INTERRUPTS_END   0xfef00000ull

static bool is_memory(const struct boot_info *info, phys_t base, uint64_t len)
{
	for (unsigned int i = 0; i < info->nr_mem; i++) {
		const struct boot_mem *m = &info->mem[i];

		if (m->type != BOOT_MEM_RESERVED && mem_ranges_overlap(base, len, m->base, m->size))
			return true;
	}
	return mem_ranges_overlap(base, len, info->image_base, info->image_size);
}

const char *console_refusal(const struct console_arg *arg, const struct boot_info *info,
			    uint64_t reach)
{
	uint64_t len = CONSOLE_UART_BYTES(arg);

	if (arg->memory == 0)
		return NULL;
	if (arg->memory % arg->width != 0)
		return "the address is no multiple of a register's size";
	if (arg->memory % PAGE_BYTES > PAGE_BYTES - len)
		return "the registers cross the end of a page";
	if (arg->memory >= reach)
		return "the CPU does not reach that address";
	if (is_memory(info, arg->memory, len))
		return "RAM is there";
	if (mem_ranges_overlap(arg->memory, len, INTERRUPTS_FIRST,
			       INTERRUPTS_END - INTERRUPTS_FIRST))
		return "the interrupt controllers are there";
	return NULL;
}
