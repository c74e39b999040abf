// SPDX-License-Identifier: GPL-2.0-or-later
// Groups against groups: weight by how many threads want to run, caps, CPUs of their own, affinity,
// pools; and that a group's end gives all back.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "thread/group.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define MS      1000000ull
#define MEMBERS 4

struct member {
	struct sched_group *group;
	unsigned slot;
	struct thread *thread;
	uint64_t cpus; /* [a] bit per CPU on which it ran */
	bool joined;   /* [a] */
};

static uint32_t stop;
static struct member members[MEMBERS];

/* As a vCPU's loop: works, makes way, waits while it has had what it may have. */
static void work(void *arg)
{
	struct member *m = arg;

	thread_join_group(m->group, m->slot);
	__atomic_store_n(&m->joined, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		uint64_t until = thread_throttled();

		if (until) {
			thread_sleep_until(until, true);
			continue;
		}
		test_burn(100000);
		__atomic_fetch_or(&m->cpus, 1ull << this_cpu_id().n % 64, __ATOMIC_RELAXED);
		preempt_point();
	}
}

static void start(unsigned i, struct sched_group *g, unsigned slot)
{
	struct member *m = &members[i];

	*m = (struct member){ .group = g, .slot = slot };
	m->thread = test_start("member", work, m, CPU_ID_NONE, false);
	while (!__atomic_load_n(&m->joined, __ATOMIC_SEQ_CST))
		thread_sleep_until(time_now() + MS, false);
}

static void end(unsigned n)
{
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < n; i++)
		test_end(members[i].thread);
	stop = 0;
}

static struct sched_group *make(uint64_t owner, unsigned threads)
{
	struct sched_group *g = NULL;

	ASSERT(sched_group_create(kernel_container, owner, threads, &g) == 0);
	return g;
}

static void unmake(struct sched_group *g)
{
	sched_group_close(g);
	sched_group_put(g);
}

static void run_times(uint64_t *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = thread_run_time(members[i].thread);
}

/* Whether the first `split` members come to `thousandths` of all, within a tenth. */
static bool share_becomes(unsigned n, unsigned split, uint64_t thousandths)
{
	uint64_t begun[MEMBERS], now[MEMBERS];

	run_times(begun, n);
	for (unsigned round = 0; round < 60; round++) {
		uint64_t first = 0, all = 1;

		/* A share that was wrong for long is not made up for: begin anew. */
		if (round % 20 == 19)
			run_times(begun, n);
		thread_sleep_until(time_now() + 150 * MS, false);
		run_times(now, n);
		for (unsigned i = 0; i < n; i++) {
			first += i < split ? now[i] - begun[i] : 0;
			all += now[i] - begun[i];
		}
		first = first * 1000 / all;
		if (round % 20 > 2 && first * 10 >= thousandths * 9 &&
		    first * 10 <= thousandths * 11)
			return true;
	}
	return false;
}

/* One thread against three, on one CPU: half and half, because the groups weigh the same. */
SELFTEST(group_weight_is_the_groups_own)
{
	struct sched_params here = { .set = SCHED_SET_CPUS, .cpus = { 1ull << test_far_cpu().n } };
	struct sched_group *one = make(901, 1), *three = make(902, 3);
	bool ok = false;

	SELFTEST_CHECK(sched_group_change(one, &here) == 0);
	here.set = SCHED_SET_CPUS;
	SELFTEST_CHECK(sched_group_change(three, &here) == 0);
	start(0, one, 0);
	for (unsigned i = 0; i < 3; i++)
		start(1 + i, three, i);
	ok = share_becomes(4, 1, 500);
	end(4);
	unmake(one);
	unmake(three);
	SELFTEST_CHECK(ok);
}

