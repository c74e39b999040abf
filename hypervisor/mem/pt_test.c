// SPDX-License-Identifier: GPL-2.0-or-later
// The page-table walker against an array with one word for each 4K page, for every format; with too
// little memory at times; tables come back; the largest leaves are used; two threads.
// TEST-WITH: mem/pt.c mem/pt_format.c mem/zone.c mem/page.c mem/container.c mem/kalloc.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/pt.h"
#include "tests/host/host.h"
#include "tests/host/rand.h"

#define WINDOW_PAGES (3 * 262144ull)
#define PRESENT      (1ull << 63)

static uint64_t model[WINDOW_PAGES]; /* 0, or PRESENT | physical address | rights */

static uint64_t used_by(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

static void check_page(struct page_table *pt, uint64_t base, uint64_t i)
{
	struct pt_leaf leaf;
	bool mapped = pt_query(pt, base + i * PAGE_SIZE + 123, &leaf);

	assert_int_equal(mapped, model[i] != 0);
	if (!mapped)
		return;
	assert_int_equal(leaf.pa, (model[i] & ~PRESENT & PAGE_MASK) + 123);
	assert_int_equal(leaf.rights, model[i] & 0xfff);
	assert_true(leaf.level <= pt->format->max_leaf_level);
}

static bool range_is_empty(uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		if (model[i])
			return false;
	}
	return true;
}

struct range {
	uint64_t first, n; /* pages of the window */
};

/* Of all sizes, often at the boundaries of large pages. */
static struct range random_range(uint64_t *r)
{
	unsigned unit = (unsigned)host_rand_below(r, 3) * 9;
	struct range g;

	g.first = host_rand_below(r, WINDOW_PAGES) >> unit << unit;
	g.n = (1 + host_rand_below(r, 3)) << unit;
	if (host_rand_below(r, 4) == 0)
		g.n += host_rand_below(r, 600);
	g.n = MIN(g.n, WINDOW_PAGES - g.first);
	return g;
}

static uint64_t gathered_pages;

static void count_leaf(struct pt_gather *g, uint64_t va, phys_t pa, unsigned level, unsigned rights)
{
	(void)g, (void)pa, (void)rights;
	assert_true(IS_ALIGNED(va, pt_level_size(level)));
	gathered_pages += pt_level_size(level) / PAGE_SIZE;
}

static int do_unmap(struct page_table *pt, uint64_t base, struct range g)
{
	struct pt_gather gather = { .leaf = count_leaf };
	uint64_t mapped = 0;
	int err;

	gathered_pages = 0;
	err = pt_unmap(pt, base + g.first * PAGE_SIZE, g.n * PAGE_SIZE, &gather);
	pt_gather_free(pt, &gather);
	if (err < 0)
		return err;
	for (uint64_t i = g.first; i < g.first + g.n; i++) {
		mapped += model[i] != 0;
		model[i] = 0;
	}
	assert_int_equal(gathered_pages, mapped);
	return 0;
}

static int do_protect(struct page_table *pt, uint64_t base, struct range g, unsigned rights)
{
	int err = pt_protect(pt, base + g.first * PAGE_SIZE, g.n * PAGE_SIZE, rights);

	for (uint64_t i = g.first; err == 0 && i < g.first + g.n; i++) {
		if (model[i])
			model[i] = (model[i] & ~(uint64_t)PT_RWX) | rights;
	}
	return err;
}

static int do_map(struct page_table *pt, uint64_t base, struct range g, unsigned rights,
		  uint64_t *r)
{
	/* Congruent modulo 1 GiB or 2 MiB, or not. */
	phys_t pa = (1 + host_rand_below(r, 1000)) << (12 + 9 * host_rand_below(r, 3));
	unsigned max_level = (unsigned)host_rand_below(r, 4);
	bool empty = range_is_empty(g.first, g.n);
	int err;

	if (host_rand_below(r, 2))
		pa += (g.first * PAGE_SIZE) & (GiB(1) - 1);
	err = pt_map(pt, base + g.first * PAGE_SIZE, pa, g.n * PAGE_SIZE, rights, max_level);
	assert_int_equal(err == -EEXIST, !empty);
	for (uint64_t i = 0; err == 0 && i < g.n; i++)
		model[g.first + i] = PRESENT | (pa + i * PAGE_SIZE) | rights;
	return err == -EEXIST ? 0 : err;
}

