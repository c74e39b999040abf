// SPDX-License-Identifier: GPL-2.0-or-later
// A table of requests under way. A `stop` that the VMM has agreed to makes the VM `stopping`; every
// other change of state the VMM tells by itself.

#include "mgmt/init/forward.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/init/init.h"
#include "mgmt/lib/clock.h"
#include "mgmt/lib/proto.h"

#define FORWARDS_MAX 64
#define FORWARD_MS   30000

static struct forwarded {
	struct vm *vm; /* NULL: free */
	int channel;   /* -1: nobody waits */
	json_int_t id; /* towards the VMM */
	json_t *request;
	int64_t deadline_ms;
} forwards[FORWARDS_MAX];

static json_int_t next_id = 1;

static struct forwarded *find_free(void)
{
	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		if (!forwards[i].vm)
			return &forwards[i];
	}
	return NULL;
}

/* The handle goes along, or is closed. */
static void finish(struct forwarded *f, json_t *reply, int handle)
{
	int ret = -EPIPE;

	if (f->channel >= 0)
		ret = proto_reply(f->channel, f->request, reply, handle);
	else
		json_decref(reply);
	if (ret < 0 && handle >= 0)
		close(handle);
	json_decref(f->request);
	f->vm = NULL;
}

void forward(int channel, const json_t *request, struct vm *vm, int *handle)
{
	struct forwarded *f = find_free();
	json_t *message;
	char why[256] = "too many requests are under way";
	int ret = -EBUSY;

	if (f) {
		*f = (struct forwarded){ .vm = vm,
					 .channel = channel,
					 .id = next_id++,
					 .request = json_incref((json_t *)request),
					 .deadline_ms = now_ms() + FORWARD_MS };
		message = json_copy((json_t *)request);
		json_object_set_new(message, "id", json_integer(f->id));
		ret = vm_tell(vm, message, *handle, why, sizeof(why));
	}
	if (ret == 0)
		*handle = -1;
	else if (f)
		finish(f, proto_error(request, "%s", why), -1);
	else if (channel >= 0)
		proto_send(channel, proto_error(request, "%s", why), -1);
}

void forward_reply(struct vm *vm, const json_t *reply, int *handle)
{
	json_int_t id = proto_int(reply, "id", 0);

	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		struct forwarded *f = &forwards[i];
		json_t *copy;

		if (f->vm != vm || f->id != id)
			continue;
		if (json_is_true(json_object_get(reply, "ok")) &&
		    !strcmp(proto_string(f->request, "op", ""), "stop") && vm->status == VM_RUNNING)
			vm->status = VM_STOPPING;
		copy = json_copy((json_t *)reply);
		json_object_set(copy, "id", json_object_get(f->request, "id"));
		finish(f, copy, *handle);
		*handle = -1;
		return;
	}
}

void forward_vm_ended(const struct vm *vm)
{
	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		struct forwarded *f = &forwards[i];

		if (f->vm == vm)
			finish(f,
			       proto_error(f->request, "%s: %s: %s", vm->name,
					   vm_status_name(vm->status), vm->reason),
			       -1);
	}
}

void forward_drop(int channel)
{
	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		if (forwards[i].vm && forwards[i].channel == channel)
			forwards[i].channel = -1;
	}
}

void forward_check(void)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		struct forwarded *f = &forwards[i];

		if (f->vm && now >= f->deadline_ms)
			finish(f,
			       proto_error(f->request, "%s: its VMM does not answer", f->vm->name),
			       -1);
	}
}

int64_t forward_deadline(void)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < FORWARDS_MAX; i++) {
		if (forwards[i].vm && forwards[i].deadline_ms < first)
			first = forwards[i].deadline_ms;
	}
	return first;
}
