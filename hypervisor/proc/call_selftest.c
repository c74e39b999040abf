// SPDX-License-Identifier: GPL-2.0-or-later
// Calls and the loans that go with them, on one CPU: what a heavy caller asks of light servers is
// done soon beside many heavy threads, how often the CPU switched being the clock; that nobody
// gains time by calling; that a loan is over when its call is; and that what is taken back in the
// middle of a chain is taken back at its end.
#include "cpu/selftest.h"
#include "lib/errno.h"
#include "proc/channel.h"
#include "thread/loan.h"
#include "thread/sched.h"
#include "thread/testlib.h"

#define MS       1000000ull
#define HOPS_MAX 10u
#define SPINNERS 8u
#define HEAVY    (SPINNERS * THREAD_WEIGHT_DEFAULT)
#define LIGHT    2u
#define WORK_NS  (40 * MS) /* ten slices */
#define SOON     120u /* half of the CPU is the caller's: twenty slices, and what wakeups cost */
#define NEVER    500u

/* Server i receives at hops[i].end[1] and asks at hops[i + 1].end[0]. */
static struct {
	struct object *end[2];
	struct thread *server;
	uint64_t lent; /* [a] to the server while it worked */
} hops[HOPS_MAX];
static unsigned nr_hops;
static uint32_t stop;    /* [a] spinners, and servers at their work */
static uint32_t release; /* [a] the last server answers only then; 0: at once */
static uint64_t work_ns, begun;
static bool limited; /* spinners give up after NEVER switches */
static cpu_id_t where;

static struct thread *start(const char *name, void (*entry)(void *), void *arg, uint32_t weight)
{
	const struct thread_args args = { .name = name,
					  .entry = entry,
					  .arg = arg,
					  .container = kernel_container,
					  .cpu = where,
					  .weight = weight,
					  .pinned = true };
	struct thread *t = thread_create(&args);

	ASSERT(t);
	thread_start(t);
	return t;
}

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_SEQ_CST);
}

static void spin(void *arg)
{
	(void)arg;
	while (!stopped()) {
		if (limited && sched_switches(where) - begun > NEVER)
			__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
		test_burn(50000);
		preempt_point();
	}
}

static void burn_own(uint64_t ns)
{
	uint64_t end = thread_run_time(thread_current()) + ns;

	while (!stopped() && thread_run_time(thread_current()) < end) {
		test_burn(50000);
		preempt_point();
	}
}

static int ask(struct object *end, uint64_t deadline)
{
	struct message *m = message_create(kernel_container, 0), *reply;
	bool sent;
	int rc;

	ASSERT(m);
	rc = channel_call(end, m, 0, 0, deadline, &sent, &reply);
	if (!sent)
		message_free(m);
	if (rc == 0)
		message_free(reply);
	return rc;
}

static void do_work(unsigned i)
{
	__atomic_store_n(&hops[i].lent, loan_received(thread_current()), __ATOMIC_SEQ_CST);
	if (i + 1 < nr_hops) {
		(void)ask(hops[i + 1].end[0], WAIT_FOREVER);
		return;
	}
	burn_own(work_ns);
	while (__atomic_load_n(&release, __ATOMIC_SEQ_CST))
		thread_sleep_until(time_now() + MS, false);
}

static void serve(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	struct message *m;

	while (channel_receive(hops[i].end[1], 0, 0, WAIT_FOREVER, &m) == 0) {
		do_work(i);
		/* The request becomes the answer. */
		if (channel_send(hops[i].end[1], m, CHANNEL_NOWAIT) != 0)
			message_free(m);
	}
}

static void make_servers(unsigned n)
{
	nr_hops = n;
	for (unsigned i = 0; i < n; i++) {
		ASSERT(channel_create(kernel_container, 1, hops[i].end) == 0);
		hops[i].lent = 0;
		hops[i].server = start("server", serve, (void *)(uintptr_t)i, LIGHT);
	}
}

static void end_servers(void)
{
	for (unsigned i = 0; i < nr_hops; i++) {
		object_put(hops[i].end[0]);
		test_end(hops[i].server);
		object_put(hops[i].end[1]);
	}
}

static void call_first(void *arg)
{
	*(int *)arg = ask(hops[0].end[0], WAIT_FOREVER);
}

/* How many switches of the CPU the call of a heavy thread took; NEVER: it was given up. */
static uint64_t switches_of_a_call(unsigned servers)
{
	struct thread *spinners[SPINNERS], *caller;
	uint64_t took;
	int rc = 1;

	work_ns = WORK_NS;
	make_servers(servers);
	begun = sched_switches(where);
	limited = true;
	for (unsigned i = 0; i < SPINNERS; i++)
		spinners[i] = start("spinner", spin, NULL, 0);
	caller = start("caller", call_first, &rc, HEAVY);
	test_end(caller);
	took = stopped() || rc != 0 ? NEVER : sched_switches(where) - begun;
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < SPINNERS; i++)
		test_end(spinners[i]);
	__atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
	return took;
}

