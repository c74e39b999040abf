// SPDX-License-Identifier: GPL-2.0-or-later
// What the simulated CPUs do, each as short as it can be and still meet the others. Compiled with
// hooks, as the kernel files are: so a plain counter under a lock shows what the lock does to
// memory.
#include "lib/errno.h"
#include "tests/explore/explore.h"
#include "thread/sched.h"

static const struct lock_class ticket_class = { "ticket", LOCK_RANK_OBJECT };
static const struct lock_class mcs_class = { "mcs", LOCK_RANK_OBJECT | LOCK_MCS };

static struct lock lock;
static unsigned count, tried;
static struct wait_queue queue;
static struct condvar cond;
static bool flag;
static unsigned done, woken;
static int results[CPUS_MAX];
static struct thread *threads[CPUS_MAX];

#define CHECK(cond)                                     \
	do {                                            \
		if (!(cond))                            \
			explore_fail("not: %s", #cond); \
	} while (0)

/* ---- locks ---- */

static void setup_ticket(void)
{
	lock_init(&lock, &ticket_class);
}

static void setup_mcs(void)
{
	lock_init(&lock, &mcs_class);
}

static void add_one(void)
{
	lock_acquire(&lock);
	count++;
	lock_release(&lock);
}

static void body_once(unsigned cpu)
{
	(void)cpu;
	add_one();
}

static void body_twice(unsigned cpu)
{
	(void)cpu;
	add_one();
	add_one();
}

static void body_try(unsigned cpu)
{
	if (cpu == 0) {
		add_one();
		return;
	}
	if (lock_try(&lock)) {
		count++;
		lock_release(&lock);
		__atomic_fetch_add(&tried, 1, __ATOMIC_RELAXED);
	}
}

static void check_two(void)
{
	CHECK(count == 2);
}

static void check_three(void)
{
	CHECK(count == 3);
}

static void check_four(void)
{
	CHECK(count == 4);
}

static void check_try(void)
{
	CHECK(count == 1 + tried);
}

/* ---- threads ---- */

static void spawn_as(unsigned cpu, void (*entry)(void *arg), bool pinned)
{
	const struct thread_args args = {
		.name = "", .entry = entry, .cpu = CPU_ID(cpu), .pinned = pinned
	};

	machine_enter(cpu);
	threads[cpu] = thread_create(&args);
	thread_start(threads[cpu]);
	machine_enter(0);
}

static void spawn(unsigned cpu, void (*entry)(void *arg))
{
	spawn_as(cpu, entry, true);
}

static void setup_threads(void)
{
	wait_queue_init(&queue);
	condvar_init(&cond);
	lock_init(&lock, &ticket_class);
}

static void finish(void)
{
	__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

static void wait_for_flag(void *arg)
{
	(void)arg;
	wait_begin(&queue);
	while (!flag) {
		wait_sleep(&queue, WAIT_FOREVER, false);
		wait_begin(&queue);
	}
	wait_end(&queue);
	finish();
}

static void set_flag(void *arg)
{
	(void)arg;
	wait_begin(&queue);
	flag = true;
	wait_wake_locked(&queue, UINT32_MAX);
	wait_end(&queue);
	finish();
}

static void setup_wake(void)
{
	setup_threads();
	spawn(0, wait_for_flag);
	spawn(1, set_flag);
}

static void setup_wake_two(void)
{
	setup_threads();
	spawn(0, wait_for_flag);
	spawn(1, set_flag);
	spawn(2, wait_for_flag);
}

static void check_two_done(void)
{
	CHECK(done == 2);
}

static void check_three_done(void)
{
	CHECK(done == 3);
}

/* ---- condition variable ---- */

static void consume(void *arg)
{
	(void)arg;
	lock_acquire(&lock);
	while (!flag)
		condvar_wait(&cond, &lock, WAIT_FOREVER, false);
	lock_release(&lock);
	finish();
}

static void produce(void *arg)
{
	(void)arg;
	lock_acquire(&lock);
	flag = true;
	lock_release(&lock);
	condvar_signal(&cond);
	finish();
}

static void setup_condvar(void)
{
	setup_threads();
	spawn(0, consume);
	spawn(1, produce);
}

/* ---- time-outs and interrupts against wakeups ---- */

static void sleep_with_deadline(void *arg)
{
	(void)arg;
	wait_begin(&queue);
	results[0] = wait_sleep(&queue, 1ull << 40, false);
	finish();
}

static void wake_one(void *arg)
{
	(void)arg;
	woken = wait_wake(&queue, 1);
	finish();
}

static void setup_timeout(void)
{
	setup_threads();
	spawn(0, sleep_with_deadline);
	spawn(1, wake_one);
}

static void check_timeout(void)
{
	CHECK(done == 2);
	CHECK(results[0] == (woken ? 0 : -ETIMEDOUT));
}

static void sleep_interruptibly(void *arg)
{
	(void)arg;
	wait_begin(&queue);
	results[0] = wait_sleep(&queue, WAIT_FOREVER, true);
	finish();
}

static void interrupt_it(void *arg)
{
	(void)arg;
	thread_interrupt(threads[0]);
	finish();
}

static void setup_interrupt(void)
{
	setup_threads();
	spawn(0, sleep_interruptibly);
	spawn(1, interrupt_it);
}

/* The interrupt finds it on either CPU, or between them. */
static void move_and_sleep(void *arg)
{
	thread_move(CPU_ID(1));
	sleep_interruptibly(arg);
}

static void setup_move_and_interrupt(void)
{
	setup_threads();
	spawn_as(0, move_and_sleep, false);
	spawn(1, interrupt_it);
}

static void check_interrupt(void)
{
	CHECK(done == 2);
	CHECK(results[0] == -EINTR);
}

static void setup_interrupt_or_wake(void)
{
	setup_interrupt();
	spawn(2, wake_one);
}

static void check_interrupt_or_wake(void)
{
	CHECK(done == 3);
	CHECK(results[0] == (woken ? 0 : -EINTR));
}

static void sleep_twice(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		wait_begin(&queue);
		results[i] = wait_sleep(&queue, WAIT_FOREVER, true);
		thread_clear_interrupt();
		__atomic_store_n(&flag, true, __ATOMIC_RELEASE);
	}
	finish();
}

static void interrupt_twice(void *arg)
{
	(void)arg;
	thread_interrupt(threads[0]);
	while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
		cpu_relax();
	thread_interrupt(threads[0]);
	finish();
}

static void setup_two_interrupts(void)
{
	setup_threads();
	spawn(0, sleep_twice);
	spawn(1, interrupt_twice);
}

static void check_two_interrupts(void)
{
	CHECK(done == 2);
	CHECK(results[0] == -EINTR && results[1] == -EINTR);
}

/* A knock whose interrupt is withdrawn is answered while another interrupt comes. */
static void interrupt_anew(void *arg)
{
	(void)arg;
	thread_interrupt(threads[0]);
	__atomic_store_n(&thread_head(threads[0])->interrupted, 0, __ATOMIC_SEQ_CST);
	thread_interrupt(threads[0]);
	finish();
}

static void setup_stale_knock(void)
{
	setup_threads();
	spawn(0, sleep_interruptibly);
	spawn(1, interrupt_anew);
}

/* ---- the inbox: two CPUs start threads on the first ---- */

static void run_and_finish(void *arg)
{
	(void)arg;
	finish();
}

static void create_for_first(unsigned i)
{
	const struct thread_args args = {
		.name = "", .entry = run_and_finish, .cpu = CPU_ID(0), .pinned = true
	};

	threads[i] = thread_create(&args);
}

static void setup_posts(void)
{
	setup_threads();
	create_for_first(1);
	create_for_first(2);
}

static void body_posts(unsigned cpu)
{
	if (cpu == 0)
		thread_start_cpu();
	thread_start(threads[cpu]);
}

static void body_posts_both(unsigned cpu)
{
	if (cpu == 0)
		thread_start_cpu();
	thread_start(threads[1]);
	thread_start(threads[2]);
}

/* ---- the end of a thread ---- */

static void end_at_once(void *arg)
{
	(void)arg;
}

static void join_it(void *arg)
{
	(void)arg;
	thread_join(threads[0]);
	thread_put(threads[0]);
	finish();
}

static void setup_join(void)
{
	setup_threads();
	spawn(0, end_at_once);
	spawn(1, join_it);
}

/* It may be gone before the CPU that it leaves is done with it. */
static void move_and_end(void *arg)
{
	(void)arg;
	thread_move(CPU_ID(1));
}

static void setup_move_and_end(void)
{
	setup_threads();
	spawn_as(0, move_and_end, false);
	spawn(1, join_it);
}

static void check_one_done(void)
{
	CHECK(done == 1);
}

const struct scenario scenarios[] = {
	{ "ticket lock, 2 CPUs, twice each", 2, setup_ticket, check_four, body_twice, 0 },
	{ "ticket lock, 3 CPUs", 3, setup_ticket, check_three, body_once, 0 },
	{ "ticket lock, lock and 2 tries", 3, setup_ticket, check_try, body_try, 0 },
	{ "MCS lock, 2 CPUs", 2, setup_mcs, check_two, body_once, 0 },
	{ "MCS lock, 2 CPUs, twice each", 2, setup_mcs, check_four, body_twice, 0 },
	{ "MCS lock, 3 CPUs", 3, setup_mcs, check_three, body_once, 20000 },
	{ "MCS lock, lock and 2 tries", 3, setup_mcs, check_try, body_try, 0 },
	{ "sleep and wakeup", 2, setup_wake, check_two_done, NULL, 20000 },
	{ "two sleepers, one wakeup", 3, setup_wake_two, check_three_done, NULL, 20000 },
	{ "condition variable", 2, setup_condvar, check_two_done, NULL, 20000 },
	{ "time-out or wakeup", 2, setup_timeout, check_timeout, NULL, 20000 },
	{ "interrupt of a sleep", 2, setup_interrupt, check_interrupt, NULL, 20000 },
	{ "two interrupts", 2, setup_two_interrupts, check_two_interrupts, NULL, 20000 },
	{ "move and interrupt", 2, setup_move_and_interrupt, check_interrupt, NULL, 5000 },
	{ "stale knock", 2, setup_stale_knock, check_interrupt, NULL, 20000 },
	{ "posts from two CPUs", 3, setup_posts, check_two_done, body_posts, 20000 },
	{ "two posts", 2, setup_posts, check_two_done, body_posts_both, 20000 },
	{ "interrupt or wakeup", 3, setup_interrupt_or_wake, check_interrupt_or_wake, NULL, 20000 },
	{ "end and join", 2, setup_join, check_one_done, NULL, 20000 },
	{ "move and end", 2, setup_move_and_end, check_one_done, NULL, 20000 },
};
const unsigned nr_scenarios = ARRAY_SIZE(scenarios);
