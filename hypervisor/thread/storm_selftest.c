// SPDX-License-Identifier: GPL-2.0-or-later
// Storms for the logical log: many threads on all CPUs do one thing to one object, a fixed number
// of times. Each is a test by itself as well; with `llog` its events are replayed
// (tests/test_llog.py), and the mutants of tests/mutants are found by them.
#include "lib/errno.h"
#include "mem/page.h"
#include "thread/testlib.h"

#define THREADS_MAX 12u

static const struct lock_class ticket_class = { "storm ticket", LOCK_RANK_OBJECT };
static const struct lock_class mcs_class = { "storm mcs", LOCK_RANK_OBJECT | LOCK_MCS };

/* Locks: [l] lock   [a] atomic */
static struct storm {
	struct lock lock;
	struct condvar not_empty, not_full;
	struct wait_queue queue;
	uint64_t count;   /* [l] */
	uint64_t items;   /* [l] */
	uint64_t woken;   /* [a] */
	uint64_t failed;  /* [a] */
	uint32_t go;      /* [a] */
	uint32_t at_door; /* [a] CPUs that want the lock */
} storm;

static unsigned threads_of(unsigned per_cpu)
{
	return MIN(cpu_count() * per_cpu, THREADS_MAX);
}

/* Two on each CPU, that stay there. */
static void run(unsigned n, void (*entry)(void *arg))
{
	struct thread *threads[THREADS_MAX];

	for (unsigned i = 0; i < n; i++)
		threads[i] = test_start("storm", entry, (void *)(uintptr_t)i,
					CPU_ID(i % cpu_count()), true);
	for (unsigned i = 0; i < n; i++)
		test_end(threads[i]);
}

static void begin(const struct lock_class *class)
{
	storm = (struct storm){ 0 };
	lock_init(&storm.lock, class);
	condvar_init(&storm.not_empty);
	condvar_init(&storm.not_full);
	wait_queue_init(&storm.queue);
}

/* ---- locks ---- */

#define LOCK_ROUNDS 400u

/* Holds the lock until two others want it, if they come: a line of one has no order. */
static void let_others_queue(void)
{
	uint32_t others = MIN(cpu_count() - 1, 2u);

	for (unsigned i = 0; i < 20000; i++) {
		if (__atomic_load_n(&storm.at_door, __ATOMIC_ACQUIRE) >= others)
			break;
		cpu_relax();
	}
}

static void add_under_lock(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LOCK_ROUNDS; i++) {
		__atomic_fetch_add(&storm.at_door, 1, __ATOMIC_ACQ_REL);
		lock_acquire(&storm.lock);
		__atomic_fetch_sub(&storm.at_door, 1, __ATOMIC_ACQ_REL);
		WRITE_ONCE(storm.count, READ_ONCE(storm.count) + 1);
		if (i % 16 == 0)
			let_others_queue();
		lock_release(&storm.lock);
		if (i % 8 == 0)
			thread_yield();
		if (lock_try(&storm.lock))
			lock_release(&storm.lock);
	}
}

SELFTEST(storm_ticket_lock)
{
	unsigned n = threads_of(2);

	begin(&ticket_class);
	run(n, add_under_lock);
	SELFTEST_CHECK(storm.count == n * LOCK_ROUNDS);
}

SELFTEST(storm_mcs_lock)
{
	unsigned n = threads_of(2);

	begin(&mcs_class);
	run(n, add_under_lock);
	SELFTEST_CHECK(storm.count == n * LOCK_ROUNDS);
}

/* ---- condition variables: a buffer with room for two ---- */

#define ITEMS 60u
#define ROOM  2u

static void put_one(void)
{
	lock_acquire(&storm.lock);
	while (storm.items == ROOM)
		condvar_wait(&storm.not_full, &storm.lock, WAIT_FOREVER, false);
	storm.items++;
	lock_release(&storm.lock);
	condvar_signal(&storm.not_empty);
}

static void take_one(void)
{
	lock_acquire(&storm.lock);
	while (!storm.items)
		condvar_wait(&storm.not_empty, &storm.lock, WAIT_FOREVER, false);
	storm.items--;
	storm.count++;
	lock_release(&storm.lock);
	condvar_signal(&storm.not_full);
}

