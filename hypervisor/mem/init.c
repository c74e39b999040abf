// SPDX-License-Identifier: GPL-2.0-or-later
// Start of memory management: normalize what boot says, build the kernel's tables out of pages
// taken off the range set, go over to them, give every section its page structs, hand the rest to
// the zones. What was taken before the zones existed is then charged like any other page, so the
// sums are right from the first moment.
#include "mem/init.h"

#include "cpu/log.h"
#include "cpu/msr.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mem/kspace.h"
#include "mem/page_struct.h"
#include "mem/ranges.h"
#include "mem/tlb.h"
#include "mem/usercopy.h"

/* Less than this and not even the boot archive's shell would start. */
#define MEMORY_MIN MiB(32)
/* What is mapped at its physical address while CPUs start: conventional memory, less page 0. */
#define IDENTITY_BASE PAGE_SIZE
#define IDENTITY_SIZE (0xa0000ull - IDENTITY_BASE)
/* The direct map below this is there before mem_init. */
#define EARLY_END GiB(4)

extern char image_start[], rodata_end[], image_end[]; /* boot/kernel.ld */

static struct range_set ram, reserved; /* normalized */
static struct range_set at_start;      /* RAM that is not reserved */
static struct range_set left;          /* of that, what has not been taken */
static struct range_set structs;       /* taken for page structs */
static struct range_set taken, tables;

static void write_cr3(uint64_t cr3)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(cr3) : "memory");
}

static bool cpu_has_1g_pages(void)
{
	uint32_t a = 0x80000001, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d & BIT(26);
}

static void check(bool good)
{
	if (!good)
		fatal("the memory map has too many ranges (more than %d)", MEM_RANGES_MAX);
}

static void normalize(const struct mem_range *in_ram, unsigned nr_ram,
		      const struct mem_range *in_reserved, unsigned nr_reserved)
{
	static struct mem_range all[MEM_RANGES_MAX];

	/* Page 0 is never handed out: its address means `none`. */
	check(nr_reserved < MEM_RANGES_MAX);
	all[0] = (struct mem_range){ .base = 0, .size = PAGE_SIZE };
	memcpy(&all[1], in_reserved, nr_reserved * sizeof(all[0]));
	check(ranges_normalize(&reserved, all, nr_reserved + 1, false, RAM_END));
	check(ranges_normalize(&ram, in_ram, nr_ram, true, RAM_END));
	for (unsigned i = 0; i < ram.nr; i++) {
		if (ram.at[i].node < 0 || ram.at[i].node >= NODE_MAX)
			ram.at[i].node = 0;
	}
	check(ranges_subtract(&at_start, &ram, &reserved));
	left = at_start;
	if (ranges_size(&left) < MEMORY_MIN)
		fatal("too little memory: %llu MiB usable, %llu MiB needed",
		      (unsigned long long)(ranges_size(&left) >> 20),
		      (unsigned long long)(MEMORY_MIN >> 20));
}

/* ---- the kernel's tables ---- */

static phys_t early_table(struct page_table *pt)
{
	int node;
	phys_t pa = ranges_take(&left, PAGE_SIZE, PAGE_SIZE, EARLY_END, &node);

	(void)pt;
	if (!pa)
		fatal("too little memory below 4 GiB for the kernel's page tables");
	return (phys_t)virt_to_phys(memset(phys_to_virt(pa), 0, PAGE_SIZE));
}

static void map_early(uint64_t va, phys_t pa, uint64_t size, unsigned rights, unsigned max_level)
{
	int err = pt_map(&kernel_pt, va, pa, size, rights | PT_READ | PT_DIRTY, max_level);

	ASSERT(err == 0);
}

/* The image's text and constants stay read-only in the direct map as well. */
static void map_direct(const struct mem_range *r, phys_t fixed_base, phys_t fixed_end)
{
	phys_t end = r->base + r->size;
	phys_t low = MIN(MAX(r->base, fixed_base), end), high = MIN(MAX(r->base, fixed_end), end);
	const unsigned rw = PT_WRITE | PT_GLOBAL;

	map_early(DIRECT_MAP_BASE + r->base, r->base, low - r->base, rw, PT_LEVEL_1G);
	map_early(DIRECT_MAP_BASE + low, low, high - low, PT_GLOBAL, PT_LEVEL_1G);
	map_early(DIRECT_MAP_BASE + high, high, end - high, rw, PT_LEVEL_1G);
}

/* Where the image lies, by the tables that boot has made. */
static phys_t image_address(const uint64_t *boot_root)
{
	struct page_table boot_pt = { .format = &pt_host_format, .root = virt_to_phys(boot_root) };
	struct pt_leaf leaf;
	bool mapped = pt_query(&boot_pt, (uintptr_t)image_start, &leaf);

	ASSERT(mapped);
	return leaf.pa;
}

static void build_tables(void)
{
	const uint64_t *boot_root = phys_to_virt(read_cr3() & PAGE_MASK);
	phys_t image = image_address(boot_root);

	kernel_pt.alloc = early_table;
	kernel_pt.keep_upper = true;
	pt_init(&kernel_pt, &pt_host_format, kernel_container);
	for (unsigned i = 0; i < ram.nr; i++)
		map_direct(&ram.at[i], image, image + (phys_t)(rodata_end - image_start));
	map_early(IDENTITY_BASE, IDENTITY_BASE, IDENTITY_SIZE, PT_WRITE | PT_EXEC, PT_LEVEL_4K);
	kspace_init();

	/* The image's own tables are part of the image, made by boot page by page with the rights
	 * of its sections. */
	uint64_t *root = phys_to_virt(kernel_pt.root);

	root[511] = boot_root[511];
	write_cr3(kernel_pt.root);
}

