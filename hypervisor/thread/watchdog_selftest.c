// SPDX-License-Identifier: GPL-2.0-or-later
// Each fault that the watchdog is for is planted, and stays until it has been named. The names of
// the planting functions must be in the backtraces: tests/test_selftest.py looks for them.
#include "cpu/selftest.h"
#include "cpu/watch.h"
#include "lib/string.h"
#include "thread/sched.h"
#include "thread/testlib.h"
#include "thread/watchdog.h"

#define LIMIT_NS   200000000ull
#define PATIENCE_S 60

static uint32_t reports[3]; /* [a] by kind, of what was planted */
static char planted_in[24];

static void note(enum watch_kind kind, const char *text)
{
	/* A busy host may make others late, too. */
	if (strstr(text, planted_in))
		__atomic_fetch_add(&reports[kind], 1, __ATOMIC_SEQ_CST);
}

static bool reported(enum watch_kind kind)
{
	return __atomic_load_n(&reports[kind], __ATOMIC_SEQ_CST) != 0;
}

static void begin(const char *text)
{
	memset(reports, 0, sizeof(reports));
	str_copy(planted_in, text, sizeof(planted_in));
	watch_set_hook(note);
	watchdog_start(LIMIT_NS);
	watchdog_set_limit(LIMIT_NS);
}

static void end(void)
{
	watchdog_set_limit(WATCH_LIMIT_NS);
	watch_set_hook(NULL);
}

static bool patience_left(uint64_t begun)
{
	return time_now() - begun < PATIENCE_S * 1000000000ull;
}

static __noinline void spin(enum watch_kind kind)
{
	uint64_t begun = time_now();

	while (!reported(kind) && patience_left(begun))
		cpu_relax();
}

/* Named by the backtrace: it has a frame of its own whatever spin is just doing. */
static __noinline void planted_standstill(enum watch_kind kind)
{
	spin(kind);
	__asm__ volatile("" : : : "memory"); /* no tail call */
}

static void stand_still(void *arg)
{
	(void)arg;
	planted_standstill(WATCH_CPU);
}

SELFTEST(watchdog_names_a_cpu_that_does_not_schedule)
{
	struct thread *t;

	/* Nobody could see it. */
	if (cpu_count() == 1)
		return;
	begin("thread planted");
	t = test_start("planted", stand_still, NULL, test_far_cpu(), true);
	test_end(t);
	end();
	SELFTEST_CHECK(reported(WATCH_CPU));
}

/* False if the host let this CPU stand still for longer than half the limit. */
static bool make_way_for(uint64_t ns)
{
	uint64_t begun = time_now(), last = begun, now;
	bool steady = true;

	do {
		test_burn(1000000);
		preempt_point();
		now = time_now();
		steady &= now - last < LIMIT_NS / 2;
		last = now;
	} while (now - begun < ns);
	return steady;
}

SELFTEST(watchdog_leaves_alone_who_makes_way)
{
	bool steady, named;
	unsigned tries = 0;

	do {
		begin("CPU 0");
		/* What stood still before, in another test, may be told of late. */
		steady = make_way_for(LIMIT_NS);
		memset(reports, 0, sizeof(reports));
		steady &= make_way_for(2 * LIMIT_NS);
		named = reported(WATCH_CPU);
		end();
	} while (named && !steady && ++tries < 50);
	SELFTEST_CHECK(!named);
}

static const struct lock_class planted_class = { "planted", LOCK_RANK_LEAF };
static struct lock planted_lock = LOCK_INIT(&planted_class);
static uint32_t held;

static void hold(void *arg)
{
	(void)arg;
	lock_acquire(&planted_lock);
	__atomic_store_n(&held, 1, __ATOMIC_SEQ_CST);
	planted_standstill(WATCH_LOCK);
	lock_release(&planted_lock);
}

SELFTEST(watchdog_names_a_lock_that_is_held)
{
	struct thread *t;

	if (cpu_count() == 1)
		return;
	begin("lock planted");
	held = 0;
	t = test_start("holder", hold, NULL, test_far_cpu(), true);
	while (!__atomic_load_n(&held, __ATOMIC_SEQ_CST))
		cpu_relax();
	lock_acquire(&planted_lock);
	lock_release(&planted_lock);
	test_end(t);
	end();
	SELFTEST_CHECK(reported(WATCH_LOCK));
}

static struct wait_queue planted_queue;

static __noinline void planted_call(bool interruptible)
{
	thread_call_begin("planted_call");
	wait_begin(&planted_queue);
	(void)wait_sleep(&planted_queue, WAIT_FOREVER, interruptible);
	thread_call_end();
}

static void call(void *arg)
{
	planted_call(arg != NULL);
}

SELFTEST(watchdog_names_a_call_that_does_not_return)
{
	uint64_t begun = time_now();
	struct thread *t;

	wait_queue_init(&planted_queue);
	begin("planted_call");
	t = test_start("caller", call, NULL, test_far_cpu(), false);
	while (!reported(WATCH_CALL) && patience_left(begun))
		thread_sleep_until(time_now() + 10000000, false);
	while (!wait_wake(&planted_queue, 1))
		thread_sleep_until(time_now() + 1000000, false);
	test_end(t);
	end();
	SELFTEST_CHECK(reported(WATCH_CALL));
}

/* A call that waits as it should is nobody's fault. */
SELFTEST(watchdog_leaves_interruptible_calls_alone)
{
	struct thread *t;

	wait_queue_init(&planted_queue);
	begin("planted_call");
	t = test_start("caller", call, &planted_queue, test_far_cpu(), false);
	thread_sleep_until(time_now() + 3 * LIMIT_NS, false);
	thread_interrupt(t);
	test_end(t);
	end();
	SELFTEST_CHECK(!reported(WATCH_CALL));
}