SELFTEST(call_carries_the_callers_weight)
{
	where = test_far_cpu();
	for (unsigned servers = 1; servers <= 3; servers++) {
		uint64_t took = switches_of_a_call(servers), lent = hops[servers - 1].lent;
		bool back = true;

		for (unsigned i = 0; i < servers; i++)
			back = back && loan_received(hops[i].server) == 0;
		end_servers();
		log_info("call: %u light servers in a row: %llu switches\n", servers,
			 (unsigned long long)took);
		SELFTEST_CHECK(took < SOON);
		SELFTEST_CHECK(lent == HEAVY + (servers - 1) * LIGHT);
		SELFTEST_CHECK(back);
	}
}

/* ---- who calls gains nothing ---- */

static void call_again(void *arg)
{
	(void)arg;
	while (!stopped()) {
		burn_own(MS / 4);
		(void)ask(hops[0].end[0], WAIT_FOREVER);
	}
}

SELFTEST(call_gains_no_time)
{
	uint64_t theirs = 0, other = 1;
	struct thread *caller, *alone;
	bool fair = false;

	where = test_far_cpu();
	work_ns = MS;
	limited = false;
	make_servers(1);
	caller = start("caller", call_again, NULL, 0);
	alone = start("alone", spin, NULL, 0);
	/* Over time, so that what a busy host takes from one of them does not count. */
	for (unsigned round = 0; round < 60 && !fair; round++) {
		thread_sleep_until(time_now() + 100 * MS, false);
		theirs = thread_run_time(caller) + thread_run_time(hops[0].server);
		other = thread_run_time(alone);
		fair = round > 3 && theirs * 10 > other * 7 && other * 10 > theirs * 7;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	test_end(caller);
	test_end(alone);
	__atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
	end_servers();
	log_info("call: caller and server had %llu us, a thread beside them %llu us\n",
		 (unsigned long long)theirs / 1000, (unsigned long long)other / 1000);
	SELFTEST_CHECK(fair);
}

/* ---- sums ---- */

static void call_until(void *arg)
{
	uint64_t *deadline = arg;
	int rc = ask(hops[0].end[0], *deadline);

	*deadline = (uint64_t)-rc;
}

static void until_lent(unsigned i, uint64_t weight)
{
	while (loan_received(hops[i].server) != weight)
		thread_sleep_until(time_now() + MS, false);
}

/*
 * Ten servers in a row: the first LOAN_CHAIN_MAX have the caller's weight, the others none. When
 * the caller gives up while the last one still works, all that is left is what the servers lend.
 */
SELFTEST(call_given_up_in_a_chain)
{
	uint64_t deadline = time_now() + 100 * MS;
	struct thread *caller;

	where = test_far_cpu();
	work_ns = 0;
	__atomic_store_n(&release, 1, __ATOMIC_SEQ_CST);
	make_servers(HOPS_MAX);
	caller = start("caller", call_until, &deadline, 100);
	test_end(caller);
	SELFTEST_CHECK(deadline == ETIMEDOUT);
	/* Server 8 was not lent to, so it lends what is its own. */
	for (unsigned i = 0; i < LOAN_CHAIN_MAX; i++)
		until_lent(i, i * LIGHT);
	until_lent(LOAN_CHAIN_MAX, 0);
	until_lent(LOAN_CHAIN_MAX + 1, LIGHT);
	__atomic_store_n(&release, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < HOPS_MAX; i++)
		until_lent(i, 0);
	end_servers();
}

/* The server says that it cannot, while it lends itself. */
SELFTEST(call_refused_in_a_chain)
{
	struct thread *caller;
	int rc = 0;

	where = test_far_cpu();
	work_ns = 0;
	__atomic_store_n(&release, 1, __ATOMIC_SEQ_CST);
	make_servers(2);
	caller = start("caller", call_first, &rc, 100);
	until_lent(1, 100 + LIGHT);
	channel_refuse(hops[0].end[1], 1, -EIO);
	/* At once, not when the caller comes to it. */
	SELFTEST_CHECK(loan_received(hops[0].server) == 0);
	SELFTEST_CHECK(loan_received(hops[1].server) == LIGHT);
	test_end(caller);
	__atomic_store_n(&release, 0, __ATOMIC_SEQ_CST);
	until_lent(1, 0);
	end_servers();
	SELFTEST_CHECK(rc == -EIO);
}
