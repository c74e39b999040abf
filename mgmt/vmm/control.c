// SPDX-License-Identifier: GPL-2.0-or-later
// One row an operation. Requests are taken one at a time from the event loop; they have no replies.

#include "vmm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/types.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

/* Each takes the handle over, or leaves -1. */
static void op_stop(struct vm *vm, int *handle)
{
	(void)handle;
	machine_power_button(&vm->machine);
}

static void op_console(struct vm *vm, int *handle)
{
	if (*handle >= 0 && console_attach(&vm->consoles[0], *handle) == 0)
		*handle = -1;
}

static const struct operation {
	const char *name;
	void (*run)(struct vm *vm, int *handle);
} operations[] = {
	{ .name = "stop", .run = op_stop },
	{ .name = "console", .run = op_console },
};

static void dispatch(struct vm *vm, const json_t *request, int *handle)
{
	const char *op = proto_string(request, "op", "");

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!strcmp(operations[i].name, op))
			operations[i].run(vm, handle);
	}
}

static void on_request(void *arg, short revents)
{
	struct control *c = arg;
	int error, handle;
	json_t *request;

	(void)revents;
	request = proto_recv(c->watch.fd, &handle, &error);
	if (request)
		dispatch(c->vm, request, &handle);
	json_decref(request);
	if (handle >= 0)
		close(handle);
	if (!request && error != -EAGAIN && error != -EPROTO) {
		/* init is gone, and with it whoever could stop this VM. */
		watch_remove(&c->vm->events, &c->watch);
		c->watch.fd = -1;
		machine_stop(&c->vm->machine, MACHINE_STOP, 0, "init has closed the channel");
	}
}

void control_init(struct control *c, struct vm *vm)
{
	*c = (struct control){ .vm = vm };
	c->watch = (struct watch){
		.fd = fcntl(CONTROL_FD, F_GETFD) < 0 ? -1 : CONTROL_FD,
		.wanted = POLLIN,
		.ready = on_request,
		.arg = c,
	};
}

void control_start(struct control *c)
{
	if (c->watch.fd >= 0)
		watch_add(&c->vm->events, &c->watch);
}

/* Reasons may quote a file's bytes: jansson takes only UTF-8. */
static json_t *text(const char *s)
{
	char plain[256];
	json_t *string = json_string(s);

	if (string)
		return string;
	snprintf(plain, sizeof(plain), "%s", s);
	for (char *p = plain; *p; p++) {
		if (*p & 0x80)
			*p = '?';
	}
	return json_string(plain);
}

void control_say(struct control *c, const char *state, const char *reason, int exit_code)
{
	json_t *message;
	int ret;

	if (c->watch.fd < 0) {
		fprintf(stderr, "vmm: %s%s%s (exit code %d)\n", state, reason[0] ? ": " : "",
			reason, exit_code);
		return;
	}
	message = json_pack("{s:s,s:s,s:o,s:i}", "event", "state", "state", state, "reason",
			    text(reason), "exit_code", exit_code);
	ret = proto_send(c->watch.fd, message, -1);
	if (ret < 0)
		fprintf(stderr, "vmm: %s: %s, and init does not listen: %s\n", state, reason,
			strerror(-ret));
}