static void random_against_model(const struct pt_format *format, uint64_t base, unsigned right_mask,
				 uint64_t seed)
{
	struct container *c = container_create(kernel_container, "pt", MiB(2));
	uint64_t r = seed;
	struct page_table pt = { 0 };
	unsigned failed = 0;

	memset(model, 0, sizeof(model));
	assert_int_equal(pt_init(&pt, format, c), 0);
	for (unsigned step = 0; step < 3000; step++) {
		struct range g = random_range(&r);
		unsigned rights = (unsigned)host_rand(&r) & right_mask;
		uint64_t used = used_by(c);
		int err;

		switch (host_rand_below(&r, 5)) {
		case 0: err = do_unmap(&pt, base, g); break;
		case 1: err = do_protect(&pt, base, g, rights & PT_RWX); break;
		default: err = do_map(&pt, base, g, rights, &r);
		}
		if (err < 0) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(used_by(c), used);
			failed++;
		}
		assert_int_equal(used_by(c), pt.nr_tables * PAGE_SIZE);
		for (uint64_t i = 0; i < 20; i++)
			check_page(&pt, base,
				   MIN(g.first + host_rand_below(&r, g.n + 2), WINDOW_PAGES - 1));
		check_page(&pt, base, g.first ? g.first - 1 : 0);
		if (step % 300 == 0) {
			for (uint64_t i = 0; i < WINDOW_PAGES; i++)
				check_page(&pt, base, i);
		}
	}
	assert_true(failed > 0);
	assert_int_equal(do_unmap(&pt, base, (struct range){ 0, WINDOW_PAGES }), 0);
	assert_int_equal(pt.nr_tables, 1);
	assert_int_equal(used_by(c), PAGE_SIZE);
	pt_destroy(&pt);
	container_put(c);
	assert_int_equal(host_memory_stats().free, host_memory_stats().total);
}

#define HOST_RIGHTS (PT_RWX | PT_USER | PT_GLOBAL | PT_UNCACHED | PT_DIRTY | PT_OWNED)
#define NPT_RIGHTS  (PT_RWX | PT_UNCACHED | PT_DIRTY | PT_OWNED)

static void host_format(void **state)
{
	(void)state;
	random_against_model(&pt_host_format, GiB(510), HOST_RIGHTS, 1);
	pt_host_format.max_leaf_level = PT_LEVEL_1G;
	random_against_model(&pt_host_format, 0xffffffff00000000ull + GiB(1), HOST_RIGHTS, 2);
	pt_host_format.max_leaf_level = PT_LEVEL_4K;
	random_against_model(&pt_host_format, 0, HOST_RIGHTS, 3);
	pt_host_format.max_leaf_level = PT_LEVEL_1G;
}

static void npt_format(void **state)
{
	(void)state;
	pt_npt_format.max_leaf_level = PT_LEVEL_1G;
	random_against_model(&pt_npt_format, 0, NPT_RIGHTS, 4);
	random_against_model(&pt_npt_format, GiB(511), NPT_RIGHTS, 5);
}

static void index_format(void **state)
{
	(void)state;
	random_against_model(&pt_index_format, 0, NPT_RIGHTS, 6);
}

static struct page_table new_table(const struct pt_format *format)
{
	struct page_table pt = { 0 };

	assert_int_equal(pt_init(&pt, format, kernel_container), 0);
	return pt;
}

