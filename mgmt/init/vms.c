// SPDX-License-Identifier: GPL-2.0-or-later
// The life of VMM processes. Two things are polled for each active VM: its channel (what the VMM
// says) and its process handle (that it has ended); only the second ends a run, so that a restart
// never meets the old process. table.c has the list of VMs.

#include "mgmt/init/vms.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mgmt/init/forward.h"
#include "mgmt/init/init.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

static const char *const status_names[VM_STATUS_COUNT] = {
	[VM_STOPPED] = "stopped", [VM_STARTING] = "starting", [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",   [VM_STOPPING] = "stopping", [VM_FAILED] = "failed",
};

const char *vm_status_name(enum vm_status status)
{
	return status < VM_STATUS_COUNT ? status_names[status] : "unknown";
}

enum vm_status vm_status_parse(const char *name)
{
	int i = 0;

	while (i < VM_STATUS_COUNT && strcmp(status_names[i], name) != 0)
		i++;
	return (enum vm_status)i;
}

static int refuse(int error, char *why, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(int error, char *why, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, room, fmt, ap);
	va_end(ap);
	return error;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

bool vm_is_active(const struct vm *vm)
{
	return vm->process >= 0;
}

void vm_note(struct vm *vm, const char *fmt, ...)
{
	char *line = vm->notes[vm->nr_notes++ % VM_NOTES];
	uint64_t ms = now_ns() / 1000000;
	va_list ap;
	int n = snprintf(line, VM_NOTE_MAX, "%llu.%03llu ", (unsigned long long)(ms / 1000),
			 (unsigned long long)(ms % 1000));

	va_start(ap, fmt);
	vsnprintf(line + n, VM_NOTE_MAX - (size_t)n, fmt, ap);
	va_end(ap);
}

static int spawn_vmm(struct vm *vm, int vmm_end)
{
	char *argv[4 + VM_SETTINGS_MAX] = { (char *)"vmm", vm->name,
					    vm->file ? vm->file : (char *)"-" };
	char *envp[] = { NULL };
	struct proc_spawn args = {
		.path = (uintptr_t)init_options.vmm,
		.argv = (uintptr_t)argv,
		.envp = (uintptr_t)envp,
		.nr_fds = 4,
		.fds = { -1, 1, 2, vmm_end },
	};

	memcpy(argv + 3, vm->settings, sizeof(*argv) * vm->nr_settings);
	snprintf(args.name, sizeof(args.name), "%s", vm->name);
	return strata_proc_spawn(&args);
}

int vm_start(struct vm *vm, char *why, size_t room)
{
	int32_t ends[2];
	uint64_t begin = now_ns();
	int ret;

	if (vm_is_active(vm))
		return refuse(-EBUSY, why, room, "%s: already %s", vm->name,
			      vm_status_name(vm->status));
	ret = strata_chan_create(ends, 16);
	if (ret < 0)
		return refuse(ret, why, room, "%s: no channel: %s", vm->name, strerror(-ret));
	ret = spawn_vmm(vm, ends[1]);
	close(ends[1]);
	if (ret < 0) {
		close(ends[0]);
		return refuse(ret, why, room, "%s: cannot start %s: %s", vm->name, init_options.vmm,
			      strerror(-ret));
	}
	vm->process = ret;
	vm->channel = ends[0];
	vm->status = VM_STARTING;
	vm->said_end = false;
	vm->exit_code = 0;
	vm->reason[0] = '\0';
	vm->started_ns = begin;
	vm->ran_ns = 0;
	vm->starts++;
	vm_note(vm, "started, number %u", vm->starts);
	return 0;
}

int vm_tell(struct vm *vm, json_t *message, int handle, char *why, size_t room)
{
	int ret;

	if (!vm_is_active(vm) || vm->channel < 0) {
		json_decref(message);
		return refuse(-ESRCH, why, room, "%s: not running", vm->name);
	}
	ret = proto_send(vm->channel, message, handle);
	if (ret < 0)
		return refuse(ret, why, room, "%s: its VMM does not take the request: %s", vm->name,
			      strerror(-ret));
	return 0;
}

int vm_kill(struct vm *vm, char *why, size_t room)
{
	int ret;

	if (!vm_is_active(vm))
		return refuse(-ESRCH, why, room, "%s: not running", vm->name);
	ret = strata_proc_kill(vm->process, 137);
	if (ret < 0)
		return refuse(ret, why, room, "%s: cannot be killed: %s", vm->name, strerror(-ret));
	vm->said_end = true;
	vm->end_status = VM_STOPPED;
	vm->exit_code = 137;
	snprintf(vm->reason, sizeof(vm->reason), "killed");
	vm_note(vm, "kill");
	return 0;
}

void vms_poll_add(struct pollfd *fds, size_t *n)
{
	for (size_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vms_at(i);

		vm->poll_channel = vm->poll_process = -1;
		if (!vm_is_active(vm))
			continue;
		vm->poll_process = (int)*n;
		fds[(*n)++] = (struct pollfd){ .fd = vm->process, .events = POLLIN };
		if (vm->channel < 0)
			continue;
		vm->poll_channel = (int)*n;
		fds[(*n)++] = (struct pollfd){ .fd = vm->channel, .events = POLLIN };
	}
}

/* What a VMM says of itself. Its end is noted only: the process' end makes it true. */
static bool take_state(struct vm *vm, const json_t *message)
{
	enum vm_status status = vm_status_parse(proto_string(message, "state", ""));

	switch (status) {
	case VM_RUNNING:
	case VM_PAUSED:
		if (status == VM_PAUSED || vm->status == VM_PAUSED)
			vm_note(vm, "%s", status == VM_PAUSED ? "paused" : "resumed");
		if (vm->status != VM_STOPPING)
			vm->status = status;
		return true;
	case VM_STOPPED:
	case VM_FAILED:
		if (vm->said_end)
			return false;
		vm->said_end = true;
		vm->end_status = status;
		vm->exit_code = (int)proto_int(message, "exit_code", 0);
		snprintf(vm->reason, sizeof(vm->reason), "%s", proto_string(message, "reason", ""));
		return false;
	default: return false;
	}
}

/* The scrollback of the last run is kept until the next one brings its own. */
static void take_log(struct vm *vm, int *handle)
{
	if (vm->log_fd >= 0)
		close(vm->log_fd);
	vm->log_fd = *handle;
	*handle = -1;
}

static bool take_message(struct vm *vm, const json_t *message, int *handle)
{
	const char *event = proto_string(message, "event", "");

	if (!strcmp(event, "state"))
		return take_state(vm, message);
	if (!strcmp(event, "note"))
		vm_note(vm, "%s", proto_string(message, "text", ""));
	else if (!strcmp(event, "log") && *handle >= 0)
		take_log(vm, handle);
	else if (!*event)
		forward_reply(vm, message, handle);
	return false;
}

static bool take_messages(struct vm *vm)
{
	bool changed = false;
	json_t *message;
	int error, handle;

	while ((message = proto_recv(vm->channel, &handle, &error))) {
		changed |= take_message(vm, message, &handle);
		if (handle >= 0)
			close(handle);
		json_decref(message);
	}
	if (error == -EPROTO)
		init_log("%s: its VMM sent what is no message", vm->name);
	if (error == -EPIPE) {
		close(vm->channel);
		vm->channel = -1;
	}
	return changed;
}

static void run_ended(struct vm *vm)
{
	struct proc_info info;
	int ret = strata_proc_info(vm->process, &info);

	if (!vm->said_end) {
		vm->end_status = VM_FAILED;
		vm->exit_code = ret < 0 ? -1 : info.exit_code;
		if (ret == 0 && info.end == PROC_FAULTED)
			snprintf(vm->reason, sizeof(vm->reason),
				 "its VMM crashed: signal %d at rip 0x%llx", info.exit_code,
				 (unsigned long long)info.fault_rip);
		else
			snprintf(vm->reason, sizeof(vm->reason), "its VMM ended with status %d",
				 vm->exit_code);
	}
	if (vm->channel >= 0)
		close(vm->channel);
	close(vm->process);
	vm->channel = vm->process = -1;
	vm->status = vm->end_status;
	forward_vm_ended(vm);
	vm->ran_ns = now_ns() - vm->started_ns;
	vm_note(vm, "%s%s%s", vm_status_name(vm->status), vm->reason[0] ? ": " : "", vm->reason);
	init_log("vm %s: %s%s%s", vm->name, vm_status_name(vm->status), vm->reason[0] ? ": " : "",
		 vm->reason);
}

bool vms_poll_done(const struct pollfd *fds)
{
	bool changed = false;

	for (size_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vms_at(i);

		if (vm->poll_channel >= 0 && fds[vm->poll_channel].revents && vm->channel >= 0)
			changed |= take_messages(vm);
		if (vm->poll_process >= 0 && fds[vm->poll_process].revents) {
			/* Its last words may have come after the channel was looked at. */
			if (vm->channel >= 0)
				take_messages(vm);
			run_ended(vm);
			changed = true;
		}
		vm->poll_channel = vm->poll_process = -1;
	}
	return changed;
}

json_t *vm_to_json(const struct vm *vm)
{
	uint64_t up = vm_is_active(vm) ? now_ns() - vm->started_ns : 0;

	return json_pack("{s:s,s:s,s:b,s:i,s:s,s:I,s:I,s:i,s:s}", "name", vm->name, "state",
			 vm_status_name(vm->status), "autostart", vm->autostart, "exit_code",
			 vm->exit_code, "reason", vm->reason, "uptime_ns", (json_int_t)up, "ran_ns",
			 (json_int_t)vm->ran_ns, "starts", (int)vm->starts, "file",
			 vm->file ? vm->file : "");
}

void vm_add_details(const struct vm *vm, json_t *object)
{
	unsigned n = vm->nr_notes < VM_NOTES ? vm->nr_notes : VM_NOTES;
	json_t *notes = json_array(), *settings = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(notes,
				      proto_text(vm->notes[(vm->nr_notes - n + i) % VM_NOTES]));
	for (unsigned i = 0; i < vm->nr_settings; i++)
		json_array_append_new(settings, proto_text(vm->settings[i]));
	json_object_set_new(object, "notes", notes);
	json_object_set_new(object, "settings", settings);
}
