// SPDX-License-Identifier: GPL-2.0-or-later
// Adds 2M pages to head.S' tables. All early tables lie in the image: their physical addresses
// are offsets from where it was loaded, and they are reached at their linked addresses. New ones
// come from a few spare pages of the image.
#include "boot/early_map.h"

#include "boot/layout.h"

#define PTE_P    0x001ull
#define PTE_W    0x002ull
#define PTE_UC   0x018ull /* PCD and PWT: uncached, as the page attribute table is after reset */
#define PTE_PS   0x080ull
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull
#define PAGE_4K  0x1000ull
#define PAGE_2M  0x200000ull
#define REACH    (1ull << 46) /* the whole direct map; far more than a machine of today has */

typedef uint64_t table_t[512];

extern table_t boot_pml4;
extern table_t boot_spare_tables[BOOT_SPARE_PTS];
extern table_t image_pts[BOOT_IMAGE_PTS];
extern char image_start[], image_end[];

static phys_t image_pa;
static unsigned int spare_used;

static phys_t table_pa(const uint64_t *table)
{
	return image_pa + (phys_t)((const char *)table - image_start);
}

static uint64_t *entry_table(uint64_t entry)
{
	return (uint64_t *)(image_start + ((entry & PTE_ADDR) - image_pa));
}

/* The table below *entry, made when there is none; NULL: no spare page left. */
static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & PTE_P)) {
		if (spare_used == BOOT_SPARE_PTS)
			return NULL;
		*entry = table_pa(boot_spare_tables[spare_used++]) | PTE_P | PTE_W;
	}
	return entry_table(*entry);
}

static bool map_2m(phys_t pa)
{
	/* PML4 entry 256 + n: no execution, as for the first one. */
	uint64_t *top = &boot_pml4[256 + (pa >> 39)];
	bool fresh = !(*top & PTE_P);
	uint64_t *pdpt = next_table(top);
	if (!pdpt)
		return false;
	if (fresh)
		*top |= 1ull << 63;
	uint64_t *pd = next_table(&pdpt[(pa >> 30) & 511]);
	if (!pd)
		return false;
	pd[(pa >> 21) & 511] = pa | PTE_P | PTE_W | PTE_PS;
	return true;
}

static void flush_tlb(void)
{
	uint64_t cr3;
	__asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(cr3) : : "memory");
}

void early_map_init(phys_t image_base)
{
	image_pa = image_base;
	boot_pml4[image_base >> 39] = 0;
	flush_tlb();
}

const void *early_map(phys_t pa, uint64_t len)
{
	if (len == 0 || pa >= REACH || len > REACH - pa)
		return NULL;
	for (phys_t at = ALIGN_DOWN(pa, PAGE_2M); at < pa + len; at += PAGE_2M)
		if (at >= GiB(4) && !map_2m(at))
			return NULL;
	return (const void *)(BOOT_DIRECT_BASE + pa);
}

/* "Long-Mode Address Size Identification": what a page table may name without a reserved bit. */
uint64_t early_map_reach(void)
{
	uint32_t a = 0x80000000, b, c, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if (a < 0x80000008)
		return 1ull << 36;
	a = 0x80000008;
	__asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return 1ull << MIN(a & 0xff, 52u);
}

volatile void *early_map_device(phys_t pa, uint64_t len)
{
	const size_t page = (size_t)(image_end - image_start) / PAGE_4K;
	uint64_t *entry = &image_pts[page / 512][page % 512];
	phys_t offset = pa % PAGE_4K;

	if (len == 0 || len > PAGE_4K - offset || pa >= early_map_reach() || (*entry & PTE_P))
		return NULL;
	*entry = (pa - offset) | PTE_P | PTE_W | PTE_UC | PTE_NX;
	return (volatile char *)image_end + offset;
}
