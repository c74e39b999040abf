// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: proc/call.c proc/channel.c proc/object.c mem/kalloc.c mem/container.c mem/page.c mem/zone.c mem/preempt.c
// Order, waiting in line, bounded waits, ends that go away, handles that travel, and that every
// byte charged comes back. Calls: who answers them, how they end, and who lends to whom meanwhile.
// Threads on several CPUs send and receive at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cpu/time.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/channel.h"
#include "tests/host/thread.h"

#define MS 1000000ull

static struct object *end[2];
static uint64_t used_before;
static struct container *box;

/* Ring 3 is this program. */
int copy_from_user(void *dst, uint64_t src, size_t len)
{
	if (src == 0)
		return -EFAULT;
	memcpy(dst, (const void *)src, len);
	return 0;
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
	if (dst == 0)
		return -EFAULT;
	memcpy((void *)dst, src, len);
	return 0;
}

static uint64_t used(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

static int setup(void **state)
{
	(void)state;
	used_before = used(box);
	assert_int_equal(channel_create(box, 2, end), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	object_put(end[0]);
	object_put(end[1]);
	end[0] = end[1] = NULL;
	assert_int_equal(used(box), used_before);
	return 0;
}

static void drop(int i)
{
	struct object *o = end[i];

	end[i] = NULL;
	object_put(o);
}

static struct message *text(const char *s)
{
	struct message *m = message_create(box, (uint32_t)strlen(s));

	assert_non_null(m);
	memcpy(m->bytes, s, strlen(s));
	return m;
}

static int try_send(int from, const char *s)
{
	struct message *m = text(s);
	int rc = channel_send(end[from], m, CHANNEL_NOWAIT);

	if (rc != 0)
		message_free(m);
	return rc;
}

static void expect_text(int at, const char *s)
{
	struct message *m;

	assert_int_equal(channel_receive(end[at], 4096, 0, CHANNEL_NOWAIT, &m), 0);
	assert_int_equal(m->len, strlen(s));
	assert_memory_equal(m->bytes, s, m->len);
	message_free(m);
}

static int try_receive(int at, uint32_t room, uint32_t handles)
{
	struct message *m;
	int rc = channel_receive(end[at], room, handles, CHANNEL_NOWAIT, &m);

	if (rc == 0)
		message_free(m);
	return rc;
}

static void test_order_and_depth(void **state)
{
	(void)state;
	assert_int_equal(try_receive(1, 10, 0), -EAGAIN);
	assert_int_equal(object_ready(end[0]), OBJECT_OUT);
	assert_int_equal(try_send(0, "one"), 0);
	assert_int_equal(try_send(0, "two"), 0);
	assert_int_equal(try_send(0, "three"), -EAGAIN);
	assert_int_equal(object_ready(end[0]), 0);
	assert_int_equal(object_ready(end[1]), OBJECT_IN | OBJECT_OUT);
	assert_int_equal(channel_count(end[1]), 2);
	assert_int_equal(try_send(1, "back"), 0); /* the other direction has its own queue */
	expect_text(1, "one");
	assert_int_equal(try_send(0, "three"), 0);
	expect_text(1, "two");
	expect_text(1, "three");
	expect_text(0, "back");
}

static void test_message_too_large_stays(void **state)
{
	(void)state;
	assert_int_equal(try_send(0, "four"), 0);
	assert_int_equal(try_receive(1, 3, 0), -EMSGSIZE);
	expect_text(1, "four");
}

static void test_peer_gone(void **state)
{
	(void)state;
	assert_int_equal(try_send(0, "last"), 0);
	assert_int_equal(try_send(1, "dropped"), 0);
	drop(0);
	assert_int_equal(object_ready(end[1]), OBJECT_IN | OBJECT_HUP);
	assert_int_equal(try_send(1, "x"), -EPIPE);
	expect_text(1, "last");
	assert_int_equal(try_receive(1, 10, 0), -EPIPE);
}

static void test_bounded_waits(void **state)
{
	uint64_t start = time_now();
	struct message *m;

	(void)state;
	assert_int_equal(channel_receive(end[1], 10, 0, start + 20 * MS, &m), -ETIMEDOUT);
	assert_true(time_now() >= start + 20 * MS);
	try_send(0, "a");
	try_send(0, "b");
	m = text("c");
	assert_int_equal(channel_send(end[0], m, time_now() + 20 * MS), -ETIMEDOUT);
	host_interrupt(0);
	assert_int_equal(channel_send(end[0], m, WAIT_FOREVER), -EINTR);
	message_free(m);
	expect_text(1, "a"); /* nothing of those that gave up */
	expect_text(1, "b");
	assert_int_equal(try_receive(1, 10, 0), -EAGAIN);
}

static void test_handles_travel(void **state)
{
	struct object *inner[2];
	struct message *m = text("with ends");

	(void)state;
	assert_int_equal(channel_create(box, 1, inner), 0);
	m->handles[0] = object_get(inner[0]);
	m->nr_handles = 1;
	assert_int_equal(channel_send(end[0], m, CHANNEL_NOWAIT), 0);
	assert_int_equal(try_receive(1, 100, 0), -EMSGSIZE);
	/* While it travels it may not be sent to, with ends: that could close a circle. */
	m = text("circle");
	m->handles[0] = object_get(end[1]);
	m->nr_handles = 1;
	assert_int_equal(channel_send(inner[1], m, CHANNEL_NOWAIT), -ELOOP);
	assert_int_equal(channel_send(end[0], m, CHANNEL_NOWAIT), -ELOOP); /* into itself */
	message_free(m);
	assert_int_equal(channel_receive(end[1], 100, 4, CHANNEL_NOWAIT, &m), 0);
	assert_ptr_equal(m->handles[0], inner[0]);
	message_free(m);
	object_put(inner[0]);
	object_put(inner[1]);
}

static void test_queued_handles_are_dropped(void **state)
{
	struct object *inner[2];
	struct message *m = text("");

	(void)state;
	assert_int_equal(channel_create(box, 1, inner), 0);
	m->handles[0] = inner[0]; /* the only reference travels */
	m->nr_handles = 1;
	assert_int_equal(channel_send(end[0], m, CHANNEL_NOWAIT), 0);
	assert_int_equal(object_ready(inner[1]), OBJECT_OUT);
	drop(1);
	assert_int_equal(object_ready(inner[1]), OBJECT_IN | OBJECT_HUP);
	object_put(inner[1]);
}

static void test_as_stream(void **state)
{
	char buf[16];
	struct object *a = end[0], *b = end[1];

	(void)state;
	assert_int_equal(a->ops->write(a, (uint64_t) "hello", 5), 5);
	assert_int_equal(a->ops->write(a, 0, 5), -EFAULT);
	assert_int_equal(b->ops->read(b, (uint64_t)buf, 3), 3);
	assert_memory_equal(buf, "hel", 3);
	assert_int_equal(b->ops->read(b, (uint64_t)buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "lo", 2);
	assert_int_equal(b->ops->read(b, (uint64_t)buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(try_send(0, ""), 0); /* a message of no bytes is not the end ... */
	assert_int_equal(b->ops->read(b, (uint64_t)buf, sizeof(buf)), -EAGAIN);
	drop(0);
	assert_int_equal(b->ops->read(b, (uint64_t)buf, sizeof(buf)), 0); /* ... this is */
}

static void test_quota(void **state)
{
	struct container *small = container_create(box, "small", 4096);

	(void)state;
	assert_non_null(small);
	assert_null(message_create(small, 4096));
	assert_int_equal(used(small), 0);
	container_put(small);
}

/* ---- several CPUs ---- */

#define SENDERS 3
#define PER_CPU 2000

struct item {
	uint32_t cpu, number;
};

static void send_items(uint32_t cpu)
{
	for (uint32_t i = 0; i < PER_CPU; i++) {
		struct message *m = message_create(box, sizeof(struct item));

		*(struct item *)m->bytes = (struct item){ cpu, i };
		assert_int_equal(channel_send(end[0], m, WAIT_FOREVER), 0);
	}
}

static void receive_items(void)
{
	uint32_t next[SENDERS + 1] = { 0 };

	for (int i = 0; i < SENDERS * PER_CPU; i++) {
		struct message *m;
		struct item item;

		assert_int_equal(channel_receive(end[1], sizeof(item), 0, WAIT_FOREVER, &m), 0);
		memcpy(&item, m->bytes, sizeof(item));
		assert_int_equal(item.number, next[item.cpu]++);
		message_free(m);
	}
}

static void run_pipe(void *arg)
{
	(void)arg;
	if (this_cpu_id().n == 0)
		receive_items();
	else
		send_items(this_cpu_id().n);
}

static void test_many_senders(void **state)
{
	(void)state;
	host_run_on_cpus(1 + SENDERS, run_pipe, NULL);
	assert_int_equal(channel_count(end[1]), 0);
}

/* Who has waited longest is served first. */
static uint32_t in_line;

static void run_line(void *arg)
{
	uint32_t cpu = this_cpu_id().n;
	struct message *m;

	(void)arg;
	if (cpu == 0) {
		try_send(0, "x");
		try_send(0, "x");
		__atomic_store_n(&in_line, 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&in_line, __ATOMIC_ACQUIRE) != 1 + SENDERS)
			cpu_relax();
		uint64_t until = time_now() + 50 * MS;
		while (time_now() < until)
			cpu_relax();
		expect_text(1, "x");
		/* There is room only for who is first in line: nobody else may take it. */
		assert_int_equal(try_send(0, "thief"), -EAGAIN);
		expect_text(1, "x");
		for (uint32_t i = 1; i <= SENDERS; i++) {
			assert_int_equal(channel_receive(end[1], 4, 0, WAIT_FOREVER, &m), 0);
			assert_int_equal(m->bytes[0], i);
			message_free(m);
		}
		return;
	}
	while (__atomic_load_n(&in_line, __ATOMIC_ACQUIRE) != cpu)
		cpu_relax();
	m = message_create(box, 1);
	m->bytes[0] = (uint8_t)cpu;
	uint64_t until = time_now() + 10 * MS * cpu;
	while (time_now() < until)
		cpu_relax();
	__atomic_store_n(&in_line, cpu + 1, __ATOMIC_RELEASE);
	assert_int_equal(channel_send(end[0], m, WAIT_FOREVER), 0);
}

static void test_line_is_fair(void **state)
{
	(void)state;
	in_line = 0;
	host_run_on_cpus(1 + SENDERS, run_line, NULL);
}

/* Waits on both sides end when the other end goes. */
static void run_gone(void *arg)
{
	struct message *m;

	(void)arg;
	if (this_cpu_id().n == 0) {
		uint64_t until = time_now() + 30 * MS;

		while (time_now() < until)
			cpu_relax();
		drop(1);
	} else if (this_cpu_id().n == 1) {
		assert_int_equal(channel_receive(end[0], 4, 0, WAIT_FOREVER, &m), -EPIPE);
	} else {
		m = text("never");
		assert_int_equal(channel_send(end[0], m, WAIT_FOREVER), -EPIPE);
		message_free(m);
	}
}

static void test_peer_goes_while_we_wait(void **state)
{
	(void)state;
	try_send(0, "a");
	try_send(0, "b");
	host_run_on_cpus(3, run_gone, NULL);
}

/* ---- calls: CPU 0 calls at end 0, CPU 1 serves at end 1 ---- */

static bool called; /* [a] the caller has returned */

static int call(const char *s, uint32_t room, uint64_t deadline, char *answer)
{
	struct message *m = text(s), *reply = NULL;
	bool sent;
	int rc = channel_call(end[0], m, room, 0, deadline, &sent, &reply);

	if (!sent)
		message_free(m);
	if (rc == 0) {
		memcpy(answer, reply->bytes, reply->len);
		answer[reply->len] = '\0';
		message_free(reply);
	}
	__atomic_store_n(&called, true, __ATOMIC_SEQ_CST);
	return rc;
}

/* The next request, freed; its number. */
static uint32_t take_request(const char *s)
{
	struct message *m;
	uint32_t id;

	assert_int_equal(channel_receive(end[1], 4096, 0, WAIT_FOREVER, &m), 0);
	assert_int_equal(m->len, strlen(s));
	id = m->call;
	message_free(m);
	return id;
}

static int answer(uint32_t id, const char *s)
{
	struct message *m = text(s);
	int rc;

	m->call = id;
	rc = channel_send(end[1], m, CHANNEL_NOWAIT);
	if (rc != 0)
		message_free(m);
	return rc;
}

static void until_called(void)
{
	while (!__atomic_load_n(&called, __ATOMIC_SEQ_CST))
		cpu_relax();
}

static void run_call(void *arg)
{
	uint32_t id;
	char got[8];

	(void)arg;
	if (this_cpu_id().n == 0) {
		assert_int_equal(call("ask", 4, WAIT_FOREVER, got), 0);
		assert_string_equal(got, "yes");
		return;
	}
	id = take_request("ask");
	assert_int_not_equal(id, 0);
	assert_int_equal(host_lends_to(0), 1 + 1);
	assert_int_equal(answer(id + 1, "yes"), -ESRCH);
	assert_int_equal(answer(id, "too long"), -EMSGSIZE);
	assert_int_equal(host_lends_to(0), 1 + 1); /* the call is still on */
	assert_int_equal(try_send(1, "else"), 0);  /* an ordinary message is no answer */
	assert_int_equal(answer(id, "yes"), 0);
	assert_int_equal(host_lends_to(0), 0);
	assert_int_equal(answer(id, "yes"), -ESRCH);
}

static void test_call(void **state)
{
	(void)state;
	called = false;
	host_run_on_cpus(2, run_call, NULL);
	expect_text(0, "else"); /* overtaken by the answer */
}

static void run_given_up(void *arg)
{
	char got[8];
	uint32_t id;

	(void)arg;
	if (this_cpu_id().n == 0) {
		assert_int_equal(call("ask", 4, time_now() + 30 * MS, got), -ETIMEDOUT);
		return;
	}
	id = take_request("ask");
	until_called();
	assert_int_equal(host_lends_to(0), 0);
	assert_int_equal(answer(id, "yes"), -ESRCH);
	assert_int_equal(try_receive(0, 4, 0), -EAGAIN); /* nor does it lie about */
}

static void test_call_given_up(void **state)
{
	(void)state;
	called = false;
	host_run_on_cpus(2, run_given_up, NULL);
}

static void run_broken(void *arg)
{
	const bool *refuses = arg;
	char got[8];

	if (this_cpu_id().n == 0) {
		assert_int_equal(call("ask", 4, WAIT_FOREVER, got), *refuses ? -EIO : -EPIPE);
		return;
	}
	if (*refuses) {
		channel_refuse(end[1], take_request("ask"), -EIO);
	} else {
		take_request("ask");
		drop(1);
	}
	assert_int_equal(host_lends_to(0), 0);
	until_called();
}

static void test_call_broken(void **state)
{
	bool refuses = true;

	(void)state;
	called = false;
	host_run_on_cpus(2, run_broken, &refuses);
	refuses = called = false;
	host_run_on_cpus(2, run_broken, &refuses);
}

/* Who reads a request as bytes cannot answer it. */
static void run_read(void *arg)
{
	char got[8];

	(void)arg;
	if (this_cpu_id().n == 0) {
		assert_int_equal(call("ask", 4, WAIT_FOREVER, got), -EIO);
		return;
	}
	while (channel_ops.read(end[1], (uintptr_t)got, 3) != 3)
		cpu_relax();
	until_called();
}

static void test_call_read_as_bytes(void **state)
{
	(void)state;
	called = false;
	host_run_on_cpus(2, run_read, NULL);
}

/* The queue is full, then nobody is there: the request was never sent. */
static void test_call_not_sent(void **state)
{
	char got[8];

	(void)state;
	assert_int_equal(try_send(0, "one"), 0);
	assert_int_equal(try_send(0, "two"), 0);
	assert_int_equal(call("ask", 4, time_now() + MS, got), -ETIMEDOUT);
	expect_text(1, "one");
	expect_text(1, "two");
	assert_int_equal(try_receive(1, 4, 0), -EAGAIN);
	drop(1);
	assert_int_equal(call("ask", 4, WAIT_FOREVER, got), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_and_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message_too_large_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handles_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queued_handles_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_as_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_senders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_line_is_fair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_peer_goes_while_we_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_read_as_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_not_sent, setup, teardown),
	};

	host_machine_init();
	host_threads_begin();
	box = container_create(kernel_container, "box", MiB(1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
