// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/lock.c
// One of several threads at a time is inside, and none sleeps for ever: each has as many turns as
// the others. What they count is no atomic.

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vmm/lock.h"

#define THREADS 4
#define TURNS   20000

static struct mutex mutex;
static unsigned inside, overlaps, turns;

static void *take_turns(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TURNS; i++) {
		mutex_lock(&mutex);
		overlaps += inside++ != 0;
		/* Others find it taken, and sleep. */
		if (i % 64 == 0)
			sched_yield();
		turns++;
		inside--;
		mutex_unlock(&mutex);
	}
	return NULL;
}

static void test_exclusion(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(overlaps, 0);
	assert_int_equal(turns, THREADS * TURNS);
	assert_int_equal(mutex.state, MUTEX_FREE);
}

static void test_try(void **state)
{
	struct mutex m = { 0 };

	(void)state;
	assert_true(mutex_try(&m));
	assert_false(mutex_try(&m));
	mutex_unlock(&m);
	assert_true(mutex_try(&m));
	mutex_unlock(&m);
	assert_int_equal(m.state, MUTEX_FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exclusion),
		cmocka_unit_test(test_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
