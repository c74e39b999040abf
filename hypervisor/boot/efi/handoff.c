// SPDX-License-Identifier: GPL-2.0-or-later
// The page tables between firmware's and the kernel's. Firmware may map loader data without the
// right to execute, and may run with five levels; what the kernel's 64-bit entry is promised is an
// identity map over itself and boot_params, both below 4 GiB. Our own code may lie anywhere: the
// 2M pages around stub_jump are mapped as well.
#include "boot/efi/stub.h"
#include "lib/string.h"

#define PTE_P    0x001ull
#define PTE_W    0x002ull
#define PTE_PS   0x080ull
#define PAGE_2M  0x200000ull
#define NR_LOW   4 /* GiB that are mapped whole */
#define CR4_LA57 (1ull << 12)
#define LIMIT    0xffffffffull

typedef uint64_t table_t[512];

struct tables {
	table_t pml5, pml4, low_pdpt, low_pd[NR_LOW], pdpt, pd;
};

static uint64_t link_to(const void *table)
{
	return (uint64_t)table | PTE_P | PTE_W;
}

static void map_low(struct tables *t)
{
	for (uint64_t i = 0; i < NR_LOW * 512ull; i++)
		t->low_pd[i / 512][i % 512] = (i * PAGE_2M) | PTE_P | PTE_W | PTE_PS;
	for (unsigned int i = 0; i < NR_LOW; i++)
		t->low_pdpt[i] = link_to(t->low_pd[i]);
	t->pml4[0] = link_to(t->low_pdpt);
}

/* One 2M page: stub_jump does not cross its 64 bytes' alignment. */
static void map_self(struct tables *t, uint64_t at)
{
	uint64_t *pdpt = at >> 39 == 0 ? t->low_pdpt : t->pdpt;

	if (at < NR_LOW * GiB(1))
		return;
	t->pd[(at >> 21) & 511] = ALIGN_DOWN(at, PAGE_2M) | PTE_P | PTE_PS;
	pdpt[(at >> 30) & 511] = link_to(t->pd);
	t->pml4[(at >> 39) & 511] = link_to(pdpt);
}

static bool five_levels(void)
{
	uint64_t cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	return (cr4 & CR4_LA57) != 0;
}

phys_t stub_make_tables(void)
{
	struct tables *t = stub_alloc(sizeof(*t), LIMIT);

	if (t == NULL)
		return 0;
	memset(t, 0, sizeof(*t));
	map_low(t);
	map_self(t, (uint64_t)stub_jump);
	t->pml5[0] = link_to(t->pml4);
	return (phys_t)(five_levels() ? t->pml5 : t->pml4);
}