/* Two groups of two on all of two CPUs, 1 to 3; then turned round while they run. */
SELFTEST(group_weights_divide_the_machine)
{
	struct sched_params p = { .set = SCHED_SET_WEIGHT | SCHED_SET_CPUS,
				  .weight = 300,
				  .cpus = { cpu_count() > 1 ? 3 : 1 } };
	struct sched_group *a = make(901, 2), *b = make(902, 2);
	bool first, turned;

	SELFTEST_CHECK(sched_group_change(b, &p) == 0 && p.weight == 300);
	p.weight = 100;
	p.cpus[0] = cpu_count() > 1 ? 3 : 1;
	SELFTEST_CHECK(sched_group_change(a, &p) == 0);
	start(0, a, 0);
	start(1, a, 1);
	start(2, b, 0);
	start(3, b, 1);
	first = share_becomes(4, 2, 250);
	p.set = SCHED_SET_WEIGHT;
	p.weight = 900;
	SELFTEST_CHECK(sched_group_change(a, &p) == 0);
	turned = share_becomes(4, 2, 750);
	end(4);
	unmake(a);
	unmake(b);
	SELFTEST_CHECK(first && turned);
}

SELFTEST(group_cap_limits_the_time)
{
	struct sched_params p = { .set = SCHED_SET_CAP, .cap = 30 };
	struct sched_group *g = make(901, 1);
	uint64_t begun, ran, passed;
	bool ok = false;

	SELFTEST_CHECK(sched_group_change(g, &p) == 0 && p.cap == 30 && p.weight == 100);
	start(0, g, 0);
	for (unsigned i = 0; i < 3 && !ok; i++) {
		passed = time_now();
		begun = thread_run_time(members[0].thread);
		thread_sleep_until(time_now() + 600 * MS, false);
		ran = thread_run_time(members[0].thread) - begun;
		passed = time_now() - passed;
		/* Alone on a CPU it would have all of it. What it gets less is a busy host's. */
		ok = ran * 100 <= passed * 36 && ran * 100 >= passed * 20;
	}
	end(1);
	unmake(g);
	SELFTEST_CHECK(ok);
}

static bool runs_only_on(unsigned i, uint64_t cpus)
{
	__atomic_store_n(&members[i].cpus, 0, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&members[i].cpus, __ATOMIC_SEQ_CST))
		thread_sleep_until(time_now() + MS, false);
	thread_sleep_until(time_now() + 30 * MS, false);
	return !(__atomic_load_n(&members[i].cpus, __ATOMIC_SEQ_CST) & ~cpus);
}

SELFTEST(group_affinity_is_kept_and_changed)
{
	struct sched_params p = { .set = SCHED_SET_CPUS };
	struct sched_group *g = make(901, 1);
	bool ok = true;

	start(0, g, 0);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t cpu = 1ull << i % cpu_count() % 64;

		p.cpus[0] = cpu;
		ok &= sched_group_change(g, &p) == 0 && p.cpus[0] == cpu && runs_only_on(0, cpu);
		p.set = SCHED_SET_CPUS;
	}
	/* CPUs that are not there: nothing changes. */
	p.cpus[0] = 0;
	p.cpus[3] = 1ull << 63;
	ok &= sched_group_change(g, &p) == -EINVAL;
	p = (struct sched_params){ 0 };
	ok &= sched_group_change(g, &p) == 0 && p.cpus[0] && !p.cpus[3];
	end(1);
	unmake(g);
	SELFTEST_CHECK(ok);
}

