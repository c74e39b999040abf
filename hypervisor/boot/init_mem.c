// SPDX-License-Identifier: GPL-2.0-or-later
// RAM goes to mem by node, less what must stay: page 0 (its address means "no page"), the kernel,
// the boot archive, and one page below 1 MiB where the other CPUs start.
#include "boot/init.h"
#include "boot/mem_map.h"
#include "boot/numa.h"
#include "cpu/log.h"
#include "mem/init.h"
#include "mem/layout.h"

#define LOW_LIMIT MiB(1)
#define NR_FIXED  4

static struct mem_range ram[MEM_RANGES_MAX];
static phys_t trampoline_page;

phys_t boot_trampoline_page(void)
{
	return trampoline_page;
}

/* Whole pages around [base, base+size). */
static struct mem_range pages(phys_t base, uint64_t size)
{
	phys_t start = ALIGN_DOWN(base, PAGE_SIZE);
	return (struct mem_range){ start, ALIGN_UP(base + size, PAGE_SIZE) - start, NODE_ANY };
}

static phys_t find_trampoline_page(const struct boot_info *info)
{
	const struct boot_mem avoid[] = { { info->image_base, info->image_size, 0 },
					  { info->initrd_base, info->initrd_size, 0 } };
	return mem_map_find(info->mem, info->nr_mem, avoid, ARRAY_SIZE(avoid), PAGE_SIZE, LOW_LIMIT,
			    PAGE_SIZE, PAGE_SIZE);
}

/* Nobody shall look for memory that was never taken in. */
static void report_left_out(const struct boot_info *info, uint64_t lost)
{
	uint64_t above = mem_map_ram_above(info->mem, info->nr_mem, RAM_END);

	if (above > 0)
		log_warn("%llu MiB of RAM above %llu TiB are left out",
			 (unsigned long long)(above >> 20), RAM_END >> 40);
	if (lost > 0)
		log_warn("%llu MiB of RAM are left out: the memory map is too fragmented",
			 (unsigned long long)(lost >> 20));
}

void boot_init_mem(const struct boot_info *info)
{
	uint64_t lost;
	unsigned int nr_ram =
		numa_split(info->mem, info->nr_mem, &boot_acpi, ram, ARRAY_SIZE(ram), &lost);
	trampoline_page = find_trampoline_page(info);
	struct mem_range reserved[NR_FIXED];
	unsigned int nr = 0;
	reserved[nr++] = pages(0, PAGE_SIZE);
	reserved[nr++] = pages(info->image_base, info->image_size);
	if (info->initrd_size > 0)
		reserved[nr++] = pages(info->initrd_base, info->initrd_size);
	if (trampoline_page != 0)
		reserved[nr++] = pages(trampoline_page, PAGE_SIZE);
	mem_init(ram, nr_ram, reserved, nr);
	report_left_out(info, lost);
}
