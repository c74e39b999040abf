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

	ready_place_new(q, &w.e);
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
	struct ready_queue from = { .base = 500 * MS };
	struct ready_queue to = { .base = 0 - MS, .offset = 500 * MS + 2 * MS };
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
	/* The other queue's place was a millisecond further on: they are owed that here. */
	assert_int_equal(a.e.vtime - to.base, MS);
}

static void test_move_is_owed_no_more_than_the_limit(void **state)
{
	struct ready_queue slow = { .base = 7 * MS }, fast = { .base = 5000 * MS };
	struct worker a = worker(&slow, 1024), b = worker(&fast, 1024);

	(void)state;
	ready_leave(&slow, &a.e);
	ready_arrive(&fast, &a.e);
	assert_int_equal(fast.base - a.e.vtime, READY_LAG_MAX_NS);
	/* The queues are near each other from now on. */
	assert_int_equal(ready_behind(ready_place(&slow), ready_place(&fast)), READY_LAG_MAX_NS);
	b.e.vtime += 1000 * MS;
	b.e.weight = 512;
	ready_leave(&fast, &b.e);
	ready_arrive(&slow, &b.e);
	assert_int_equal(b.e.vtime - slow.base, 2 * READY_LAG_MAX_NS);
}

static void test_lift_only_lifts(void **state)
{
	struct ready_queue q = { .base = 10 * MS, .offset = UINT64_MAX - 3 * MS };
	struct worker w = worker(&q, 1024);
	uint64_t place = ready_place(&q);

	(void)state;
	ready_lift(&q, place - MS);
	assert_int_equal(ready_place(&q), place);
	ready_lift(&q, place + 5 * MS);
	assert_int_equal(ready_place(&q), place + 5 * MS);
	/* Those in it keep their order and their distance. */
	assert_int_equal(w.e.vtime, q.base);
	assert_int_equal(ready_behind(place, place + MS), MS);
	assert_int_equal(ready_behind(place + MS, place), 0);
}

/*
 * Three threads on two queues, moved as balance.c does: whoever waits goes where it is served
 * better. Each gets two thirds of a CPU.
 */
static void test_lag_decides_moves(void **state)
{
	struct ready_queue q[2] = { { .base = 3 * MS }, { .base = 9000 * MS } };
	struct worker w[3];
	unsigned moves = 0;

	(void)state;
	ready_lift(&q[0], ready_place(&q[1]));
	for (int i = 0; i < 3; i++) {
		w[i] = worker(&q[i / 2], 1024);
		ready_insert(&q[i / 2], &w[i].e);
	}
	for (int i = 0; i < 900; i++) {
		unsigned full = q[0].n == 2 ? 0 : 1;
		struct ready_entry *e;

		run_one(&q[0], SLICE);
		run_one(&q[1], SLICE);
		e = ready_first(&q[full]);
		if (ready_behind(e->vtime + q[full].offset, ready_place(&q[!full])) < 2 * SLICE)
			continue;
		ready_remove(&q[full], e);
		ready_leave(&q[full], e);
		ready_arrive(&q[!full], e);
		ready_insert(&q[!full], e);
		moves++;
	}
	assert_in_range(moves, 10, 450);
	for (int i = 0; i < 3; i++)
		assert_in_range(w[i].ran, 590 * SLICE, 610 * SLICE);
}

/* Who works for others stands where all together stand, and who was lent much is not held back by
 * what it owed at its own small weight. */
static void test_merged_places(void **state)
{
	(void)state;
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
		struct ready_queue q = { .base = bases[b], .offset = 5 * MS };
		struct worker w = worker(&q, 2);
		uint64_t place = bases[b] + 5 * MS;

		w.e.vtime = q.base + 513 * MS;
		ready_merge(&q, &w.e, 1024, 1024 * (int64_t)(2 * MS));
		assert_int_equal(w.e.vtime - q.base, 513 * MS * 2 / 1026 + 2 * MS * 1024 / 1026);
		w.e.vtime = q.base + 513 * MS;
		ready_merge(&q, &w.e, 1024, -1024 * (int64_t)(3 * MS));
		assert_int_equal((int64_t)(w.e.vtime - q.base),
				 (int64_t)(MS - 3 * MS * 1024 / 1026));
		assert_int_equal(ready_distance(&q, place + 2 * MS, 1024), 2 * MS);
		assert_int_equal(ready_distance(&q, place + 100 * MS, 1024), READY_LAG_MAX_NS);
		assert_int_equal(ready_distance(&q, place - 100 * MS, 1024), -(int64_t)(3 * MS));
		w.e.vtime = q.base;
		w.e.weight = 1024;
		ready_set_place(&q, &w.e, place + 2 * MS);
		assert_int_equal(w.e.vtime - q.base, 2 * MS);
		ready_set_place(&q, &w.e, place + MS); /* never back */
		assert_int_equal(w.e.vtime - q.base, 2 * MS);
		ready_set_place(&q, &w.e, place + 100 * MS);
		assert_int_equal(w.e.vtime - q.base, READY_LAG_MAX_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_take_turns),
		cmocka_unit_test(test_shares_follow_weights),
		cmocka_unit_test(test_merged_places),
		cmocka_unit_test(test_very_long_run_is_charged_whole),
		cmocka_unit_test(test_sleeper_is_not_owed_its_sleep),
		cmocka_unit_test(test_base_never_goes_back),
		cmocka_unit_test(test_move_keeps_the_lag),
		cmocka_unit_test(test_move_is_owed_no_more_than_the_limit),
		cmocka_unit_test(test_lift_only_lifts),
		cmocka_unit_test(test_lag_decides_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
