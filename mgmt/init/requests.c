// SPDX-License-Identifier: GPL-2.0-or-later
// One row an operation. A row's handler sends its own reply. Waiters and a pending power action are
// the only state; both are looked at after every round of the poll loop. What a VMM must answer
// goes through forward.c.

#include "mgmt/init/requests.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/init/forward.h"
#include "mgmt/init/init.h"
#include "mgmt/init/vms.h"
#include "mgmt/lib/clock.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

#define WAITERS_MAX     64
#define POWER_GRACE_MS  30000
#define WAIT_DEFAULT_MS 30000
#define WAIT_MAX_MS     86400000

struct waiter {
	int channel; /* -1: free */
	json_t *request;
	struct vm *vm;
	uint32_t states; /* bit of each enum vm_status that ends the wait */
	int64_t deadline_ms;
};

static struct waiter waiters[WAITERS_MAX] = { [0 ... WAITERS_MAX - 1] = { .channel = -1 } };

static struct {
	bool pending;
	enum power_action action;
	int exit_code;
	int64_t deadline_ms;
} power;

static void reply_error(int channel, const json_t *request, const char *text)
{
	proto_send(channel, proto_error(request, "%s", text), -1);
}

static struct vm *vm_of(int channel, const json_t *request)
{
	const char *name = proto_string(request, "vm", "");
	struct vm *vm = vms_find(name);

	if (!vm)
		proto_send(channel, proto_error(request, "%s: no such VM", name), -1);
	return vm;
}

static void op_vm(int channel, const json_t *request, int *handle)
{
	json_int_t index = proto_int(request, "index", -1);
	struct vm *vm = index >= 0 ? vms_at((size_t)index) : vm_of(channel, request);
	json_t *reply, *object;

	(void)handle;
	if (!vm && index >= 0)
		reply_error(channel, request, "no more");
	if (!vm)
		return;
	object = vm_to_json(vm);
	if (index < 0)
		vm_add_details(vm, object);
	reply = proto_ok(request);
	json_object_set_new(reply, "vm", object);
	proto_reply(channel, request, reply, -1);
}

static void op_host(int channel, const json_t *request, int *handle)
{
	json_t *reply = proto_ok(request);

	(void)handle;
	json_object_set_new(reply, "conf", json_string(init_options.conf));
	proto_send(channel, reply, -1);
}

static void do_vm(int channel, const json_t *request, int (*act)(struct vm *, char *, size_t))
{
	struct vm *vm = vm_of(channel, request);
	char why[256];

	if (!vm)
		return;
	if (power.pending && act == vm_start) {
		reply_error(channel, request, "the host is going down");
		return;
	}
	if (act(vm, why, sizeof(why)) < 0)
		reply_error(channel, request, why);
	else
		proto_send(channel, proto_ok(request), -1);
}

static void op_start(int channel, const json_t *request, int *handle)
{
	(void)handle;
	do_vm(channel, request, vm_start);
}

static void op_kill(int channel, const json_t *request, int *handle)
{
	(void)handle;
	do_vm(channel, request, vm_kill);
}

static void op_forward(int channel, const json_t *request, int *handle)
{
	struct vm *vm = vm_of(channel, request);

	if (vm)
		forward(channel, request, vm, handle);
}

static void answer(int channel, const json_t *request, int ret, const char *why)
{
	proto_send(channel, ret < 0 ? proto_error(request, "%s", why) : proto_ok(request), -1);
}

static void op_create(int channel, const json_t *request, int *handle)
{
	const char *name = proto_string(request, "vm", "");
	char why[256];

	(void)handle;
	answer(channel, request,
	       vms_create(name, proto_string(request, "file", NULL),
			  json_object_get(request, "settings"), why, sizeof(why)),
	       why);
}

static void op_destroy(int channel, const json_t *request, int *handle)
{
	(void)handle;
	do_vm(channel, request, vms_destroy);
}

static void op_set(int channel, const json_t *request, int *handle)
{
	struct vm *vm = vm_of(channel, request);
	char why[256];

	(void)handle;
	if (vm)
		answer(channel, request,
		       vm_set(vm, json_object_get(request, "settings"), why, sizeof(why)), why);
}

/* A handle on what COM1 said, in the reply. */
static void op_log(int channel, const json_t *request, int *handle)
{
	struct vm *vm = vm_of(channel, request);
	int fd;

	(void)handle;
	if (!vm)
		return;
	fd = vm->log_fd < 0 ? -1 : dup(vm->log_fd);
	if (fd < 0)
		proto_send(channel, proto_error(request, "%s: has said nothing yet", vm->name), -1);
	else if (proto_send(channel, proto_ok(request), fd) < 0)
		close(fd);
}

/* "states": array of names; unknown names make an empty set. */
static uint32_t states_of(const json_t *request)
{
	const json_t *names = json_object_get(request, "states");
	const json_t *name;
	uint32_t states = 0;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);
		enum vm_status status = text ? vm_status_parse(text) : VM_STATUS_COUNT;

		if (status == VM_STATUS_COUNT)
			return 0;
		states |= 1u << status;
	}
	return states;
}

static struct waiter *free_waiter(void)
{
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		if (waiters[i].channel < 0)
			return &waiters[i];
	}
	return NULL;
}

