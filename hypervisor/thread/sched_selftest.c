// SPDX-License-Identifier: GPL-2.0-or-later
// Who gets how much of a CPU, and which CPU: weights, slices, sleepers among workers, stealing.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define MS 1000000ull

struct worker {
	uint64_t work; /* [a] rounds done */
	uint64_t cpus; /* [a] bit per CPU on which it ran, of the first 64 */
};

static uint32_t stop;
static struct worker workers[8];

/* Bounded work as mem/ does it: a turn for others after each piece. */
static void work(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		test_burn(100000);
		__atomic_fetch_add(&w->work, 1, __ATOMIC_RELAXED);
		__atomic_fetch_or(&w->cpus, 1ull << this_cpu_id().n % 64, __ATOMIC_RELAXED);
		preempt_point();
	}
}

static struct thread *start_worker(unsigned i, cpu_id_t cpu, bool pinned, uint32_t weight)
{
	struct thread_args args = { .name = "worker",
				    .entry = work,
				    .arg = &workers[i],
				    .container = kernel_container,
				    .cpu = cpu,
				    .weight = weight,
				    .pinned = pinned };
	struct thread *t = thread_create(&args);

	ASSERT(t);
	workers[i] = (struct worker){ 0 };
	thread_start(t);
	return t;
}

static void end_workers(struct thread **t, unsigned n)
{
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < n; i++)
		test_end(t[i]);
}

/* Run time since `begun` in thousandths of that of all n is within a tenth of `fair`. */
static bool is_fair(struct thread **t, unsigned n, const uint64_t *begun, const uint64_t *fair)
{
	uint64_t ran[ARRAY_SIZE(workers)], total = 1;

	for (unsigned i = 0; i < n; i++) {
		ran[i] = thread_run_time(t[i]) - begun[i];
		total += ran[i];
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t share = ran[i] * 1000 / total;

		if (!workers[i].work || share * 10 < fair[i] * 9 || share * 10 > fair[i] * 11)
			return false;
	}
	return true;
}

/*
 * Shares come to what is fair, and soon. An emulator's host may take the CPU away in the middle of
 * a slice, for long; so it is time that counts, not work done, and there is some of it.
 */
static bool becomes_fair(struct thread **t, unsigned n, const uint64_t *fair)
{
	uint64_t begun[ARRAY_SIZE(workers)];

	for (unsigned i = 0; i < n; i++)
		begun[i] = thread_run_time(t[i]);
	for (unsigned i = 0; i < 30; i++) {
		thread_sleep_until(time_now() + 150 * MS, false);
		if (is_fair(t, n, begun, fair))
			return true;
	}
	return false;
}

SELFTEST(sched_equal_weights_share_equally)
{
	static const uint64_t fair[] = { 250, 250, 250, 250 };
	struct thread *t[4];
	bool ok;

	stop = 0;
	for (unsigned i = 0; i < 4; i++)
		t[i] = start_worker(i, test_far_cpu(), true, 0);
	ok = becomes_fair(t, 4, fair);
	end_workers(t, 4);
	SELFTEST_CHECK(ok);
}

SELFTEST(sched_weights_divide_the_cpu)
{
	static const uint64_t fair[] = { 250, 500, 250 };
	struct thread *t[3];
	bool ok;

	stop = 0;
	t[0] = start_worker(0, test_far_cpu(), true, 1024);
	t[1] = start_worker(1, test_far_cpu(), true, 2048);
	t[2] = start_worker(2, test_far_cpu(), true, 512);
	thread_set_weight(t[2], 1024);
	ok = becomes_fair(t, 3, fair);
	end_workers(t, 3);
	SELFTEST_CHECK(ok);
}

static uint64_t switches_at_deadline;

static void note_switches(struct timer *timer)
{
	(void)timer;
	switches_at_deadline = sched_switches(this_cpu_id());
}

/*
 * The test's own thread sleeps on the CPU where three work: once its deadline has come, it is the
 * next that runs. By turns it would be the third or fourth.
 */
SELFTEST(sched_sleeper_runs_soon_after_waking)
{
	struct thread *t[3];
	struct timer note;
	unsigned late = 0;

	stop = 0;
	timer_init(&note, note_switches);
	for (unsigned i = 0; i < 3; i++)
		t[i] = start_worker(i, this_cpu_id(), true, 0);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t deadline = time_now() + 5 * MS;

		timer_arm(&note, deadline);
		thread_sleep_until(deadline, false);
		late += sched_switches(this_cpu_id()) - switches_at_deadline > 1;
	}
	timer_cancel(&note);
	end_workers(t, 3);
	SELFTEST_CHECK(late < 10);
}

/* All are put on one CPU: the others take theirs. */
SELFTEST(sched_idle_cpus_steal)
{
	unsigned n = cpu_count() > 4 ? 4 : cpu_count();
	struct thread *t[4];
	uint64_t seen = 0;
	unsigned cpus = 0;

	stop = 0;
	for (unsigned i = 0; i < n; i++)
		t[i] = start_worker(i, CPU_ID(0), false, 0);
	/* Soon, or on a busy host later. */
	for (unsigned round = 0; round < 100 && cpus < n; round++) {
		thread_sleep_until(time_now() + 50 * MS, false);
		for (unsigned i = 0; i < n; i++)
			seen |= __atomic_load_n(&workers[i].cpus, __ATOMIC_RELAXED);
		cpus = 0;
		for (uint64_t bits = seen; bits; bits &= bits - 1)
			cpus++;
	}
	end_workers(t, n);
	for (unsigned i = 0; i < n; i++)
		SELFTEST_CHECK(workers[i].work > 0);
	SELFTEST_CHECK(cpus >= n);
}