/* ---- page structs ---- */

/* Those of `n` sections, in one piece of RAM, of the range that ends at `end` if it has room. */
static bool add_structs(phys_t section, uint64_t n, phys_t end)
{
	uint64_t size = n * MiB(2);
	int node;
	phys_t pa = ranges_take(&left, size, MiB(2), end, &node);

	if (!pa)
		pa = ranges_take(&left, size, MiB(2), RAM_END, &node);
	if (!pa)
		return false;
	map_early((uintptr_t)page_of(section), pa, size, PT_WRITE | PT_GLOBAL, PT_LEVEL_2M);
	page_clear(page_of(section), size);
	for (uint64_t i = 0; i < n; i++)
		zone_add_section(section + i * SECTION_SIZE);
	check(structs.nr < MEM_RANGES_MAX);
	structs.at[structs.nr++] = (struct mem_range){ .base = pa, .size = size };
	return true;
}

/* As few pieces as possible: each one is a range more in two of the sets. */
static void add_run(phys_t section, uint64_t n, phys_t end)
{
	while (n > 0) {
		uint64_t now = n;

		while (now > 0 && !add_structs(section, now, end))
			now /= 2;
		if (now == 0)
			fatal("too little memory for page structs");
		section += now * SECTION_SIZE;
		n -= now;
	}
}

static void add_all_structs(void)
{
	for (unsigned i = 0; i < ram.nr; i++) {
		phys_t end = ram.at[i].base + ram.at[i].size;
		phys_t s = ALIGN_DOWN(ram.at[i].base, SECTION_SIZE);

		/* The first section may be the last one of the range before. */
		if (zone_has_structs(s))
			s += SECTION_SIZE;
		if (s < end)
			add_run(s, DIV_ROUND_UP(end - s, SECTION_SIZE), end);
	}
}

/* ---- the zones ---- */

/* From here on tables come from page_alloc; those that there are become pages in use. */
static void adopt_tables(void)
{
	static struct range_set sorted;

	check(ranges_normalize(&sorted, structs.at, structs.nr, true, RAM_END));
	check(ranges_subtract(&taken, &at_start, &left));
	check(ranges_subtract(&tables, &taken, &sorted));
	for (unsigned i = 0; i < tables.nr; i++)
		page_adopt(tables.at[i].base, tables.at[i].size, PAGE_TABLE);
	kernel_pt.alloc = NULL;
}

static void account(void)
{
	uint64_t total = ranges_size(&ram), page_structs = ranges_size(&structs);
	uint64_t kept = total - ranges_size(&at_start);
	int err;

	container_set_root_limit(total);
	page_set_fixed(total, (uint64_t)(image_end - image_start), page_structs, kept);
	err = container_charge(kernel_container, page_structs + kept);
	ASSERT(err == 0);
}

void mem_init(const struct mem_range *in_ram, unsigned nr_ram, const struct mem_range *in_reserved,
	      unsigned nr_reserved)
{
	unsigned level = cpu_has_1g_pages() ? PT_LEVEL_1G : PT_LEVEL_2M;

	pt_host_format.max_leaf_level = level;
	pt_npt_format.max_leaf_level = level;
	usercopy_init();
	normalize(in_ram, nr_ram, in_reserved, nr_reserved);
	build_tables();
	add_all_structs();
	account();
	adopt_tables();
	for (unsigned i = 0; i < left.nr; i++)
		zone_add(left.at[i].base, left.at[i].size, (unsigned)left.at[i].node);
	log_info("memory: %llu MiB in %u ranges, %llu MiB free, %llu KiB for page structs, %llu "
		 "KiB for page tables",
		 (unsigned long long)(ranges_size(&ram) >> 20), ram.nr,
		 (unsigned long long)(zone_free_bytes() >> 20),
		 (unsigned long long)(ranges_size(&structs) >> 10),
		 (unsigned long long)(ranges_size(&tables) >> 10));
}

phys_t mem_kernel_root(void)
{
	return kernel_pt.root;
}

void mem_init_cpu(void)
{
	write_cr3(kernel_pt.root);
}

void mem_drop_identity(void)
{
	struct pt_gather g = { 0 };
	int err = pt_unmap(&kernel_pt, IDENTITY_BASE, IDENTITY_SIZE, &g);

	ASSERT(err == 0);
	tlb_flush_kernel(IDENTITY_BASE, IDENTITY_SIZE);
	pt_gather_free(&kernel_pt, &g);
}

static void unreserve(const struct mem_range *part)
{
	for (phys_t pa = part->base; pa < part->base + part->size; pa += PAGE_SIZE)
		ASSERT(page_of(pa)->state == PAGE_STATE_NONE);
	page_unreserve(part->base, part->size, (unsigned)part->node);
}

void mem_release_reserved(phys_t base, uint64_t size)
{
	static struct range_set wanted,
		parts; /* boot and init's first steps only: one caller at a time */
	const struct mem_range range = { .base = base, .size = size };

	check(ranges_normalize(&wanted, &range, 1, true, RAM_END));
	check(ranges_intersect(&parts, &ram, &wanted));
	for (unsigned i = 0; i < parts.nr; i++)
		unreserve(&parts.at[i]);
}