static unsigned level_at(struct page_table *pt, uint64_t va)
{
	struct pt_leaf leaf;

	assert_true(pt_query(pt, va, &leaf));
	return leaf.level;
}

static void largest_leaves(void **state)
{
	struct page_table pt = new_table(&pt_npt_format);
	struct pt_gather g = { 0 };

	(void)state;
	/* From 4K below a 2M boundary to 4K above 2 GiB + 2 MiB. */
	assert_int_equal(pt_map(&pt, MiB(1022) - 4096, GiB(4) + MiB(1022) - 4096,
				GiB(1) + MiB(4) + 8192, PT_RWX, 2),
			 0);
	assert_int_equal(level_at(&pt, MiB(1022) - 4096), 0);
	assert_int_equal(level_at(&pt, MiB(1022)), 1);
	assert_int_equal(level_at(&pt, GiB(1)), 2);
	assert_int_equal(level_at(&pt, GiB(2)), 1);
	assert_int_equal(level_at(&pt, GiB(2) + MiB(2)), 0);
	assert_int_equal(pt.nr_tables, 6);

	/* A hole of one page in the 1G leaf leaves 511 of 2M and 511 of 4K. */
	assert_int_equal(pt_unmap(&pt, GiB(1) + MiB(6), 4096, &g), 0);
	assert_int_equal(g.nr_leaves, 1);
	assert_int_equal(level_at(&pt, GiB(1)), 1);
	assert_int_equal(level_at(&pt, GiB(1) + MiB(6) + 4096), 0);
	assert_int_equal(level_at(&pt, GiB(1) + MiB(8)), 1);
	pt_gather_free(&pt, &g);
	pt_destroy(&pt);
	assert_int_equal(host_memory_stats().free, host_memory_stats().total);
}

/* What is taken out stays allocated until the caller has flushed. */
static void tables_wait_for_the_flush(void **state)
{
	struct page_table pt = new_table(&pt_host_format);
	phys_t page = page_alloc(kernel_container, 0, PAGE_USER, 0, NODE_ANY);
	struct pt_gather g = { 0 };

	(void)state;
	assert_int_equal(pt_map(&pt, MiB(4), page, 4096, PT_READ, 0), 0);
	uint64_t free = host_memory_stats().free;

	assert_int_equal(pt_unmap(&pt, 0, GiB(1), &g), 0);
	pt_gather_page(&g, page);
	assert_int_equal(host_memory_stats().free, free);
	pt_gather_free(&pt, &g);
	assert_int_equal(host_memory_stats().free, free + 4 * PAGE_SIZE);
	pt_destroy(&pt);
}

static void kept_tables(void **state)
{
	struct page_table pt = new_table(&pt_host_format);
	struct pt_gather g = { 0 };

	(void)state;
	pt.keep_upper = true;
	assert_int_equal(pt_map(&pt, KERNEL_HALF + MiB(4), GiB(1), 4096, PT_READ, 0), 0);
	assert_int_equal(pt_unmap(&pt, KERNEL_HALF + MiB(4), 4096, &g), 0);
	assert_int_equal(pt.nr_tables, 4);
	/* A large leaf does not fit over the table that stays; smaller ones are used. */
	assert_int_equal(pt_map(&pt, KERNEL_HALF + MiB(4), GiB(1), MiB(4), PT_READ, 2), 0);
	assert_int_equal(level_at(&pt, KERNEL_HALF + MiB(4)), 0);
	assert_int_equal(level_at(&pt, KERNEL_HALF + MiB(6)), 1);
	assert_int_equal(pt_map(&pt, KERNEL_HALF + MiB(4), GiB(1), MiB(2), PT_READ, 2), -EEXIST);
	pt_destroy(&pt);
}

