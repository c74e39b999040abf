// SPDX-License-Identifier: GPL-2.0-or-later
// List, bitmap and bits against simple models.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "lib/bitmap.h"
#include "lib/list.h"

struct item {
	int value;
	struct list_head link;
};

static void expect_list(struct list_head *h, const int *values, size_t n)
{
	struct item *it;
	size_t i = 0;

	list_for_each_entry (it, h, link) {
		assert_true(i < n);
		assert_int_equal(it->value, values[i++]);
		assert_ptr_equal(it->link.next->prev, &it->link);
	}
	assert_int_equal(i, n);
}

static void test_list(void **state)
{
	LIST_HEAD(a);
	LIST_HEAD(b);
	struct item items[6], *it, *tmp;

	(void)state;
	assert_true(list_empty(&a));
	assert_null(list_first_entry_or_null(&a, struct item, link));
	for (int i = 0; i < 6; i++)
		items[i].value = i;
	for (int i = 0; i < 3; i++)
		list_add_tail(&items[i].link, &a);
	list_add(&items[3].link, &a);
	expect_list(&a, (int[]){ 3, 0, 1, 2 }, 4);
	list_splice_tail(&a, &b);
	assert_true(list_empty(&a));
	list_splice_tail(&a, &b);
	expect_list(&b, (int[]){ 3, 0, 1, 2 }, 4);
	list_add_tail(&items[4].link, &a);
	list_splice_tail(&b, &a);
	expect_list(&a, (int[]){ 4, 3, 0, 1, 2 }, 5);
	list_move_tail(&items[3].link, &a);
	expect_list(&a, (int[]){ 4, 0, 1, 2, 3 }, 5);
	list_for_each_entry_safe (it, tmp, &a, link) {
		if (it->value % 2 == 0) {
			list_del(&it->link);
			list_del(&it->link);
		}
	}
	expect_list(&a, (int[]){ 1, 3 }, 2);
	assert_ptr_equal(list_last_entry(&a, struct item, link), &items[3]);
	list_init(&b);
}

#define NBITS 200

static size_t model_next(const bool *m, size_t from, bool wanted)
{
	while (from < NBITS && m[from] != wanted)
		from++;
	return from;
}

static size_t model_run(const bool *m, size_t count)
{
	for (size_t s = 0; s + count <= NBITS; s++) {
		size_t n = 0;

		while (n < count && !m[s + n])
			n++;
		if (n == count)
			return s;
	}
	return NBITS;
}

static void test_bitmap(void **state)
{
	DECLARE_BITMAP(map, NBITS);
	bool model[NBITS] = { false };

	(void)state;
	bitmap_zero(map, NBITS);
	assert_true(bitmap_empty(map, NBITS));
	for (int round = 0; round < 5000; round++) {
		size_t bit = (size_t)rand() % NBITS, len = (size_t)rand() % (NBITS - bit) % 20;
		size_t count = 0, seen = 0, i;
		bool set = rand() % 2 == 0;

		(set ? bitmap_set_range : bitmap_clear_range)(map, bit, len);
		for (i = bit; i < bit + len; i++)
			model[i] = set;
		for (i = 0; i < NBITS; i++) {
			assert_int_equal(bitmap_test(map, i), model[i]);
			assert_int_equal(bitmap_next_set(map, NBITS, i),
					 model_next(model, i, true));
			assert_int_equal(bitmap_next_clear(map, NBITS, i),
					 model_next(model, i, false));
			count += model[i];
		}
		assert_int_equal(bitmap_count(map, NBITS), count);
		for_each_set_bit (i, map, NBITS)
			seen++;
		assert_int_equal(seen, count);
		for (i = 1; i < 30; i++)
			assert_int_equal(bitmap_find_clear_run(map, NBITS, i), model_run(model, i));
	}
	bitmap_set_range(map, 0, NBITS);
	assert_int_equal(bitmap_next_clear(map, NBITS, 0), NBITS);
	assert_int_equal(bitmap_find_clear_run(map, NBITS, 1), NBITS);
	assert_int_equal(bitmap_next_set(map, NBITS, NBITS), NBITS);
}

static void test_bits(void **state)
{
	unsigned int i, n = 0;

	(void)state;
	assert_true(BITS(63, 0) == UINT64_MAX && BITS(7, 4) == 0xf0 && BITS(0, 0) == 1);
	assert_int_equal(BITS_GET(0xabcd, 11, 4), 0xbc);
	for (i = 0; i < 64; i++) {
		assert_int_equal(bit_lowest(BIT(i) | BIT(63)), i);
		assert_int_equal(bit_highest(BIT(i) | 1), i);
		assert_int_equal(log2_up(BIT(i)), i);
		assert_true(is_pow2(BIT(i)));
		assert_int_equal(bit_count(BIT(i) - 1), i);
	}
	assert_false(is_pow2(0) || is_pow2(6));
	assert_int_equal(log2_up(5), 3);
	assert_int_equal(pow2_up(5), 8);
	assert_int_equal(bit_count(UINT64_MAX), 64);
	for_each_bit (i, BIT(3) | BIT(40) | BIT(63))
		n = n * 100 + i;
	assert_int_equal(n, 34063);
	assert_int_equal(ALIGN_UP(0x1001ULL, 0x1000), 0x2000);
	assert_int_equal(ALIGN_DOWN(0x1fffULL, 0x1000), 0x1000);
	assert_true(ALIGN_UP(0xfffff00000001ULL, 4096) == 0xfffff00001000ULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_bitmap),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
