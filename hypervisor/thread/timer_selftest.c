// SPDX-License-Identifier: GPL-2.0-or-later
// Timers: order, rearming from inside and outside, cancelling here and on another CPU.
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "lib/string.h"
#include "thread/testlib.h"

#define MS 1000000ull

struct test_timer {
	struct timer timer;
	uint32_t fired;
	uint64_t late; /* ns after its deadline */
	char letter;
};

static char order[16];
static unsigned at;

static void fire(struct timer *timer)
{
	struct test_timer *t = container_of(timer, struct test_timer, timer);

	t->late = time_now() - timer->deadline;
	__atomic_fetch_add(&t->fired, 1, __ATOMIC_SEQ_CST);
	if (t->letter)
		order[at++] = t->letter;
}

static struct test_timer timers[8];

static void init_timers(void)
{
	memset(timers, 0, sizeof(timers));
	memset(order, 0, sizeof(order));
	at = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
		timer_init(&timers[i].timer, fire);
}

static void pass(uint64_t ns)
{
	thread_sleep_until(time_now() + ns, false);
}

SELFTEST(timer_fires_in_order_of_deadlines)
{
	uint64_t now;

	init_timers();
	now = time_now();
	for (unsigned i = 0; i < 6; i++) {
		timers[i].letter = (char)('a' + i);
		timer_arm(&timers[i].timer, now + (i * 5 % 6 + 1) * MS);
	}
	pass(30 * MS);
	SELFTEST_CHECK(!strcmp(order, "afedcb"));
	for (unsigned i = 0; i < 6; i++)
		SELFTEST_CHECK(timers[i].fired == 1 && (int64_t)timers[i].late >= 0);
}

SELFTEST(timer_arm_again_moves_it)
{
	init_timers();
	timer_arm(&timers[0].timer, time_now() + 2 * MS);
	timer_arm(&timers[0].timer, time_now() + 10000 * MS);
	timer_arm(&timers[1].timer, time_now() + 10000 * MS);
	timer_arm(&timers[1].timer, time_now() + 2 * MS);
	pass(20 * MS);
	SELFTEST_CHECK(timers[0].fired == 0 && timers[1].fired == 1);
	timer_cancel(&timers[0].timer);
	/* The past fires at once, forever never. */
	timer_arm(&timers[0].timer, 0);
	timer_arm(&timers[2].timer, UINT64_MAX);
	pass(5 * MS);
	SELFTEST_CHECK(timers[0].fired == 1 && timers[2].fired == 0);
	timer_cancel(&timers[2].timer);
}

SELFTEST(timer_cancel_here)
{
	init_timers();
	timer_cancel(&timers[0].timer); /* never armed */
	for (unsigned i = 0; i < 4; i++)
		timer_arm(&timers[i].timer, time_now() + 3 * MS);
	timer_cancel(&timers[1].timer);
	timer_cancel(&timers[2].timer);
	pass(20 * MS);
	SELFTEST_CHECK(timers[0].fired == 1 && timers[3].fired == 1);
	SELFTEST_CHECK(timers[1].fired == 0 && timers[2].fired == 0);
	timer_cancel(&timers[0].timer); /* has fired */
	timer_arm(&timers[0].timer, time_now() + MS);
	pass(10 * MS);
	SELFTEST_CHECK(timers[0].fired == 2);
}

static void fire_periodic(struct timer *timer)
{
	struct test_timer *t = container_of(timer, struct test_timer, timer);

	__atomic_fetch_add(&t->fired, 1, __ATOMIC_SEQ_CST);
	timer_arm(timer, time_now() + MS / 2);
}

/* ---- on another CPU ---- */

static void arm_there(void *arg)
{
	struct test_timer *t = arg;

	timer_arm(&t->timer, time_now() + (t->letter ? MS / 10 : 10000 * MS));
}

SELFTEST(timer_cancel_from_another_cpu)
{
	init_timers();
	test_end(test_start("armer", arm_there, &timers[0], test_far_cpu(), true));
	SELFTEST_CHECK(timers[0].timer.armed);
	timer_cancel(&timers[0].timer);
	SELFTEST_CHECK(!timers[0].timer.armed);
	/* One that rearms itself all the time. */
	for (unsigned i = 0; i < 20; i++) {
		uint32_t fired;

		timer_init(&timers[1].timer, fire_periodic);
		timers[1].letter = 'p';
		test_end(test_start("armer", arm_there, &timers[1], test_far_cpu(), true));
		while (__atomic_load_n(&timers[1].fired, __ATOMIC_SEQ_CST) <= i)
			pass(MS);
		timer_cancel(&timers[1].timer);
		fired = __atomic_load_n(&timers[1].fired, __ATOMIC_SEQ_CST);
		pass(MS);
		SELFTEST_CHECK(__atomic_load_n(&timers[1].fired, __ATOMIC_SEQ_CST) == fired);
	}
}

SELFTEST(timer_moves_to_the_cpu_that_arms_it)
{
	init_timers();
	test_end(test_start("armer", arm_there, &timers[0], test_far_cpu(), true));
	timer_arm(&timers[0].timer, time_now() + MS);
	SELFTEST_CHECK(cpu_id_eq(timers[0].timer.cpu, this_cpu_id()));
	pass(20 * MS);
	SELFTEST_CHECK(timers[0].fired == 1);
}