static void not_readable_is_not_present(void **state)
{
	uint64_t e = pt_host_format.leaf(GiB(5) + MiB(2), 1, PT_USER | PT_OWNED);

	(void)state;
	assert_int_equal(e & 1, 0);
	assert_int_not_equal(e & 0x000ffffffffff000ull, GiB(5) + MiB(2));
	assert_true(pt_host_format.is_leaf(e, 1));
	assert_int_equal(pt_host_format.address(e, 1, true), GiB(5) + MiB(2));
	assert_int_equal(pt_host_format.rights(e), PT_USER | PT_OWNED);
}

static void replace_a_leaf(void **state)
{
	struct page_table pt = new_table(&pt_host_format);
	struct pt_leaf leaf;
	phys_t old;

	(void)state;
	assert_false(pt_replace(&pt, MiB(4), GiB(2), PT_READ, &old));
	assert_int_equal(pt_map(&pt, MiB(4), GiB(1), 4096, PT_READ, 0), 0);
	assert_true(pt_replace(&pt, MiB(4), GiB(2), PT_READ | PT_WRITE | PT_OWNED, &old));
	assert_int_equal(old, GiB(1));
	assert_true(pt_query(&pt, MiB(4), &leaf));
	assert_int_equal(leaf.pa, GiB(2));
	assert_int_equal(leaf.rights, PT_READ | PT_WRITE | PT_OWNED);
	pt_destroy(&pt);
}

static void note_dirty(void *arg, uint64_t va, unsigned level)
{
	*(uint64_t *)arg += va + level;
}

static void dirty_bits(void **state)
{
	struct page_table pt = new_table(&pt_npt_format);
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(pt_map(&pt, MiB(2), MiB(2), MiB(2), PT_RWX | PT_DIRTY, 1), 0);
	assert_int_equal(pt_map(&pt, MiB(8), MiB(8) + 4096, 4096, PT_RWX | PT_DIRTY, 1), 0);
	assert_int_equal(pt_map(&pt, MiB(10), MiB(10), MiB(2), PT_RWX, 1), 0);
	pt_clear_dirty(&pt, 0, GiB(1), note_dirty, &sum);
	assert_int_equal(sum, MiB(2) + 1 + MiB(8));
	pt_clear_dirty(&pt, 0, GiB(1), note_dirty, &sum);
	assert_int_equal(sum, MiB(2) + 1 + MiB(8));
	pt_destroy(&pt);
}

static struct page_table shared;

static void hammer(void *arg)
{
	uint64_t base = KERNEL_HALF + MiB(1) * this_cpu_id().n, r = this_cpu_id().n + 9;
	struct pt_leaf leaf;

	(void)arg;
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t va = base + host_rand_below(&r, 256) * PAGE_SIZE;
		struct pt_gather g = { 0 };

		if (pt_query(&shared, va, &leaf)) {
			ASSERT(leaf.pa == va - KERNEL_HALF + GiB(4));
			/* No other CPU flushes here, so tables may not go: they stay by keep_upper.
			 */
			ASSERT(pt_unmap(&shared, va, PAGE_SIZE, &g) == 0 && g.nr_leaves == 1);
		} else {
			ASSERT(pt_map(&shared, va, va - KERNEL_HALF + GiB(4), PAGE_SIZE, PT_RWX,
				      2) == 0);
		}
	}
}

static void four_cpus(void **state)
{
	(void)state;
	shared = new_table(&pt_host_format);
	shared.keep_upper = true;
	host_run_on_cpus(4, hammer, NULL);
	pt_destroy(&shared);
	assert_int_equal(host_memory_stats().free, host_memory_stats().total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_format),
		cmocka_unit_test(npt_format),
		cmocka_unit_test(index_format),
		cmocka_unit_test(largest_leaves),
		cmocka_unit_test(tables_wait_for_the_flush),
		cmocka_unit_test(kept_tables),
		cmocka_unit_test(not_readable_is_not_present),
		cmocka_unit_test(replace_a_leaf),
		cmocka_unit_test(dirty_bits),
		cmocka_unit_test(four_cpus),
	};

	host_machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
