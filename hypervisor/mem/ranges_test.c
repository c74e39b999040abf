// SPDX-License-Identifier: GPL-2.0-or-later
// Range sets against a map with one byte for each page of a small address space.
// TEST-WITH: mem/ranges.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "mem/ranges.h"
#include "tests/host/rand.h"

#define PAGES 400
#define LIMIT (350 * PAGE_SIZE)

static struct range_set a, b, out;

static void to_map(const struct range_set *s, int8_t *map)
{
	memset(map, -1, PAGES);
	for (unsigned i = 0; i < s->nr; i++) {
		assert_true(s->at[i].size > 0 &&
			    IS_ALIGNED(s->at[i].base | s->at[i].size, PAGE_SIZE));
		if (i) {
			phys_t end = s->at[i - 1].base + s->at[i - 1].size;

			assert_true(end <= s->at[i].base);
			assert_false(end == s->at[i].base && s->at[i - 1].node == s->at[i].node);
		}
		for (phys_t pa = s->at[i].base; pa < s->at[i].base + s->at[i].size; pa += PAGE_SIZE)
			map[pa / PAGE_SIZE] = (int8_t)s->at[i].node;
	}
}

static unsigned random_ranges(struct mem_range *in, uint64_t *r)
{
	unsigned nr = (unsigned)host_rand_below(r, 12);

	for (unsigned i = 0; i < nr; i++) {
		in[i].base = host_rand_below(r, (PAGES - 60) * PAGE_SIZE);
		in[i].size = host_rand_below(r, 60 * PAGE_SIZE);
		in[i].node = (int)host_rand_below(r, 3);
		if (host_rand_below(r, 2)) {
			in[i].base &= PAGE_MASK;
			in[i].size &= PAGE_MASK;
		}
	}
	return nr;
}

static void model_normalize(const struct mem_range *in, unsigned nr, bool inwards, int8_t *map)
{
	memset(map, -1, PAGES);
	for (unsigned i = 0; i < nr; i++) {
		for (phys_t pa = 0; in[i].size && pa < LIMIT; pa += PAGE_SIZE) {
			phys_t end = in[i].base + in[i].size;
			bool whole = pa >= in[i].base && pa + PAGE_SIZE <= end;
			bool part = pa + PAGE_SIZE > in[i].base && pa < end;

			if (map[pa / PAGE_SIZE] == -1 && (inwards ? whole : part))
				map[pa / PAGE_SIZE] = (int8_t)in[i].node;
		}
	}
}

static void sets_against_model(void **state)
{
	struct mem_range in[16];
	int8_t map_a[PAGES], map_b[PAGES], map[PAGES], expect[PAGES];
	uint64_t r = 99;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		unsigned nr = random_ranges(in, &r);

		assert_true(ranges_normalize(&a, in, nr, true, LIMIT));
		to_map(&a, map_a);
		model_normalize(in, nr, true, expect);
		assert_memory_equal(map_a, expect, PAGES);

		nr = random_ranges(in, &r);
		assert_true(ranges_normalize(&b, in, nr, false, LIMIT));
		to_map(&b, map_b);
		model_normalize(in, nr, false, expect);
		assert_memory_equal(map_b, expect, PAGES);

		assert_true(ranges_subtract(&out, &a, &b));
		to_map(&out, map);
		for (unsigned i = 0; i < PAGES; i++)
			assert_int_equal(map[i], map_b[i] == -1 ? map_a[i] : -1);
		assert_true(ranges_intersect(&out, &a, &b));
		uint64_t pages = 0;
		memset(map, -1, PAGES);
		for (unsigned i = 0; i < out.nr; i++)
			for (phys_t pa = out.at[i].base; pa < out.at[i].base + out.at[i].size;
			     pa += PAGE_SIZE)
				map[pa / PAGE_SIZE] = (int8_t)out.at[i].node;
		for (unsigned i = 0; i < PAGES; i++) {
			assert_int_equal(map[i], map_b[i] != -1 ? map_a[i] : -1);
			pages += map[i] != -1;
		}
		assert_int_equal(ranges_size(&out), pages * PAGE_SIZE);
	}
}

static void take_from_the_top(void **state)
{
	const struct mem_range in[] = { { MiB(1), MiB(7), 0 }, { MiB(16), MiB(3), 1 } };
	int node = -1;

	(void)state;
	assert_true(ranges_normalize(&a, in, 2, true, RAM_END));
	assert_int_equal(ranges_take(&a, MiB(2), MiB(2), RAM_END, &node), MiB(16));
	assert_int_equal(node, 1);
	assert_int_equal(ranges_take(&a, MiB(2), MiB(2), RAM_END, &node), MiB(6));
	assert_int_equal(node, 0);
	assert_int_equal(ranges_take(&a, PAGE_SIZE, PAGE_SIZE, RAM_END, &node),
			 MiB(19) - PAGE_SIZE);
	assert_int_equal(ranges_take(&a, PAGE_SIZE, PAGE_SIZE, MiB(2), &node), MiB(2) - PAGE_SIZE);
	assert_int_equal(ranges_take(&a, MiB(5), PAGE_SIZE, RAM_END, &node), 0);
	assert_int_equal(ranges_size(&a), MiB(10) - 2 * PAGE_SIZE - MiB(4));
}

static void wild_ranges(void **state)
{
	const struct mem_range in[] = {
		{ UINT64_MAX - 10, 5, 0 }, { MiB(1), UINT64_MAX, 0 }, { 0, 100, 1 }, { 5, 0, 0 }
	};
	static struct mem_range many[MEM_RANGES_MAX + 1];

	(void)state;
	assert_true(ranges_normalize(&a, in, ARRAY_SIZE(in), true, RAM_END));
	assert_int_equal(a.nr, 1);
	assert_int_equal(a.at[0].size, RAM_END - MiB(1));
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct mem_range){ i * 2 * PAGE_SIZE, PAGE_SIZE, 0 };
	assert_true(ranges_normalize(&a, many, MEM_RANGES_MAX, true, RAM_END));
	assert_false(ranges_normalize(&a, many, MEM_RANGES_MAX + 1, true, RAM_END));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_against_model),
		cmocka_unit_test(take_from_the_top),
		cmocka_unit_test(wild_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
