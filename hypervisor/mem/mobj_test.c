// SPDX-License-Identifier: GPL-2.0-or-later
// Memory objects: contents against a copy, quota, page sizes, pins, the dirty hook, and that every
// page comes back.
// TEST-WITH: mem/mobj.c mem/preempt.c mem/pt.c mem/pt_format.c mem/zone.c mem/page.c mem/container.c mem/kalloc.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/mobj.h"
#include "mem/page_struct.h"
#include "mem/preempt.h"
#include "mem/pt.h"
#include "tests/host/host.h"
#include "tests/host/rand.h"

static unsigned turns;

static void count_turn(void)
{
	turns++;
}

static uint64_t used_by(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

static void assert_all_free(void)
{
	struct mem_stats s = host_memory_stats();

	assert_int_equal(s.free, s.total);
}

static void populated_object_has_large_pages(void **state)
{
	struct mobj *m = mobj_create(kernel_container, GiB(1) + MiB(6) + 12288,
				     MOBJ_POPULATE | MOBJ_IS_GUEST, 0);
	unsigned level;

	(void)state;
	assert_non_null(m);
	assert_int_equal(host_memory_stats().use[PAGE_GUEST], GiB(1) + MiB(6) + 12288);
	assert_int_equal(mobj_present(m), mobj_size(m));
	/* What is not cleared yet may not be mapped: the last piece makes it one page of 1G. */
	for (uint64_t offset = 0; offset < GiB(1); offset += MiB(2)) {
		assert_int_not_equal(mobj_page(m, offset + 4096, &level), 0);
		assert_int_equal(level, offset < GiB(1) - MiB(2) ? PT_LEVEL_2M : PT_LEVEL_1G);
	}
	assert_int_not_equal(mobj_page(m, MiB(512), &level), 0);
	assert_int_equal(level, PT_LEVEL_1G);
	phys_t pa = mobj_page(m, GiB(1) + MiB(3), &level);
	assert_int_equal(level, PT_LEVEL_2M);
	assert_true(IS_ALIGNED(pa - MiB(1), MiB(2)));
	assert_int_not_equal(mobj_page(m, GiB(1) + MiB(6) + 8192, &level), 0);
	assert_int_equal(level, PT_LEVEL_4K);
	assert_int_equal(mobj_page(m, GiB(1) + MiB(6) + 12288, &level), 0);
	turns = 0;
	mobj_put(m);
	assert_true(turns > 0);
	assert_all_free();
}

static void fill_with_dirt(unsigned order)
{
	phys_t dirt = page_alloc(kernel_container, order, PAGE_KERNEL, 0, 0);

	memset(phys_to_virt(dirt), 0xff, PAGE_SIZE << order);
	page_free(dirt, order);
}

static uint64_t word_at(phys_t pa)
{
	return *(uint64_t *)phys_to_virt(pa);
}

static void populated_memory_is_zero(void **state)
{
	uint64_t size = MiB(4) + 8192, zero = 0, word;
	unsigned level;

	(void)state;
	fill_with_dirt(11);
	struct mobj *m = mobj_create(kernel_container, size, MOBJ_POPULATE, 0);
	for (uint64_t offset = 0; offset < size; offset += 8) {
		assert_int_equal(mobj_read(m, offset, &word, 8), 0);
		zero |= word | word_at(mobj_page(m, offset, &level) + (offset & (PAGE_SIZE - 1)));
	}
	assert_int_equal(zero, 0);
	mobj_put(m);
	assert_all_free();
}

/* Pieces are cleared one by one, when they are asked for; what is read before is zero all the same.
 */
static void pieces_are_cleared_when_touched(void **state)
{
	uint64_t word = 1;
	unsigned level;

	(void)state;
	fill_with_dirt(PAGE_ORDER_1G);
	struct mobj *m = mobj_create(kernel_container, GiB(1), MOBJ_POPULATE, 0);
	phys_t pa = mobj_page(m, MiB(4) + 4096, &level) - MiB(4) - 4096;

	assert_int_equal(level, PT_LEVEL_2M);
	assert_true(IS_ALIGNED(pa, GiB(1)));
	assert_int_equal(word_at(pa + MiB(4)), 0);
	assert_int_equal(word_at(pa + MiB(6) - 8), 0);
	assert_int_equal(word_at(pa + MiB(4) - 8), ~0ull);
	assert_int_equal(word_at(pa + MiB(6)), ~0ull);
	assert_int_equal(mobj_read(m, MiB(6), &word, 8), 0);
	assert_int_equal(word, 0);
	assert_int_equal(word_at(pa + MiB(6)), ~0ull);
	assert_int_equal(mobj_write(m, MiB(6) - 4, "abcdefgh", 8), 0);
	assert_int_equal(mobj_read(m, MiB(6), &word, 8), 0);
	assert_memory_equal(&word, "efgh\0\0\0", 8);
	assert_int_equal(mobj_pin(m, MiB(20), 1), 0);
	assert_int_equal(word_at(pa + MiB(20)), 0);
	assert_false(mobj_is_pinned(m, MiB(24)));
	mobj_unpin(m, MiB(20), 1);
	mobj_put(m);
	for (phys_t at = pa; at < pa + GiB(1); at += PAGE_SIZE)
		assert_int_equal(page_of(at)->link, 0);
	assert_all_free();
}

static void contents_against_copy(struct mobj *m, uint8_t *copy, uint64_t size, uint64_t *r)
{
	static uint8_t buf[20000];

	for (unsigned step = 0; step < 3000; step++) {
		uint64_t offset = host_rand_below(r, size + 100),
			 len = host_rand_below(r, sizeof(buf));
		bool good = offset <= size && len <= size - offset;

		if (host_rand_below(r, 2)) {
			memset(buf, (int)host_rand(r), len);
			assert_int_equal(mobj_write(m, offset, buf, len), good ? 0 : -EFAULT);
			if (good)
				memcpy(copy + offset, buf, len);
		} else {
			assert_int_equal(mobj_read(m, offset, buf, len), good ? 0 : -EFAULT);
			if (good)
				assert_memory_equal(buf, copy + offset, len);
		}
	}
}

static void read_and_write(void **state)
{
	uint64_t size = MiB(2) + 5 * PAGE_SIZE, r = 5;
	uint8_t *copy = calloc(1, size);

	(void)state;
	for (unsigned flags = 0; flags <= MOBJ_POPULATE; flags++) {
		struct mobj *m = mobj_create(kernel_container, size, flags, NODE_ANY);

		memset(copy, 0, size);
		contents_against_copy(m, copy, size, &r);
		mobj_put(m);
		assert_all_free();
	}
	free(copy);
}

/* In place is what is there and cleared, no further than its page or piece, and stays where it is.
 */
static void views_end_with_page_or_piece(void **state)
{
	struct mobj *m = mobj_create(kernel_container, MiB(4) + 8192, MOBJ_POPULATE, 0);
	struct mobj *sparse = mobj_create(kernel_container, MiB(4), 0, 0);
	uint64_t before, after;
	const char *at;

	(void)state;
	assert_null(mobj_view(m, MiB(2) + 100, &before, &after)); /* not cleared yet */
	assert_int_equal(mobj_write(m, MiB(2) + 100, "large", 6), 0);
	at = mobj_view(m, MiB(2) + 100, &before, &after);
	assert_string_equal(at, "large");
	assert_int_equal(before, 100);
	assert_int_equal(after, MiB(2) - 100);
	assert_null(mobj_view(m, 0, &before, &after));
	assert_ptr_equal(mobj_view(m, MiB(4) - 1, &before, &after), at - 100 + MiB(2) - 1);
	assert_int_equal(after, 1);
	assert_non_null(mobj_view(m, MiB(4) + 4096 + 7, &before, &after));
	assert_int_equal(before, 7);
	assert_int_equal(after, PAGE_SIZE - 7);
	assert_null(mobj_view(m, MiB(4) + 8192, &before, &after));
	assert_null(mobj_view(m, ~0ull, &before, &after));
	assert_null(mobj_view(sparse, 8192, &before, &after));
	assert_int_equal(mobj_write(sparse, 8192, "small", 6), 0);
	assert_string_equal(mobj_view(sparse, 8192, &before, &after), "small");
	assert_int_equal(before, 0);
	assert_int_equal(after, PAGE_SIZE);
	mobj_put(sparse);
	mobj_put(m);
	assert_all_free();
}

static void pages_on_demand_are_charged(void **state)
{
	struct container *c = container_create(kernel_container, "m", KiB(64));
	struct mobj *m = mobj_create(c, GiB(1), 0, NODE_ANY);
	uint64_t before = used_by(c);
	unsigned level, got = 0;

	(void)state;
	assert_non_null(m);
	assert_int_equal(mobj_present(m), 0);
	while (mobj_page(m, got * PAGE_SIZE, &level))
		got++;
	/* 64 KiB, less a root, two tables below it and the object itself; what is left is less than
	 * a page. */
	assert_int_equal(mobj_present(m), got * PAGE_SIZE);
	assert_int_equal(used_by(c), before + (got + 3) * PAGE_SIZE);
	assert_true(KiB(64) - used_by(c) < PAGE_SIZE);
	assert_int_equal(mobj_write(m, MiB(1), "x", 1), -ENOMEM);
	assert_int_equal(mobj_write(m, 0, "x", 1), 0);
	mobj_put(m);
	assert_int_equal(used_by(c), 0);
	container_put(c);
	assert_all_free();
}

static void population_over_quota_fails_whole(void **state)
{
	struct container *c = container_create(kernel_container, "m", MiB(8));

	(void)state;
	assert_null(mobj_create(c, MiB(8), MOBJ_POPULATE, 0));
	assert_int_equal(used_by(c), 0);
	struct mobj *m = mobj_create(c, MiB(7), MOBJ_POPULATE, 0);
	assert_non_null(m);
	mobj_put(m);
	assert_null(mobj_create(c, 0, 0, 0));
	container_put(c);
	assert_all_free();
}

static void pins_hold_pages_and_object(void **state)
{
	struct mobj *m = mobj_create(kernel_container, MiB(2) + 8192, MOBJ_POPULATE, 0);

	(void)state;
	assert_int_equal(mobj_pin(m, MiB(2), 8193), -EFAULT);
	assert_int_equal(mobj_pin(m, MiB(2) - 10, 20), 0);
	assert_int_equal(mobj_pin(m, MiB(2) - 4096, 4096), 0);
	assert_false(mobj_is_pinned(m, 0));
	assert_true(mobj_is_pinned(m, MiB(2) - 1));
	assert_true(mobj_is_pinned(m, MiB(2)));
	assert_false(mobj_is_pinned(m, MiB(2) + 4096));
	mobj_unpin(m, MiB(2) - 10, 20);
	assert_true(mobj_is_pinned(m, MiB(2) - 1));
	assert_false(mobj_is_pinned(m, MiB(2)));
	mobj_put(m);
	assert_int_equal(mobj_size(m), MiB(2) + 8192); /* the pin's reference is left */
	mobj_unpin(m, MiB(2) - 4096, 4096);
	assert_all_free();
}

static void note_dirty(void *arg, uint64_t offset, uint64_t size)
{
	*(uint64_t *)arg += offset * 1000 + size;
}

static void writes_run_the_dirty_hook(void **state)
{
	struct mobj *m = mobj_create(kernel_container, KiB(64), 0, NODE_ANY);
	uint64_t sum = 0;

	(void)state;
	mobj_set_dirty_hook(m, note_dirty, &sum);
	assert_int_equal(mobj_write(m, 5000, "abc", 3), 0);
	assert_int_equal(sum, 5000003);
	assert_int_equal(mobj_write(m, KiB(64), "abc", 3), -EFAULT);
	assert_int_equal(sum, 5000003);
	mobj_put(m);
	assert_all_free();
}

static struct mobj *shared;

/* All CPUs touch the same pages in the same order: each page must be made exactly once. */
static void touch_all(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	for (uint64_t offset = this_cpu_id().n * 8; offset < MiB(8); offset += PAGE_SIZE)
		ASSERT(mobj_write(shared, offset, &one, 8) == 0);
}

static void share(unsigned flags)
{
	shared = mobj_create(kernel_container, MiB(8), flags, NODE_ANY);
	host_run_on_cpus(4, touch_all, NULL);
	assert_int_equal(mobj_present(shared), MiB(8));
	for (uint64_t offset = 0; offset < MiB(8); offset += PAGE_SIZE) {
		uint64_t words[5] = { 0 };

		assert_int_equal(mobj_read(shared, offset, words, sizeof(words)), 0);
		assert_true(words[0] == 1 && words[1] == 1 && words[2] == 1 && words[3] == 1 &&
			    words[4] == 0);
	}
	mobj_put(shared);
	assert_all_free();
}

static void four_cpus_share_an_object(void **state)
{
	(void)state;
	share(0);
}

/* A piece is cleared once: nobody's word is lost. */
static void four_cpus_share_uncleared_pieces(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		fill_with_dirt(11);
		share(MOBJ_POPULATE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(populated_object_has_large_pages),
		cmocka_unit_test(populated_memory_is_zero),
		cmocka_unit_test(read_and_write),
		cmocka_unit_test(views_end_with_page_or_piece),
		cmocka_unit_test(pages_on_demand_are_charged),
		cmocka_unit_test(population_over_quota_fails_whole),
		cmocka_unit_test(pins_hold_pages_and_object),
		cmocka_unit_test(writes_run_the_dirty_hook),
		cmocka_unit_test(pieces_are_cleared_when_touched),
		cmocka_unit_test(four_cpus_share_an_object),
		cmocka_unit_test(four_cpus_share_uncleared_pieces),
	};

	host_machine_init();
	mem_set_preempt_hook(count_turn);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
