// SPDX-License-Identifier: GPL-2.0-or-later
// Figures, printed and hardly judged: how evenly 1 to 64 threads share the CPUs there are, and how
// long a woken thread takes to run, on its CPU and on another, idle and busy. One line each, that
// begins with `measure:`; on an emulator they are the emulator's.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define MS          1000000ull
#define THREADS_MAX 64
#define ROUNDS      100

static uint32_t stop;

static void work(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		test_burn(100000);
		preempt_point();
	}
}

static void end_all(struct thread **t, unsigned n)
{
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < n; i++)
		test_end(t[i]);
	__atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
}

/* ---- fairness ---- */

static void fairness(unsigned n)
{
	static struct thread *t[THREADS_MAX];
	static uint64_t begun[THREADS_MAX];
	uint64_t least = UINT64_MAX, most = 0, all = 0, passed;

	for (unsigned i = 0; i < n; i++)
		t[i] = test_start("measured", work, NULL, CPU_ID_NONE, false);
	thread_sleep_until(time_now() + 50 * MS, false);
	passed = time_now();
	for (unsigned i = 0; i < n; i++)
		begun[i] = thread_run_time(t[i]);
	thread_sleep_until(time_now() + 50 * MS * MAX(n / cpu_count(), 4u), false);
	/* A busy host may stand still for longer: nobody is left out, if late. */
	for (unsigned i = 0; i < n; i++) {
		while (thread_run_time(t[i]) == begun[i])
			thread_sleep_until(time_now() + 10 * MS, false);
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t ran = thread_run_time(t[i]) - begun[i];

		least = MIN(least, ran);
		most = MAX(most, ran);
		all += ran;
	}
	passed = time_now() - passed;
	end_all(t, n);
	log_info("measure: fairness: %u CPUs, %u threads: least %llu %% and most %llu %% of an "
		 "equal "
		 "share, CPUs used %llu %%",
		 cpu_count(), n, (unsigned long long)(least * 100 * n / MAX(all, 1ull)),
		 (unsigned long long)(most * 100 * n / MAX(all, 1ull)),
		 (unsigned long long)(all * 100 / (passed * MIN(n, cpu_count()))));
	/* Nobody starves. */
	SELFTEST_CHECK(least > 0);
}

SELFTEST(measure_fairness)
{
	static const unsigned counts[] = { 1, 2, 3, 8, 64 };

	for (unsigned i = 0; i < ARRAY_SIZE(counts) && !selftest_failed; i++)
		fairness(counts[i]);
}

/* ---- wakeup latency ---- */

static struct wait_queue queue;
static uint64_t woken_at;        /* [a] TSC when it was woken; 0: not yet */
static uint64_t latency[ROUNDS]; /* ticks */
static uint32_t asleep;          /* [a] rounds begun */

static void be_woken(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_begin(&queue);
		__atomic_store_n(&asleep, i + 1, __ATOMIC_SEQ_CST);
		(void)wait_sleep(&queue, WAIT_FOREVER, false);
		latency[i] = time_tsc() - __atomic_load_n(&woken_at, __ATOMIC_SEQ_CST);
	}
}

static void sort(uint64_t *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint64_t x = v[i];
		unsigned k = i;

		for (; k && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static void wake_rounds(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		/* Long enough for it to sleep, and for its CPU to halt now and then. */
		do
			thread_sleep_until(time_now() + (i % 4 ? 50000 : MS), false);
		while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) != i + 1);
		__atomic_store_n(&woken_at, time_tsc(), __ATOMIC_SEQ_CST);
		while (!wait_wake(&queue, 1))
			__atomic_store_n(&woken_at, time_tsc(), __ATOMIC_SEQ_CST);
	}
}

static void wakeups(const char *what, cpu_id_t cpu, unsigned busy)
{
	struct thread *t[8], *sleeper;

	asleep = 0;
	wait_queue_init(&queue);
	for (unsigned i = 0; i < busy; i++)
		t[i] = test_start("busy", work, NULL, cpu, true);
	sleeper = test_start("sleeper", be_woken, NULL, cpu, true);
	wake_rounds();
	test_end(sleeper);
	end_all(t, busy);
	sort(latency, ROUNDS);
	log_info("measure: wakeup: %u CPUs, %s, %u busy threads there: median %llu ns, nine of ten "
		 "below %llu ns",
		 cpu_count(), what, busy, (unsigned long long)time_tsc_to_ns(latency[ROUNDS / 2]),
		 (unsigned long long)time_tsc_to_ns(latency[ROUNDS * 9 / 10]));
}

SELFTEST(measure_wakeup)
{
	uint64_t hits, misses;

	wakeups("same CPU", this_cpu_id(), 0);
	if (cpu_count() > 1) {
		wakeups("another CPU", test_far_cpu(), 0);
		wakeups("another CPU", test_far_cpu(), 1);
		wakeups("another CPU", test_far_cpu(), 4);
	}
	sched_idle_figures(test_far_cpu(), &hits, &misses);
	log_info("measure: idle: work came %llu times while CPU %u looked, %llu times when it had "
		 "halted",
		 (unsigned long long)hits, test_far_cpu().n, (unsigned long long)misses);
	SELFTEST_CHECK(misses > 0);
}