static void produce_or_consume(void *arg)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		if ((uintptr_t)arg % 2)
			put_one();
		else
			take_one();
	}
}

SELFTEST(storm_condvar)
{
	unsigned n = threads_of(2) & ~1u;

	begin(&ticket_class);
	run(n, produce_or_consume);
	SELFTEST_CHECK(storm.items == 0 && storm.count == (uint64_t)n / 2 * ITEMS);
}

/* ---- wait queues: sleepers with time-outs, wakeups and interrupts at once ---- */

#define SLEEPS 60u

static void sleep_often(void)
{
	for (unsigned i = 0; i < SLEEPS; i++) {
		int rc;

		wait_begin(&storm.queue);
		rc = wait_sleep(&storm.queue, time_now() + 100000 * (i % 5), i % 2);
		if (rc == 0)
			__atomic_fetch_add(&storm.woken, 1, __ATOMIC_RELAXED);
		else if (rc != -ETIMEDOUT && rc != -EINTR)
			__atomic_fetch_add(&storm.failed, 1, __ATOMIC_RELAXED);
		thread_clear_interrupt();
	}
	__atomic_fetch_add(&storm.go, 1, __ATOMIC_RELEASE);
}

static void wake_until_done(unsigned sleepers)
{
	for (unsigned i = 0; __atomic_load_n(&storm.go, __ATOMIC_ACQUIRE) < sleepers; i++) {
		__atomic_fetch_sub(&storm.woken, wait_wake(&storm.queue, 1 + i % 3),
				   __ATOMIC_RELAXED);
		preempt_point();
		thread_yield();
	}
}

static void sleep_or_wake(void *arg)
{
	unsigned wakers = threads_of(3) / 3;

	if ((uintptr_t)arg < wakers)
		wake_until_done(threads_of(3) - wakers);
	else
		sleep_often();
}

SELFTEST(storm_wait_queue)
{
	begin(&ticket_class);
	run(threads_of(3), sleep_or_wake);
	SELFTEST_CHECK(storm.failed == 0 && storm.woken == 0);
}

static void sleep_interruptibly(void *arg)
{
	(void)arg;
	wait_begin(&storm.queue);
	if (wait_sleep(&storm.queue, WAIT_FOREVER, true) != -EINTR)
		__atomic_fetch_add(&storm.failed, 1, __ATOMIC_RELAXED);
}

SELFTEST(storm_interrupts)
{
	begin(&ticket_class);
	for (unsigned i = 0; i < 30; i++) {
		struct thread *t = test_start("storm", sleep_interruptibly, NULL,
					      CPU_ID(i % cpu_count()), i % 3);

		thread_interrupt(t);
		test_end(t);
	}
	SELFTEST_CHECK(storm.failed == 0);
}

/* ---- ready queues and inboxes: threads that may move ---- */

static void yield_often(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 50; i++) {
		thread_yield();
		preempt_point();
	}
}

SELFTEST(storm_moving_threads)
{
	struct thread *threads[THREADS_MAX];

	for (unsigned i = 0; i < THREADS_MAX; i++)
		threads[i] = test_start("storm", yield_often, NULL, CPU_ID(0), false);
	for (unsigned i = 0; i < THREADS_MAX; i++)
		test_end(threads[i]);
}

/* ---- pages ---- */

#define PAGES 24u

static void churn_pages(void *arg)
{
	phys_t pages[PAGES];

	(void)arg;
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < PAGES; i++) {
			pages[i] =
				page_alloc(kernel_container, i % 3 + 1, PAGE_KERNEL, 0, NODE_ANY);
			if (!pages[i])
				__atomic_fetch_add(&storm.failed, 1, __ATOMIC_RELAXED);
		}
		for (unsigned i = 0; i < PAGES; i++) {
			if (pages[i])
				page_free(pages[i], i % 3 + 1);
		}
	}
}

SELFTEST(storm_pages)
{
	begin(&ticket_class);
	run(threads_of(2), churn_pages);
	SELFTEST_CHECK(storm.failed == 0);
}
