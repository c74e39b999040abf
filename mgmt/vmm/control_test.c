// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/control.c mgmt/vmm/control_ops.c mgmt/lib/proto.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/fake/fake_chan.c
// TEST-LIBS: -ljansson
// Requests and their replies, with the machine behind them played.
#include "vmm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

static struct vm vm;
static struct vm_config config = { .name = "test", .vcpus = 1 };
static struct control control;
static int init_end;
static unsigned resets;

/* ---- the machine ---- */

void vm_reset(struct vm *v)
{
	(void)v;
	resets++;
}

bool vm_pause(struct vm *v)
{
	(void)v;
	return true;
}

bool vm_resume(struct vm *v)
{
	(void)v;
	return true;
}

bool machine_power_button(struct machine *m)
{
	(void)m;
	return false;
}

void machine_stop(struct machine *m, enum machine_end end, int exit_code, const char *format, ...)
{
	(void)m, (void)end, (void)exit_code, (void)format;
}

int console_attach(struct console *c, int channel)
{
	(void)c, (void)channel;
	return -ENOSPC;
}

int console_log_handle(const struct console *c)
{
	(void)c;
	return -1;
}

void *ram_ptr(const struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
	(void)ram, (void)gpa, (void)len;
	return NULL;
}

void watch_add(struct events *e, struct watch *w)
{
	(void)e, (void)w;
}

void watch_remove(struct events *e, struct watch *w)
{
	(void)e, (void)w;
}

int strata_vm_stop_reason(int fd, enum vm_state state, int exit_code, const char *reason)
{
	(void)fd, (void)state, (void)exit_code, (void)reason;
	return 0;
}

int strata_vm_msi(int fd, uint64_t address, uint32_t data)
{
	(void)fd, (void)address, (void)data;
	return -EINVAL;
}

int strata_vcpu_get_state(int fd, struct vcpu_state *s)
{
	(void)fd, (void)s;
	return -EBUSY;
}

/* ---- the tests ---- */

static int setup(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	init_end = fcntl(ends[0], F_DUPFD, CONTROL_FD + 1);
	assert_int_equal(dup2(ends[1], CONTROL_FD), CONTROL_FD);
	for (int i = 0; i < 2; i++) {
		if (ends[i] != CONTROL_FD)
			close(ends[i]);
	}
	vm = (struct vm){ .config = &config };
	resets = 0;
	control_init(&control, &vm);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(control.reset);
	close(init_end);
	close(CONTROL_FD);
	return 0;
}

static void ask(json_int_t id, const char *op)
{
	assert_int_equal(proto_send(init_end, json_pack("{s:I,s:s}", "id", id, "op", op), -1), 0);
	control.watch.ready(control.watch.arg, POLLIN);
}

/* The next reply, notes and states passed over; 0 good, 1 an error with the text, -1: there is
 * none. */
static int reply(json_int_t id, const char *text)
{
	int error, result;
	json_t *message;

	while ((message = proto_recv(init_end, NULL, &error)) && json_object_get(message, "event"))
		json_decref(message);
	if (!message)
		return -1;
	assert_int_equal(proto_int(message, "id", 0), id);
	result = !json_is_true(json_object_get(message, "ok"));
	if (result)
		assert_non_null(strstr(proto_string(message, "error", ""), text));
	json_decref(message);
	return result;
}

/* The reply to `reset` says that it has happened. */
static void reset_is_answered_when_the_guest_runs(void **state)
{
	(void)state;
	ask(7, "reset");
	assert_int_equal(resets, 1);
	assert_int_equal(reply(7, ""), -1);
	/* A second one meanwhile is refused, and does not disturb the first. */
	ask(8, "reset");
	assert_int_equal(reply(8, "test: a reset is under way"), 1);
	assert_int_equal(resets, 1);
	control_runs(&control);
	assert_int_equal(reply(7, ""), 0);
	/* Once. */
	control_runs(&control);
	assert_int_equal(reply(7, ""), -1);
	ask(9, "reset");
	control_runs(&control);
	assert_int_equal(reply(9, ""), 0);
}

static void others_are_answered_at_once(void **state)
{
	(void)state;
	ask(1, "pause");
	assert_int_equal(reply(1, ""), 0);
	ask(2, "resume");
	assert_int_equal(reply(2, "test: not paused"), 1);
	ask(3, "stop");
	assert_int_equal(reply(3, "power button"), 1);
	ask(4, "nmi");
	assert_int_equal(reply(4, "vCPU 0: NMI: Invalid argument"), 1);
	ask(5, "peek");
	assert_int_equal(reply(5, "peek: expected an address"), 1);
	ask(6, "dance");
	assert_int_equal(reply(6, "test: no such operation"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reset_is_answered_when_the_guest_runs),
		TEST(others_are_answered_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
