// SPDX-License-Identifier: GPL-2.0-or-later
// One request at a time: send, then wait for the reply with the same id on the channel, watching
// the keyboard for Ctrl-C meanwhile. Other keys typed while waiting stay in a buffer for the next
// prompt. Replies of requests given up are dropped by their id.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/notes.h"
#include "mgmt/shell/shell.h"

static json_int_t next_id = 1;

/* Waits for the channel to become readable. 0, or -EINTR after a Ctrl-C. */
static int wait_reply(struct session *s)
{
	struct pollfd fds[3] = { { .fd = s->channel, .events = POLLIN },
				 { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = s->no_terminal ? -1 : notes_fd(), .events = POLLIN } };

	for (;;) {
		fds[1].fd = s->no_terminal || keys_full() ? -1 : STDIN_FILENO;
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents & POLLIN)
			notes_print();
		if (fds[0].revents)
			return 0;
		if (fds[1].revents & POLLIN && keys_fill_until_interrupt())
			return -EINTR;
	}
}

static json_t *receive(struct session *s, json_int_t id, int *handle, int *error)
{
	for (;;) {
		json_t *reply = proto_recv(s->channel, handle, error);

		if (reply && proto_int(reply, "id", 0) == id)
			return reply;
		if (reply && *handle >= 0)
			close(*handle);
		json_decref(reply);
		if (!reply && *error == -EAGAIN)
			*error = wait_reply(s);
		if (*error)
			return NULL;
	}
}

/* The reply, or NULL with *error; a refusal of init's is a reply. */
static json_t *exchange(struct session *s, const char *op, json_t *more, int handle,
			int *reply_handle, int *error)
{
	json_int_t id = next_id++;
	json_t *request = json_pack("{s:I,s:s}", "id", id, "op", op);
	json_t *reply;

	*reply_handle = -1;
	if (more)
		json_object_update(request, more);
	json_decref(more);
	keys_begin();
	*error = proto_send(s->channel, request, handle);
	reply = *error ? NULL : receive(s, id, reply_handle, error);
	keys_end();
	return reply;
}

static bool succeeded(const json_t *reply)
{
	return json_is_true(json_object_get(reply, "ok"));
}

json_t *client_try(struct session *s, const char *op, json_t *more)
{
	int error, unwanted;
	json_t *reply = exchange(s, op, more, -1, &unwanted, &error);

	if (unwanted >= 0)
		close(unwanted);
	if (reply && succeeded(reply))
		return reply;
	json_decref(reply);
	return NULL;
}

static json_t *call(struct session *s, const char *op, json_t *more, int handle, int *reply_handle)
{
	int error;
	json_t *reply;

	fflush(stdout);
	reply = exchange(s, op, more, handle, reply_handle, &error);
	if (reply && succeeded(reply))
		return reply;
	if (reply)
		shell_fail(s, "%s", proto_string(reply, "error", "init refused"));
	else if (error == -EINTR)
		shell_fail(s, "given up");
	else
		shell_fail(s, "init: %s", strerror(-error));
	json_decref(reply);
	return NULL;
}

json_t *client_call(struct session *s, const char *op, json_t *more, int handle)
{
	int unwanted;
	json_t *reply = call(s, op, more, handle, &unwanted);

	if (unwanted >= 0)
		close(unwanted);
	return reply;
}

json_t *client_call_for_handle(struct session *s, const char *op, json_t *more, int *handle)
{
	return call(s, op, more, -1, handle);
}

json_t *client_vm(struct session *s, const char *name)
{
	json_t *reply = client_call(s, "vm", json_pack("{s:o}", "vm", proto_text(name)), -1);
	json_t *vm = reply ? json_incref(json_object_get(reply, "vm")) : NULL;

	json_decref(reply);
	return vm;
}