static void op_wait(int channel, const json_t *request, int *handle)
{
	json_int_t timeout = proto_int(request, "timeout_ms", WAIT_DEFAULT_MS);
	struct vm *vm = vm_of(channel, request);
	struct waiter *w = free_waiter();
	uint32_t states = states_of(request);

	(void)handle;
	if (!vm)
		return;
	if (!states || timeout < 0 || timeout > WAIT_MAX_MS) {
		reply_error(channel, request, "wait: expected names of states and at most a day");
		return;
	}
	if (!w) {
		reply_error(channel, request, "wait: too many waiters");
		return;
	}
	*w = (struct waiter){
		.channel = channel,
		.request = json_incref((json_t *)request),
		.vm = vm,
		.states = states,
		.deadline_ms = now_ms() + timeout,
	};
}

static void press_all_buttons(void)
{
	json_t *stop = json_pack("{s:s}", "op", "stop");

	for (size_t i = 0; i < vms_count(); i++) {
		int none = -1;

		if (vm_is_active(vms_at(i)))
			forward(-1, stop, vms_at(i), &none);
	}
	json_decref(stop);
}

void requests_power_off(int exit_code)
{
	power.pending = true;
	power.action = POWER_OFF;
	power.exit_code = exit_code;
	power.deadline_ms = now_ms() + POWER_GRACE_MS;
	press_all_buttons();
}

static void op_power(int channel, const json_t *request, int *handle)
{
	const char *action = proto_string(request, "action", "");
	json_int_t grace = proto_int(request, "grace_ms", POWER_GRACE_MS);

	(void)handle;
	if (strcmp(action, "off") != 0 && strcmp(action, "reboot") != 0) {
		reply_error(channel, request, "power: expected off or reboot");
		return;
	}
	power.pending = true;
	power.action = strcmp(action, "off") ? POWER_REBOOT : POWER_OFF;
	power.deadline_ms = now_ms() + (grace < 0 || grace > WAIT_MAX_MS ? POWER_GRACE_MS : grace);
	press_all_buttons();
	proto_send(channel, proto_ok(request), -1);
}

static const struct operation {
	const char *name;
	void (*run)(int channel, const json_t *request, int *handle);
} operations[] = {
	{ "vm", op_vm },
	{ "start", op_start },
	{ "kill", op_kill },
	{ "create", op_create },
	{ "destroy", op_destroy },
	{ "set", op_set },
	{ "log", op_log },
	{ "wait", op_wait },
	{ "power", op_power },
	{ "host", op_host },
	/* The VMM's to answer. */
	{ "stop", op_forward },
	{ "console", op_forward },
	{ "pause", op_forward },
	{ "resume", op_forward },
	{ "reset", op_forward },
	{ "nmi", op_forward },
	{ "regs", op_forward },
	{ "peek", op_forward },
	{ "memory", op_forward },
};

static void dispatch(int channel, const json_t *request, int *handle)
{
	const char *op = proto_string(request, "op", "");

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (!strcmp(operations[i].name, op)) {
			operations[i].run(channel, request, handle);
			return;
		}
	}
	proto_send(channel, proto_error(request, "%s: no such operation", op), -1);
}

int requests_take(int channel)
{
	json_t *request;
	int error, handle;

	for (;;) {
		request = proto_recv(channel, &handle, &error);
		if (!request && error == -EPROTO)
			init_log("a shell sent what is no message");
		else if (!request)
			break;
		else
			dispatch(channel, request, &handle);
		json_decref(request);
		if (handle >= 0)
			close(handle);
	}
	return error == -EAGAIN ? 0 : error;
}

static void waiter_end(struct waiter *w)
{
	json_decref(w->request);
	w->channel = -1;
}

void requests_drop(int channel)
{
	forward_drop(channel);
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		if (waiters[i].channel == channel)
			waiter_end(&waiters[i]);
	}
}

void requests_vm_gone(const struct vm *vm)
{
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		struct waiter *w = &waiters[i];

		if (w->channel < 0 || w->vm != vm)
			continue;
		proto_send(w->channel, proto_error(w->request, "%s: destroyed", vm->name), -1);
		waiter_end(w);
	}
}

void requests_check_waiters(void)
{
	forward_check();
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		struct waiter *w = &waiters[i];

		if (w->channel < 0)
			continue;
		if (w->states & (1u << w->vm->status)) {
			json_t *reply = proto_ok(w->request);

			json_object_set_new(reply, "vm", vm_to_json(w->vm));
			proto_send(w->channel, reply, -1);
			waiter_end(w);
		} else if (now_ms() >= w->deadline_ms) {
			proto_send(w->channel,
				   proto_error(w->request, "%s: still %s", w->vm->name,
					       vm_status_name(w->vm->status)),
				   -1);
			waiter_end(w);
		}
	}
}

int requests_timeout_ms(void)
{
	int64_t first = forward_deadline();

	if (power.pending && power.deadline_ms < first)
		first = power.deadline_ms;
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		if (waiters[i].channel >= 0 && waiters[i].deadline_ms < first)
			first = waiters[i].deadline_ms;
	}
	if (first == INT64_MAX)
		return -1;
	int64_t left = first - now_ms();
	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

void requests_check_power(void)
{
	bool late = power.pending && now_ms() >= power.deadline_ms;
	bool active = false;
	char why[256];

	if (!power.pending)
		return;
	for (size_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vms_at(i);

		active |= vm_is_active(vm);
		if (vm_is_active(vm) && late) {
			init_log("vm %s: did not stop in time", vm->name);
			vm_kill(vm, why, sizeof(why));
		}
	}
	if (late)
		power.deadline_ms = now_ms() + POWER_GRACE_MS;
	if (!active)
		strata_sys_power(power.action, power.exit_code);
}