SELFTEST(sched_pinned_threads_stay)
{
	struct thread *t[3];

	stop = 0;
	for (unsigned i = 0; i < 3; i++)
		t[i] = start_worker(i, test_far_cpu(), true, 0);
	for (unsigned i = 0; i < 3; i++) {
		while (!__atomic_load_n(&workers[i].cpus, __ATOMIC_SEQ_CST))
			thread_sleep_until(time_now() + MS, false);
	}
	thread_sleep_until(time_now() + 50 * MS, false);
	end_workers(t, 3);
	for (unsigned i = 0; i < 3; i++)
		SELFTEST_CHECK(workers[i].cpus == 1ull << test_far_cpu().n % 64);
}

/* Put on one CPU, two for each CPU end up two on each, so nobody gets less than the others. */
SELFTEST(sched_balances_busy_cpus)
{
	unsigned n = cpu_count() > 4 ? 8 : 2 * cpu_count();
	uint64_t fair[ARRAY_SIZE(workers)];
	struct thread *t[8];
	bool ok = false;

	stop = 0;
	for (unsigned i = 0; i < n; i++) {
		fair[i] = 1000 / n;
		t[i] = start_worker(i, CPU_ID(0), false, 0);
	}
	/* From a moment on when they have spread. */
	for (unsigned i = 0; i < 3 && !ok; i++)
		ok = becomes_fair(t, n, fair);
	end_workers(t, n);
	SELFTEST_CHECK(ok);
}

/*
 * One thread more than CPUs: they take turns at sharing one. Nobody is fixed to a CPU, so each gets
 * the same.
 */
SELFTEST(sched_one_more_than_cpus_is_fair)
{
	unsigned n = cpu_count() > 4 ? 5 : cpu_count() + 1;
	uint64_t fair[ARRAY_SIZE(workers)];
	struct thread *t[8];
	bool ok = false;

	stop = 0;
	/* Where there are more CPUs than that, the rest are kept busy by threads that stay. */
	for (unsigned i = 0; i < n; i++) {
		fair[i] = 1000 / n;
		t[i] = start_worker(i, CPU_ID_NONE, false, 0);
	}
	for (unsigned i = 0; i < 3 && !ok && cpu_count() <= 4; i++)
		ok = becomes_fair(t, n, fair);
	end_workers(t, n);
	SELFTEST_CHECK(ok || cpu_count() > 4);
}

/*
 * Weights across CPUs: each CPU's worth of time goes by weight, whoever is where. With one CPU more
 * than is fair for one thread it gets that CPU.
 */
SELFTEST(sched_weights_hold_across_cpus)
{
	static const uint32_t weight[] = { 1024, 1024, 2048, 2048 };
	static const uint64_t fair[] = { 167, 167, 333, 333 };
	struct thread *t[4];
	bool ok = false;

	if (cpu_count() > 2)
		return;
	stop = 0;
	for (unsigned i = 0; i < 4; i++)
		t[i] = start_worker(i, CPU_ID(0), false, weight[i]);
	for (unsigned i = 0; i < 3 && !ok; i++)
		ok = becomes_fair(t, 4, fair);
	end_workers(t, 4);
	SELFTEST_CHECK(ok);
}

/* ---- what moves with a thread ---- */

static uint32_t left;
static cpu_id_t left_cpu;

static void on_leave(void *arg)
{
	(void)arg;
	if (!__atomic_fetch_add(&left, 1, __ATOMIC_SEQ_CST))
		left_cpu = this_cpu_id();
}

SELFTEST(sched_leave_hook_runs_on_the_old_cpu)
{
	struct thread_args args = { .name = "mover",
				    .entry = work,
				    .arg = &workers[0],
				    .container = kernel_container,
				    .cpu = CPU_ID(0),
				    .has_fpu = true };
	struct thread *t[2];

	left = stop = 0;
	workers[0] = (struct worker){ 0 };
	t[0] = thread_create(&args);
	SELFTEST_CHECK(t[0]);
	thread_set_leave_hook(t[0], on_leave, NULL);
	thread_start(t[0]);
	t[1] = start_worker(1, CPU_ID(0), true, 0);
	for (unsigned i = 0; i < (cpu_count() > 1 ? 1000 : 1); i++) {
		thread_sleep_until(time_now() + 10 * MS, false);
		if (__atomic_load_n(&workers[0].cpus, __ATOMIC_SEQ_CST) & ~1ull)
			break;
	}
	end_workers(t, 2);
	if (cpu_count() > 1)
		SELFTEST_CHECK(left >= 1 && left_cpu.n == 0 && (workers[0].cpus & ~1ull));
	else
		SELFTEST_CHECK(left == 0);
}

/* ---- time without a CPU ---- */

struct waiter {
	uint64_t started, waited, again;
};

static void note_waited(void *arg)
{
	struct waiter *w = arg;

	w->waited = thread_take_waited();
	w->started = time_tsc();
	w->again = thread_take_waited();
}

/* A thread that is ready while another computes has waited for that time, and says so once. */
SELFTEST(sched_waited)
{
	struct waiter w = { 0 };
	uint64_t before = time_tsc(), ready, computed;
	struct thread *t = test_start("waiter", note_waited, &w, this_cpu_id(), true);

	ready = time_tsc();
	test_burn(2 * MS);
	computed = time_tsc() - ready;
	test_end(t);
	SELFTEST_CHECK(w.waited >= computed);
	SELFTEST_CHECK(w.waited <= w.started - before);
	SELFTEST_CHECK(w.again == 0);
}
