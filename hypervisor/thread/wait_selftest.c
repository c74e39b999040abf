// SPDX-License-Identifier: GPL-2.0-or-later
// Sleeping and waking across CPUs: no wakeup is lost in either order, deadlines come in order,
// interrupts end a sleep, and a queue on a stack outlives nobody.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define MS 1000000ull

static const struct lock_class test_class = { "wait test", LOCK_RANK_OBJECT };

/* ---- two threads that wake each other ---- */

static struct {
	struct wait_queue queue[2];
	uint32_t turn, rounds;
	uint64_t done;
} pingpong;

static void play(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;

	for (uint32_t i = 0; i < pingpong.rounds; i++) {
		wait_begin(&pingpong.queue[me]);
		while (__atomic_load_n(&pingpong.turn, __ATOMIC_SEQ_CST) != me) {
			if (wait_sleep(&pingpong.queue[me], WAIT_FOREVER, false))
				return;
			wait_begin(&pingpong.queue[me]);
		}
		wait_end(&pingpong.queue[me]);
		/* Under the other's lock: it either sees it or sleeps already. */
		wait_begin(&pingpong.queue[!me]);
		__atomic_store_n(&pingpong.turn, !me, __ATOMIC_SEQ_CST);
		wait_wake_locked(&pingpong.queue[!me], 1);
		wait_end(&pingpong.queue[!me]);
		__atomic_fetch_add(&pingpong.done, 1, __ATOMIC_SEQ_CST);
	}
}

static bool run_pingpong(cpu_id_t a, cpu_id_t b, uint32_t rounds)
{
	struct thread *t[2];

	wait_queue_init(&pingpong.queue[0]);
	wait_queue_init(&pingpong.queue[1]);
	pingpong.turn = 0;
	pingpong.rounds = rounds;
	pingpong.done = 0;
	t[0] = test_start("ping", play, (void *)0, a, true);
	t[1] = test_start("pong", play, (void *)1, b, true);
	test_end(t[0]);
	test_end(t[1]);
	return pingpong.done == 2ull * rounds;
}

SELFTEST(wait_no_wakeup_is_lost_between_cpus)
{
	SELFTEST_CHECK(run_pingpong(CPU_ID(0), test_far_cpu(), 3000));
	SELFTEST_CHECK(run_pingpong(test_far_cpu(), CPU_ID(0), 1000));
}

SELFTEST(wait_no_wakeup_is_lost_on_one_cpu)
{
	cpu_id_t cpu = this_cpu_id();

	SELFTEST_CHECK(run_pingpong(cpu, cpu, 3000));
}

/* ---- order of wakeups ---- */

static struct wait_queue gate;
static char order[16];
static uint32_t at, asleep;

static void wait_at_gate(void *arg)
{
	wait_begin(&gate);
	__atomic_fetch_add(&asleep, 1, __ATOMIC_SEQ_CST);
	if (wait_sleep(&gate, WAIT_FOREVER, false) == 0)
		order[__atomic_fetch_add(&at, 1, __ATOMIC_SEQ_CST)] = *(const char *)arg;
}

static void wait_until(const uint32_t *value, uint32_t n)
{
	while (__atomic_load_n(value, __ATOMIC_SEQ_CST) != n)
		thread_sleep_until(time_now() + MS / 10, false);
}

