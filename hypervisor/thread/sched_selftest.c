// SPDX-License-Identifier: GPL-2.0-or-later
// Who gets how much of a CPU, and which CPU: weights, slices, sleepers among workers, stealing.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "thread/testlib.h"

#define MS 1000000ull

struct worker {
	uint64_t work; /* [a] rounds done */
	uint64_t cpus; /* [a] bit per CPU on which it ran, of the first 64 */
	uint64_t ran;  /* ns; of the test */
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
	for (unsigned i = 0; i < n; i++) {
		thread_join(t[i]);
		workers[i].ran = thread_run_time(t[i]) - workers[i].ran;
		thread_put(t[i]);
	}
}

/*
 * Share of worker i in the time of n, in thousandths. Of time and not of work done: an emulator's
 * host may take the CPU away in the middle, and that is nobody's fault here.
 */
static uint64_t share(unsigned i, unsigned n)
{
	uint64_t total = 0;

	for (unsigned k = 0; k < n; k++)
		total += workers[k].ran;
	return workers[i].work ? workers[i].ran * 1000 / total : 0;
}

SELFTEST(sched_equal_weights_share_equally)
{
	struct thread *t[4];

	stop = 0;
	for (unsigned i = 0; i < 4; i++)
		t[i] = start_worker(i, test_far_cpu(), true, 0);
	thread_sleep_until(time_now() + 400 * MS, false);
	end_workers(t, 4);
	for (unsigned i = 0; i < 4; i++)
		SELFTEST_CHECK(share(i, 4) > 200 && share(i, 4) < 300);
}

SELFTEST(sched_weights_divide_the_cpu)
{
	struct thread *t[3];

	stop = 0;
	t[0] = start_worker(0, test_far_cpu(), true, 1024);
	t[1] = start_worker(1, test_far_cpu(), true, 2048);
	t[2] = start_worker(2, test_far_cpu(), true, 512);
	/* As 2048, from now on. */
	thread_set_weight(t[2], 1024);
	thread_sleep_until(time_now() + 600 * MS, false);
	end_workers(t, 3);
	SELFTEST_CHECK(share(0, 3) > 200 && share(0, 3) < 300);
	SELFTEST_CHECK(share(1, 3) > 440 && share(1, 3) < 560);
	SELFTEST_CHECK(share(2, 3) > 200 && share(2, 3) < 300);
}

/* The test's own thread sleeps on the CPU where three work: it must come soon after its deadline.
 */
SELFTEST(sched_sleeper_runs_soon_after_waking)
{
	struct thread *t[3];
	unsigned late = 0;

	stop = 0;
	for (unsigned i = 0; i < 3; i++)
		t[i] = start_worker(i, this_cpu_id(), true, 0);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t deadline = time_now() + 5 * MS;

		thread_sleep_until(deadline, false);
		late += time_now() - deadline > 4 * MS;
	}
	end_workers(t, 3);
	/* By turns it would be 8 ms and more, each time. */
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
	thread_sleep_until(time_now() + 200 * MS, false);
	end_workers(t, n);
	for (unsigned i = 0; i < n; i++) {
		SELFTEST_CHECK(workers[i].work > 0);
		seen |= workers[i].cpus;
	}
	for (; seen; seen &= seen - 1)
		cpus++;
	SELFTEST_CHECK(cpus >= n);
}

SELFTEST(sched_pinned_threads_stay)
{
	struct thread *t[3];

	stop = 0;
	for (unsigned i = 0; i < 3; i++)
		t[i] = start_worker(i, test_far_cpu(), true, 0);
	thread_sleep_until(time_now() + 50 * MS, false);
	end_workers(t, 3);
	for (unsigned i = 0; i < 3; i++)
		SELFTEST_CHECK(workers[i].cpus == 1ull << test_far_cpu().n % 64);
}

/* Put on one CPU of two, four threads end up two and two, so nobody gets less than the others. */
SELFTEST(sched_balances_busy_cpus)
{
	unsigned n = cpu_count() > 4 ? 8 : 2 * cpu_count();
	struct thread *t[8];

	stop = 0;
	for (unsigned i = 0; i < n; i++)
		t[i] = start_worker(i, CPU_ID(0), false, 0);
	thread_sleep_until(time_now() + 300 * MS, false);
	for (unsigned i = 0; i < n; i++)
		workers[i].ran = thread_run_time(t[i]);
	thread_sleep_until(time_now() + 400 * MS, false);
	end_workers(t, n);
	for (unsigned i = 0; i < n; i++)
		SELFTEST_CHECK(share(i, n) * n > 500 && share(i, n) * n < 1700);
}

/* ---- what moves with a thread ---- */

static uint32_t left;
static cpu_id_t left_cpu;

static void on_leave(void *arg)
{
	(void)arg;
	left_cpu = this_cpu_id();
	__atomic_fetch_add(&left, 1, __ATOMIC_SEQ_CST);
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
	thread_sleep_until(time_now() + 50 * MS, false);
	end_workers(t, 2);
	if (cpu_count() > 1)
		SELFTEST_CHECK(left == 1 && left_cpu.n == 0 && (workers[0].cpus & ~1ull));
	else
		SELFTEST_CHECK(left == 0);
}
