// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: thread/ready.c lib/rbtree.c
// The ready queue driven as the scheduler drives it, in virtual slices: shares by weight, order of
// equals, sleepers, moves between queues, and all of it across the wrap of virtual time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "thread/ready.h"

#define SLICE 3000000ull
#define MS    1000000ull

/* Bases to start from: zero, and shortly before virtual time wraps and changes its sign. */
static const uint64_t bases[] = { 0, UINT64_MAX - 10 * SLICE, (UINT64_MAX >> 1) - 10 * SLICE };

struct worker {
	struct ready_entry e;
	uint64_t ran;
};

static struct worker worker(const struct ready_queue *q, uint32_t weight)
{
	struct worker w = { .e = { .weight = weight } };

	ready_arrive(q, &w.e);
	return w;
}

static struct worker *run_one(struct ready_queue *q, uint64_t ns)
{
	struct worker *w = container_of(ready_first(q), struct worker, e);

	ready_remove(q, &w->e);
	ready_charge(q, &w->e, ns);
	w->ran += ns;
	ready_insert(q, &w->e);
	return w;
}

static void test_equals_take_turns(void **state)
{
	(void)state;
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		struct ready_queue q = { .base = bases[b] };
		struct worker w[3];

		for (int i = 0; i < 3; i++) {
			w[i] = worker(&q, READY_WEIGHT_DEFAULT);
			ready_insert(&q, &w[i].e);
		}
		for (int i = 0; i < 30; i++)
			assert_ptr_equal(run_one(&q, SLICE), &w[i % 3]);
		assert_int_equal(q.n, 3);
	}
}

static void test_shares_follow_weights(void **state)
{
	static const uint32_t weights[] = { 512, 1024, 2048, 4096 };
	uint64_t total = 0;

	(void)state;
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		struct ready_queue q = { .base = bases[b] };
		struct worker w[4];

		for (int i = 0; i < 4; i++) {
			w[i] = worker(&q, weights[i]);
			ready_insert(&q, &w[i].e);
		}
		total = 0;
		/* Slices of different lengths, as when threads sleep early. */
		for (uint64_t i = 0; i < 15000; i++) {
			uint64_t ns = SLICE - (i * 7919 % SLICE) / 2;

			run_one(&q, ns);
			total += ns;
		}
		for (int i = 0; i < 4; i++) {
			uint64_t fair = total * weights[i] / (512 + 1024 + 2048 + 4096);

			assert_in_range(w[i].ran, fair - fair / 100, fair + fair / 100);
		}
	}
}

static void test_very_long_run_is_charged_whole(void **state)
{
	struct ready_queue q = { 0 };
	struct worker w = worker(&q, READY_WEIGHT_DEFAULT);
	uint64_t year = 365ull * 86400 * 1000 * MS;

	(void)state;
	ready_charge(&q, &w.e, year);
	assert_int_equal(w.e.vtime, year);
	assert_int_equal(q.base, year);
}

static void test_sleeper_is_not_owed_its_sleep(void **state)
{
	(void)state;
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		struct ready_queue q = { .base = bases[b] };
		struct worker busy = worker(&q, READY_WEIGHT_DEFAULT);
		struct worker sleeper = worker(&q, READY_WEIGHT_DEFAULT);
		uint64_t before;

		ready_charge(&q, &busy.e, 1000 * MS);
		ready_place_woken(&q, &sleeper.e);
		assert_true(ready_preempts(&sleeper.e, &busy.e));
		ready_insert(&q, &sleeper.e);
		ready_insert(&q, &busy.e);
		/* Ahead by a few ms, then they take turns. */
		for (int i = 0; i < 20; i++)
			run_one(&q, MS);
		assert_in_range(sleeper.ran, 10 * MS, 13 * MS);
		/* A nap too short to matter changes nothing. */
		ready_remove(&q, &sleeper.e);
		before = sleeper.e.vtime;
		ready_place_woken(&q, &sleeper.e);
		assert_int_equal(sleeper.e.vtime, before);
		assert_false(ready_preempts(&sleeper.e, &busy.e));
	}
}

static void test_base_never_goes_back(void **state)
{
	struct ready_queue q = { 0 };
	struct worker w[3];
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		w[i] = worker(&q, 1024u << i);
		ready_insert(&q, &w[i].e);
	}
	for (int i = 0; i < 1000; i++) {
		run_one(&q, SLICE);
		assert_true(q.base >= last);
		assert_true(q.base <= ready_first(&q)->vtime);
		last = q.base;
		if (i % 10 == 5) {
			struct ready_entry *e = ready_last(&q);

			ready_remove(&q, e);
			ready_place_woken(&q, e);
			ready_insert(&q, e);
		}
	}
	assert_true(last > 0);
}

static void test_move_keeps_the_lag(void **state)
{
	struct ready_queue from = { .base = 500 * MS }, to = { .base = UINT64_MAX - MS };
	struct worker a = worker(&from, 1024), b = worker(&from, 1024);

	(void)state;
	a.e.vtime += 2 * MS;
	ready_leave(&from, &a.e);
	ready_leave(&from, &b.e);
	ready_arrive(&to, &a.e);
	ready_arrive(&to, &b.e);
	ready_insert(&to, &a.e);
	ready_insert(&to, &b.e);
	assert_ptr_equal(ready_first(&to), &b.e);
	assert_ptr_equal(ready_last(&to), &a.e);
	assert_ptr_equal(ready_before(&a.e), &b.e);
	assert_null(ready_before(&b.e));
	assert_int_equal(a.e.vtime - b.e.vtime, 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_take_turns),
		cmocka_unit_test(test_shares_follow_weights),
		cmocka_unit_test(test_very_long_run_is_charged_whole),
		cmocka_unit_test(test_sleeper_is_not_owed_its_sleep),
		cmocka_unit_test(test_base_never_goes_back),
		cmocka_unit_test(test_move_keeps_the_lag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
