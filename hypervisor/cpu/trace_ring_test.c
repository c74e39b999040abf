// SPDX-License-Identifier: GPL-2.0-or-later
// One writer that never waits, a reader that is overtaken again and again.
#include "cpu/trace_ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 400000u

static struct trace_ring ring;

static struct trace_item item(uint64_t n)
{
	return (struct trace_item){ .tsc = n, .ticks = ~n, .address = n * 3 };
}

static void check(const struct trace_item *i, uint64_t n)
{
	assert_int_equal(i->tsc, n);
	assert_int_equal(i->ticks, ~n);
	assert_int_equal(i->address, n * 3);
}

static void put(uint64_t n)
{
	struct trace_item i = item(n);

	trace_ring_put(&ring, &i);
}

static void test_order(void **state)
{
	struct trace_item got;
	uint64_t seq = 0;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	assert_false(trace_ring_get(&ring, &seq, &got));
	for (uint64_t i = 0; i < 10; i++)
		put(i);
	for (uint64_t i = 0; i < 10; i++) {
		assert_true(trace_ring_get(&ring, &seq, &got));
		assert_int_equal(seq, i);
		check(&got, seq++);
	}
	assert_false(trace_ring_get(&ring, &seq, &got));
}

/* A number that is gone becomes the oldest that is left; one that is to come is waited for. */
static void test_overtaken(void **state)
{
	struct trace_item got;
	uint64_t seq = 3;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	for (uint64_t i = 0; i < 2 * TRACE_ENTRIES; i++)
		put(i);
	assert_true(trace_ring_get(&ring, &seq, &got));
	assert_int_equal(seq, TRACE_ENTRIES + 1);
	check(&got, seq);
	seq = 2 * TRACE_ENTRIES;
	assert_false(trace_ring_get(&ring, &seq, &got));
	seq = UINT64_MAX - TRACE_ENTRIES;
	assert_false(trace_ring_get(&ring, &seq, &got));
}

static void test_forgotten(void **state)
{
	struct trace_item got;
	uint64_t seq = 0;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	put(0);
	put(1);
	trace_ring_forget(&ring);
	assert_false(trace_ring_get(&ring, &seq, &got));
	put(2);
	seq = 0;
	assert_true(trace_ring_get(&ring, &seq, &got));
	assert_int_equal(seq, 2);
	check(&got, 2);
}

static void *write_all(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < ROUNDS; i++)
		put(i);
	return NULL;
}

static void test_race(void **state)
{
	struct trace_item got;
	uint64_t seq = 0, next = 0;
	pthread_t writer;

	(void)state;
	memset(&ring, 0, sizeof(ring));
	assert_int_equal(pthread_create(&writer, NULL, write_all, NULL), 0);
	while (next < ROUNDS) {
		if (!trace_ring_get(&ring, &seq, &got))
			continue;
		assert_true(seq >= next);
		check(&got, seq);
		next = ++seq;
	}
	pthread_join(writer, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