/* A CPU of its own: nobody else runs there, and when its thread computes nothing interrupts it. */
SELFTEST(group_dedicated_cpu_has_no_tick)
{
	struct sched_params p = { .set = SCHED_SET_DEDICATED, .dedicated = 1 };
	struct sched_group *g = make(901, 1), *other;
	uint64_t before, after, only;
	cpu_id_t far = test_far_cpu();
	bool ok;

	if (cpu_count() == 1) {
		ok = sched_group_change(g, &p) == -EBUSY;
		unmake(g);
		SELFTEST_CHECK(ok);
		return;
	}
	SELFTEST_CHECK(sched_group_change(g, &p) == 0 && p.dedicated == 1);
	only = p.cpus[0];
	SELFTEST_CHECK(only == 1ull << far.n && sched_dedicated_to(far) == 901);
	start(0, g, 0);
	ok = runs_only_on(0, only);
	/* Others that want to run, more than there are CPUs, keep away. */
	other = make(902, 3);
	for (unsigned i = 0; i < 3; i++)
		start(1 + i, other, i);
	ok &= runs_only_on(1, ~only) && runs_only_on(2, ~only) && runs_only_on(0, only);
	/* Whatever was left to be fired there has. */
	thread_sleep_until(time_now() + 100 * MS, false);
	before = intr_count_of(far);
	thread_sleep_until(time_now() + 500 * MS, false);
	after = intr_count_of(far);
	if (after != before)
		log_error("%llu interrupts on the dedicated CPU",
			  (unsigned long long)(after - before));
	ok &= after == before;
	/* Taken away again, all may go there. */
	p = (struct sched_params){ .set = SCHED_SET_DEDICATED };
	ok &= sched_group_change(g, &p) == 0 && sched_dedicated_to(far) == 0;
	end(4);
	unmake(g);
	unmake(other);
	SELFTEST_CHECK(ok);
}

static uint64_t kernel_memory(void)
{
	struct container_info info;

	container_get_info(kernel_container, &info);
	return info.used;
}

SELFTEST(group_dedicated_ends_with_the_group)
{
	struct sched_params p = { .set = SCHED_SET_DEDICATED, .dedicated = 1 };
	uint64_t used = kernel_memory();
	struct sched_group *g;

	for (unsigned i = 0; cpu_count() > 1 && i < 3; i++) {
		g = make(901 + i, 1);
		p.set = SCHED_SET_DEDICATED;
		p.dedicated = 1;
		SELFTEST_CHECK(sched_group_change(g, &p) == 0);
		SELFTEST_CHECK(sched_dedicated_to(test_far_cpu()) == 901 + i);
		unmake(g);
		SELFTEST_CHECK(sched_dedicated_to(test_far_cpu()) == 0);
	}
	SELFTEST_CHECK(kernel_memory() == used);
}

SELFTEST(group_pools_are_whole_cores)
{
	struct cpu_pool pool = { .pool = 1 };
	struct sched_params p = { .set = SCHED_SET_POOL, .pool = 1 };
	struct sched_group *g = make(901, 1);
	cpu_id_t far = test_far_cpu();
	unsigned threads = 0;
	bool ok;

	/* An empty pool has no CPU for anybody. */
	ok = sched_group_change(g, &p) == -EINVAL;
	/* CPU 0 stays in pool 0. */
	pool.cpus[0] = 1;
	ok &= sched_pool_set(&pool) == -EINVAL;
	pool.cpus[0] = 0;
	cpu_for_each (id) {
		if (cpu_get(id)->core == cpu_get(far)->core && far.n < 64) {
			pool.cpus[0] |= 1ull << id.n;
			threads++;
		}
	}
	if (cpu_count() > threads && cpu_get(far)->core != cpu_get(CPU_ID(0))->core) {
		uint64_t whole = pool.cpus[0];

		pool.cpus[0] = whole & (whole - 1);
		ok &= threads == 1 || sched_pool_set(&pool) == -EINVAL;
		pool.cpus[0] = whole;
		ok &= sched_pool_set(&pool) == 0 && sched_pool_of(far) == 1;
		p.set = SCHED_SET_POOL;
		ok &= sched_group_change(g, &p) == 0 && p.cpus[0] == whole;
		start(0, g, 0);
		ok &= runs_only_on(0, whole);
		/* Not the last CPU from under a group. */
		pool.cpus[0] = 0;
		ok &= sched_pool_set(&pool) == -EBUSY;
		end(1);
	}
	unmake(g);
	pool.cpus[0] = 0;
	ok &= sched_pool_set(&pool) == 0 && sched_pool_of(far) == 0;
	SELFTEST_CHECK(ok);
}
