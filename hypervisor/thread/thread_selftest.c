// SPDX-License-Identifier: GPL-2.0-or-later
// The life of threads and the switch between them, on every CPU that there is.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/page.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define ROUNDS 200u

/* ---- create, join, memory ---- */

static uint32_t ran;

static void count(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
}

static uint64_t used(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

SELFTEST(thread_join_gives_all_memory_back)
{
	struct container *c = container_create(kernel_container, "thread test", MiB(1));
	uint64_t before;

	SELFTEST_CHECK(c);
	before = used(c);
	ran = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct thread_args args = { .name = "counter",
					    .entry = count,
					    .container = c,
					    .cpu = CPU_ID(i % cpu_count()),
					    .has_fpu = i % 2 };
		struct thread *t = thread_create(&args);

		SELFTEST_CHECK(t && used(c) > before);
		thread_start(t);
		thread_join(t);
		thread_put(t);
		SELFTEST_CHECK(used(c) == before);
	}
	container_put(c);
	SELFTEST_CHECK(ran == ROUNDS);
}

SELFTEST(thread_create_without_quota_leaves_nothing)
{
	for (uint64_t limit = 0; limit < KiB(32); limit += KiB(4)) {
		struct container *c = container_create(kernel_container, "small", limit);
		struct thread_args args = { .name = "none",
					    .entry = count,
					    .container = c,
					    .cpu = CPU_ID_NONE,
					    .has_fpu = true };
		struct thread *t;

		SELFTEST_CHECK(c);
		t = thread_create(&args);
		if (t) /* never started */
			thread_put(t);
		SELFTEST_CHECK(t ? limit > KiB(16) : limit < KiB(24));
		SELFTEST_CHECK(used(c) == 0);
		container_put(c);
	}
}

/* ---- switch ---- */

/* Registers that a function preserves, and the stack, survive switches to others. */
static void keep_values(void *arg)
{
	uint64_t seed = (uint64_t)arg, on_stack[8];

	for (unsigned i = 0; i < 8; i++)
		on_stack[i] = seed + i;
	for (unsigned i = 0; i < ROUNDS; i++) {
		register uint64_t kept __asm__("r12") = seed * 3;

		__asm__ volatile("" : "+r"(kept));
		thread_yield();
		__asm__ volatile("" : "+r"(kept));
		SELFTEST_CHECK(kept == seed * 3);
		for (unsigned k = 0; k < 8; k++)
			SELFTEST_CHECK(READ_ONCE(on_stack[k]) == seed + k);
	}
	__atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
}

SELFTEST(thread_switch_keeps_registers_and_stack)
{
	struct thread *t[4];

	ran = 0;
	for (uint64_t i = 0; i < 4; i++)
		t[i] = test_start("keeper", keep_values, (void *)(i + 100), this_cpu_id(), true);
	for (unsigned i = 0; i < 4; i++)
		test_end(t[i]);
	SELFTEST_CHECK(ran == 4);
}

/* ---- yield ---- */

static char order[16];
static unsigned at;

static void write_letter(void *arg)
{
	for (int i = 0; i < 3; i++) {
		order[at++] = *(const char *)arg;
		thread_yield();
	}
}

/* From the boot CPU alone: two threads of one CPU that only yield take turns. */
SELFTEST(thread_yield_takes_turns)
{
	struct thread *a, *b;

	memset(order, 0, sizeof(order));
	at = 0;
	a = test_start("a", write_letter, (void *)(uintptr_t) "a", this_cpu_id(), true);
	b = test_start("b", write_letter, (void *)(uintptr_t) "b", this_cpu_id(), true);
	test_end(a);
	test_end(b);
	SELFTEST_CHECK(!strcmp(order, "ababab"));
}

SELFTEST(thread_runs_where_it_was_put)
{
	cpu_for_each (cpu) {
		struct thread *t = test_start("put", count, NULL, cpu, true);

		SELFTEST_CHECK(cpu_id_eq(thread_cpu(t), cpu));
		test_end(t);
	}
}

static void check_user_bases(void *arg)
{
	uint64_t base = (uint64_t)arg, fs, gs;

	thread_set_user_bases(thread_current(), base, base + 1);
	for (unsigned i = 0; i < 20; i++) {
		thread_yield();
		SELFTEST_CHECK(test_msr(0xc0000100) == base);
		SELFTEST_CHECK(test_msr(0xc0000102) == base + 1);
	}
	thread_get_user_bases(thread_current(), &fs, &gs);
	SELFTEST_CHECK(fs == base && gs == base + 1);
	thread_set_user_bases(thread_current(), 0, 0);
}

SELFTEST(thread_bases_follow_the_thread)
{
	struct thread *t[2];

	for (uint64_t i = 0; i < 2; i++) {
		struct thread_args args = { .name = "bases",
					    .entry = check_user_bases,
					    .arg = (void *)(i * 0x10000 + 0x10000),
					    .container = kernel_container,
					    .cpu = this_cpu_id(),
					    .pinned = true,
					    .has_fpu = true };

		t[i] = thread_create(&args);
		SELFTEST_CHECK(t[i]);
		thread_start(t[i]);
	}
	test_end(t[0]);
	test_end(t[1]);
}

/* ---- accounting ---- */

static void burn(void *arg)
{
	test_burn(*(const uint64_t *)arg);
}

SELFTEST(thread_run_time_is_what_it_ran)
{
	static const uint64_t ns = 20000000;
	struct thread *t = test_start("burner", burn, (void *)(uintptr_t)&ns, this_cpu_id(), true);
	uint64_t time;

	thread_join(t);
	time = thread_run_time(t);
	thread_put(t);
	SELFTEST_CHECK(time >= ns * 9 / 10);
	SELFTEST_CHECK(thread_run_time(thread_current()) > 0);
}

/* An emulated CPU may stand still for long. */
static bool idle_grows(cpu_id_t cpu, uint64_t from)
{
	struct cpu_account now;

	for (unsigned i = 0; i < 1000; i++) {
		thread_cpu_account(cpu, &now);
		if (now.ns[CPU_TIME_IDLE] > from)
			return true;
		thread_sleep_until(time_now() + 10000000, false);
	}
	return false;
}

SELFTEST(cpu_account_adds_up)
{
	cpu_for_each (cpu) {
		struct cpu_account a, b;
		uint64_t clock[4], sum = 0;

		/* A look may take as long as the host likes: it was somewhere between these. */
		clock[0] = time_now();
		thread_cpu_account(cpu, &a);
		clock[1] = time_now();
		thread_sleep_until(time_now() + 10000000, false);
		clock[2] = time_now();
		thread_cpu_account(cpu, &b);
		clock[3] = time_now();
		for (unsigned i = 0; i < CPU_TIME_COUNT; i++) {
			SELFTEST_CHECK(b.ns[i] >= a.ns[i]);
			sum += b.ns[i] - a.ns[i];
		}
		SELFTEST_CHECK(sum <= clock[3] - clock[0] + 1000000);
		SELFTEST_CHECK(sum >= (clock[2] - clock[1]) * 9 / 10);
		SELFTEST_CHECK(idle_grows(cpu, a.ns[CPU_TIME_IDLE]));
	}
}

/* ---- as a vCPU sees it ---- */

SELFTEST(thread_alone_needs_no_resched)
{
	thread_sleep_until(time_now() + 1000000, false);
	SELFTEST_CHECK(!thread_need_resched());
	for (unsigned i = 0; i < 100; i++) {
		cpu_irq_window();
		test_burn(100000);
	}
	/* Nobody is ready here: ten milliseconds without a tick. */
	SELFTEST_CHECK(!thread_need_resched());
}
