// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: proc/futex.c
// Futexes among threads on several CPUs: no wakeup is lost, none wakes too many, bitsets and time
// limits hold. Ring 3 is this program.
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cpu/time.h"
#include "lib/errno.h"
#include "mem/as.h"
#include "proc/futex.h"
#include "tests/host/thread.h"

#define CPUS 4
#define MS   1000000ull

static uint32_t word, other;

struct as *as_current(void)
{
	return NULL;
}

int as_key(struct as *as, uint64_t va, uint64_t *object, uint64_t *offset)
{
	(void)as;
	if (va == 0)
		return -EFAULT;
	*object = 1;
	*offset = va;
	return 0;
}

int user_load32(uint64_t va, uint32_t *value)
{
	*value = __atomic_load_n((const uint32_t *)va, __ATOMIC_SEQ_CST);
	return 0;
}

static void test_refusals(void **state)
{
	uint64_t va = (uintptr_t)&word;

	(void)state;
	word = 1;
	assert_int_equal(futex_wait(va, 2, WAIT_FOREVER, FUTEX_ANY), -EAGAIN);
	assert_int_equal(futex_wait(va + 1, 1, WAIT_FOREVER, FUTEX_ANY), -EINVAL);
	assert_int_equal(futex_wait(va, 1, WAIT_FOREVER, 0), -EINVAL);
	assert_int_equal(futex_wait(0, 1, WAIT_FOREVER, FUTEX_ANY), -EFAULT);
	assert_int_equal(futex_wait(va, 1, time_now() + 2 * MS, FUTEX_ANY), -ETIMEDOUT);
	host_interrupt(0);
	assert_int_equal(futex_wait(va, 1, WAIT_FOREVER, FUTEX_ANY), -EINTR);
	assert_int_equal(futex_wake(va, 1, 0), -EINVAL);
	assert_int_equal(futex_wake(va, 1, FUTEX_ANY), 0);
	assert_int_equal(futex_requeue(va, 1, 1, &(uint32_t){ 2 }), -EAGAIN);
}

/* ---- a mutex of one word: 0 free, 1 taken, 2 taken with waiters ---- */

static uint32_t mutex;
static volatile uint64_t counter;

static void lock_mutex(void)
{
	uint32_t free = 0;

	if (__atomic_compare_exchange_n(&mutex, &free, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&mutex, 2, __ATOMIC_ACQUIRE) != 0)
		(void)futex_wait((uintptr_t)&mutex, 2, WAIT_FOREVER, FUTEX_ANY);
}

static void unlock_mutex(void)
{
	if (__atomic_exchange_n(&mutex, 0, __ATOMIC_RELEASE) == 2)
		(void)futex_wake((uintptr_t)&mutex, 1, FUTEX_ANY);
}

static void count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3000; i++) {
		lock_mutex();
		counter = counter + 1;
		if (i % 32 == 0)
			sched_yield();
		unlock_mutex();
	}
}

static void test_mutex(void **state)
{
	(void)state;
	counter = 0;
	host_run_on_cpus(CPUS, count, NULL);
	assert_int_equal(counter, CPUS * 3000);
}

/* ---- how many wake, and which ---- */

static uint32_t asleep, woken[CPUS];

static void sleeper(uint32_t bitset)
{
	unsigned int cpu = this_cpu_id().n;

	__atomic_fetch_add(&asleep, 1, __ATOMIC_SEQ_CST);
	if (futex_wait((uintptr_t)&word, 7, time_now() + 5000 * MS, bitset) == 0)
		__atomic_store_n(&woken[cpu], 1, __ATOMIC_SEQ_CST);
}

static uint32_t nr_woken(void)
{
	uint32_t n = 0;

	for (int i = 0; i < CPUS; i++)
		n += __atomic_load_n(&woken[i], __ATOMIC_SEQ_CST);
	return n;
}

static int64_t wake_until(int64_t wanted, uint32_t bitset)
{
	int64_t n = 0;

	while (n < wanted)
		n += futex_wake((uintptr_t)&word, (uint32_t)(wanted - n), bitset);
	return n;
}

static bool bits_right, counts_right;

static void wake_some(void *arg)
{
	(void)arg;
	if (this_cpu_id().n != 0) {
		sleeper(1u << this_cpu_id().n);
		return;
	}
	while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) < CPUS - 1)
		sched_yield();
	bits_right = futex_wake((uintptr_t)&other, 9, FUTEX_ANY) == 0 &&
		     futex_wake((uintptr_t)&word, 9, 1u << 0) == 0 && wake_until(1, 1u << 2) == 1;
	while (nr_woken() < 1)
		sched_yield();
	bits_right = bits_right && woken[2] == 1 && nr_woken() == 1;
	counts_right =
		wake_until(2, FUTEX_ANY) == 2 && futex_wake((uintptr_t)&word, 9, FUTEX_ANY) == 0;
}

static void test_wake(void **state)
{
	(void)state;
	word = 7;
	asleep = 0;
	host_run_on_cpus(CPUS, wake_some, NULL);
	assert_true(bits_right);
	assert_true(counts_right);
	assert_int_equal(nr_woken(), CPUS - 1);
}

static int setup(void **state)
{
	(void)state;
	host_cpu_init(CPUS);
	futex_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_mutex),
		cmocka_unit_test(test_wake),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
