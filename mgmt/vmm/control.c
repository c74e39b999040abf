// SPDX-License-Identifier: GPL-2.0-or-later
// Requests are taken one at a time from the event loop; each has one reply. control_ops.c acts.

#include "vmm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

static void answer(struct control *c, json_t *reply)
{
	int ret = proto_send(c->watch.fd, reply, c->reply_handle);

	if (ret < 0 && ret != -EPIPE)
		fprintf(stderr, "vmm: a reply is lost: %s\n", strerror(-ret));
	if (ret < 0 && c->reply_handle >= 0)
		close(c->reply_handle);
	c->reply_handle = -1;
}

void control_runs(struct control *c)
{
	json_t *request = c->reset;

	c->reset = NULL;
	if (request)
		answer(c, proto_ok(request));
	json_decref(request);
}

/* Asks for and answers one request; its reply goes to who asked init. */
static void dispatch(struct control *c, const json_t *request, int *handle)
{
	const struct control_op *op = control_find(proto_string(request, "op", ""));
	json_t *reply = proto_ok(request);
	char why[CONTROL_WHY_MAX] = "no such operation";
	int ret = op ? op->run(c, request, handle, reply, why) : -ENOSYS;

	if (ret == 0) {
		answer(c, reply);
		return;
	}
	json_decref(reply);
	if (ret < 0)
		answer(c, proto_error(request, "%s: %s", c->vm->config->name, why));
}

static void on_request(void *arg, short revents)
{
	struct control *c = arg;
	int error, handle;
	json_t *request;

	(void)revents;
	request = proto_recv(c->watch.fd, &handle, &error);
	if (request)
		dispatch(c, request, &handle);
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
	*c = (struct control){ .vm = vm, .reply_handle = -1 };
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

void control_offer_log(struct control *c)
{
	const struct console *console = &c->vm->consoles[0];
	int handle = c->watch.fd < 0 || !console->ring ? -1 : console_log_handle(console);

	if (handle < 0)
		return;
	/* Without it the console works all the same. */
	if (proto_send(c->watch.fd, json_pack("{s:s}", "event", "log"), handle) < 0)
		close(handle);
}

void control_note(struct control *c, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (c->watch.fd >= 0)
		proto_send(c->watch.fd,
			   json_pack("{s:s,s:o}", "event", "note", "text", proto_text(line)), -1);
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
			    proto_text(reason), "exit_code", exit_code);
	ret = proto_send(c->watch.fd, message, -1);
	if (ret < 0)
		fprintf(stderr, "vmm: %s: %s, and init does not listen: %s\n", state, reason,
			strerror(-ret));
}