SELFTEST(wait_queue_is_fifo)
{
	static const char names[] = "abcd";
	struct thread *t[4];

	wait_queue_init(&gate);
	memset(order, 0, sizeof(order));
	at = asleep = 0;
	for (uint32_t i = 0; i < 4; i++) {
		t[i] = test_start("sleeper", wait_at_gate, (void *)(uintptr_t)&names[i],
				  CPU_ID(i % cpu_count()), true);
		wait_until(&asleep, i + 1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		SELFTEST_CHECK(wait_wake(&gate, 1) == 1);
		wait_until(&at, i + 1);
	}
	SELFTEST_CHECK(wait_wake(&gate, 100) == 2);
	for (unsigned i = 0; i < 4; i++)
		test_end(t[i]);
	SELFTEST_CHECK(order[0] == 'a' && order[1] == 'b' && at == 4);
	SELFTEST_CHECK(wait_wake(&gate, 1) == 0);
}

/* ---- deadlines ---- */

SELFTEST(wait_sleeps_until_the_deadline)
{
	for (uint64_t ms = 1; ms < 10; ms += 4) {
		uint64_t deadline = time_now() + ms * MS;

		SELFTEST_CHECK(thread_sleep_until(deadline, true) == 0);
		SELFTEST_CHECK(time_now() >= deadline);
	}
	SELFTEST_CHECK(thread_sleep_until(1, false) == 0);
	wait_queue_init(&gate);
	wait_begin(&gate);
	SELFTEST_CHECK(wait_sleep(&gate, time_now() + MS, false) == -ETIMEDOUT);
	wait_begin(&gate);
	SELFTEST_CHECK(wait_sleep(&gate, 0, false) == -ETIMEDOUT);
	SELFTEST_CHECK(!lock_held(&gate.lock) && wait_wake(&gate, 1) == 0);
}

static uint64_t start_of_naps;
static bool overslept;  /* [a] a napper woke behind the next one's deadline: the host was busy */
static bool woke_early; /* [a] in any of the tries */

static void nap(void *arg)
{
	uint64_t ms = (uint64_t)arg, now;

	thread_sleep_until(start_of_naps + ms * MS, false);
	order[__atomic_fetch_add(&at, 1, __ATOMIC_SEQ_CST)] = (char)('0' + ms / 10);
	now = time_now();
	if (now < start_of_naps + ms * MS)
		__atomic_store_n(&woke_early, true, __ATOMIC_SEQ_CST);
	if (now >= start_of_naps + (ms + 10) * MS)
		__atomic_store_n(&overslept, true, __ATOMIC_SEQ_CST);
}

static void take_naps(void)
{
	static const uint64_t naps[] = { 40, 10, 30, 20 };
	struct thread *t[4];

	memset(order, 0, sizeof(order));
	at = 0;
	overslept = false;
	start_of_naps = time_now() + 20 * MS;
	for (unsigned i = 0; i < 4; i++)
		t[i] = test_start("napper", nap, (void *)naps[i], test_far_cpu(), true);
	for (unsigned i = 0; i < 4; i++)
		test_end(t[i]);
}

/* Each in its own 10 ms; who is late for that has no order, so they try again. */
SELFTEST(wait_deadlines_come_in_order)
{
	unsigned tries = 0;

	do
		take_naps();
	while (overslept && ++tries < 100);
	SELFTEST_CHECK(!overslept && !woke_early);
	SELFTEST_CHECK(!strcmp(order, "1234"));
}

/* Wakeup, deadline and interrupt race for the same sleeps: each ends once, with one of them. */
static struct {
	struct wait_queue queue;
	uint32_t results[3], stop;
} race;

static void race_sleeper(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 1000; i++) {
		int err;

		wait_begin(&race.queue);
		err = wait_sleep(&race.queue, time_now() + 50000 + i % 7 * 10000, true);
		race.results[err == 0 ? 0 : err == -ETIMEDOUT ? 1 : 2]++;
		if (err == -EINTR)
			thread_clear_interrupt();
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_SEQ_CST);
}

SELFTEST(wait_ends_once_whoever_ends_it)
{
	struct thread *t;
	uint32_t woken = 0;

	wait_queue_init(&race.queue);
	memset(race.results, 0, sizeof(race.results));
	race.stop = 0;
	t = test_start("racer", race_sleeper, NULL, test_far_cpu(), true);
	for (unsigned i = 0; !__atomic_load_n(&race.stop, __ATOMIC_SEQ_CST); i++) {
		if (i % 3 == 0)
			thread_interrupt(t);
		else
			woken += wait_wake(&race.queue, 1);
		thread_sleep_until(time_now() + 60000, false);
	}
	test_end(t);
	SELFTEST_CHECK(race.results[0] == woken);
	SELFTEST_CHECK(race.results[0] + race.results[1] + race.results[2] == 1000);
	SELFTEST_CHECK(race.results[2] > 0);
}

/* ---- interrupts ---- */

static int interrupt_result;

static void sleep_interruptibly(void *arg)
{
	bool interruptible = arg != NULL;

	__atomic_fetch_add(&asleep, 1, __ATOMIC_SEQ_CST);
	interrupt_result =
		thread_sleep_until(time_now() + (interruptible ? 60000 : 30) * MS, interruptible);
	if (interruptible && interrupt_result == -EINTR) {
		/* The knock may come behind what it tells: a thread that was not asleep yet has
		 * seen that for itself. */
		while (!thread_need_resched())
			preempt_point();
		/* Until it is cleared every sleep ends at once. */
		if (!thread_interrupted() ||
		    thread_sleep_until(time_now() + 60000 * MS, true) != -EINTR)
			interrupt_result = 1;
		thread_clear_interrupt();
		if (thread_interrupted() || thread_sleep_until(time_now() + MS, true) != 0)
			interrupt_result = 2;
	}
}

SELFTEST(wait_is_interrupted)
{
	cpu_for_each (cpu) {
		struct thread *t;

		asleep = 0;
		t = test_start("sleeper", sleep_interruptibly, (void *)1, cpu, true);
		wait_until(&asleep, 1);
		thread_interrupt(t);
		test_end(t);
		SELFTEST_CHECK(interrupt_result == -EINTR);
	}
}

/* By a thread of the same CPU, which does not sleep itself but goes back to ring 3. */
SELFTEST(wait_interrupt_on_the_own_cpu_comes_soon)
{
	struct thread *t;

	asleep = 0;
	t = test_start("sleeper", sleep_interruptibly, (void *)1, this_cpu_id(), true);
	wait_until(&asleep, 1);
	thread_sleep_until(time_now() + MS, false);
	interrupt_result = 5;
	thread_interrupt(t);
	for (unsigned i = 0; i < 100 && thread_need_resched(); i++)
		thread_resched();
	/* It has run already, or will when its turn comes. */
	SELFTEST_CHECK(t->state != THREAD_SLEEPING || interrupt_result == -EINTR);
	test_end(t);
	SELFTEST_CHECK(interrupt_result == -EINTR);
}

SELFTEST(wait_uninterruptible_sleeps_on)
{
	uint64_t begin = time_now();
	struct thread *t;

	asleep = 0;
	t = test_start("sleeper", sleep_interruptibly, NULL, test_far_cpu(), true);
	wait_until(&asleep, 1);
	thread_interrupt(t);
	test_end(t);
	SELFTEST_CHECK(interrupt_result == 0 && time_now() - begin >= 30 * MS);
}

/* A running thread sees it: the way a vCPU is kicked out of its guest. */
static void run_until_interrupted(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&asleep, 1, __ATOMIC_SEQ_CST);
	for (uint64_t end = time_now() + 10000 * MS; time_now() < end;) {
		cpu_irq_window();
		if (thread_need_resched() && thread_interrupted()) {
			interrupt_result = 7;
			return;
		}
		thread_resched();
	}
}

SELFTEST(wait_interrupt_reaches_a_running_thread)
{
	struct thread *t;

	asleep = interrupt_result = 0;
	t = test_start("runner", run_until_interrupted, NULL, test_far_cpu(), true);
	wait_until(&asleep, 1);
	thread_interrupt(t);
	test_end(t);
	SELFTEST_CHECK(interrupt_result == 7);
}

SELFTEST(wait_interrupt_of_a_dead_thread_is_harmless)
{
	struct thread *t;

	wait_queue_init(&gate);
	at = asleep = 0;
	t = test_start("short", wait_at_gate, (void *)(uintptr_t) "x", test_far_cpu(), true);
	wait_until(&asleep, 1);
	SELFTEST_CHECK(wait_wake(&gate, 1) == 1);
	thread_join(t);
	thread_interrupt(t);
	thread_put(t);
	thread_sleep_until(time_now() + MS, false);
}

/* ---- condition variables ---- */

#define ITEMS 2000u

static struct {
	struct lock lock;
	struct condvar not_empty, not_full;
	uint32_t queue[4], n, produced, sum;
} buffer;

static void produce(void *arg)
{
	(void)arg;
	for (;;) {
		lock_acquire(&buffer.lock);
		while (buffer.n == ARRAY_SIZE(buffer.queue))
			condvar_wait(&buffer.not_full, &buffer.lock, WAIT_FOREVER, false);
		if (buffer.produced == ITEMS) {
			lock_release(&buffer.lock);
			return;
		}
		buffer.queue[buffer.n++] = ++buffer.produced;
		condvar_signal(&buffer.not_empty);
		lock_release(&buffer.lock);
	}
}

static void consume(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ITEMS / 2; i++) {
		lock_acquire(&buffer.lock);
		while (buffer.n == 0)
			condvar_wait(&buffer.not_empty, &buffer.lock, WAIT_FOREVER, false);
		buffer.sum += buffer.queue[--buffer.n];
		condvar_broadcast(&buffer.not_full);
		lock_release(&buffer.lock);
	}
}

SELFTEST(condvar_passes_everything_on)
{
	struct thread *t[4];

	lock_init(&buffer.lock, &test_class);
	condvar_init(&buffer.not_empty);
	condvar_init(&buffer.not_full);
	buffer.n = buffer.produced = buffer.sum = 0;
	for (unsigned i = 0; i < 4; i++)
		t[i] = test_start("worker", i % 2 ? produce : consume, NULL,
				  CPU_ID(i % cpu_count()), false);
	for (unsigned i = 0; i < 4; i++)
		test_end(t[i]);
	SELFTEST_CHECK(buffer.sum == ITEMS * (ITEMS + 1) / 2 && buffer.n == 0);
}

SELFTEST(condvar_times_out_with_the_lock)
{
	lock_init(&buffer.lock, &test_class);
	condvar_init(&buffer.not_empty);
	lock_acquire(&buffer.lock);
	SELFTEST_CHECK(condvar_wait(&buffer.not_empty, &buffer.lock, time_now() + MS, false) ==
		       -ETIMEDOUT);
	SELFTEST_CHECK(lock_held(&buffer.lock));
	lock_release(&buffer.lock);
}
