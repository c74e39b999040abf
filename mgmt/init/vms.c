// SPDX-License-Identifier: GPL-2.0-or-later
// The table of VMs and the life of their VMM processes. Two things are polled for each active VM:
// its channel (what the VMM says) and its process handle (that it has ended); only the second ends
// a run, so that a restart never meets the old process.

#include "mgmt/init/vms.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "mgmt/init/init.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

static struct vm table[VMS_MAX];
static size_t count;

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

static int take_key(void *arg, const char *section, const char *key, const char *value)
{
	struct vm *vm = arg;

	if (!strcasecmp(section, "vm") && !strcasecmp(key, "autostart"))
		vm->autostart = !strcasecmp(value, "yes") || !strcasecmp(value, "true") ||
				!strcasecmp(value, "on") || !strcmp(value, "1");
	return 1;
}

/* "NAME.conf" with a NAME of letters, digits, '-', '_' and '.', that fits and does not begin with
 * '.' or '-'. */
static bool name_of_file(const char *file, char name[STRATA_NAME_MAX])
{
	size_t len = strlen(file);

	if (len <= 5 || strcmp(file + len - 5, ".conf") != 0 || len - 5 >= STRATA_NAME_MAX)
		return false;
	for (size_t i = 0; i < len - 5; i++) {
		if (!isalnum((unsigned char)file[i]) && !strchr(i ? "-_." : "_", file[i]))
			return false;
	}
	memcpy(name, file, len - 5);
	name[len - 5] = '\0';
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct vm *)a)->name, ((const struct vm *)b)->name);
}

int vms_scan(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		return -errno;
	count = 0;
	while ((entry = readdir(dir))) {
		struct vm *vm = &table[count];
		char path[512];

		if (entry->d_name[0] == '.')
			continue;
		if (count == VMS_MAX) {
			init_log("%s: more than %d VMs: the rest is left out", directory, VMS_MAX);
			break;
		}
		memset(vm, 0, sizeof(*vm));
		if (!name_of_file(entry->d_name, vm->name)) {
			init_log("%s/%s: expected NAME.conf, NAME of at most %d letters, digits, "
				 "'-', '_'",
				 directory, entry->d_name, STRATA_NAME_MAX - 1);
			continue;
		}
		vm->process = vm->channel = -1;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		/* Errors of the file are the VMM's to report, when the VM is started. */
		ini_parse(path, take_key, vm);
		count++;
	}
	closedir(dir);
	qsort(table, count, sizeof(table[0]), by_name);
	return (int)count;
}

size_t vms_count(void)
{
	return count;
}

struct vm *vms_at(size_t index)
{
	return index < count ? &table[index] : NULL;
}

struct vm *vms_find(const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

bool vm_is_active(const struct vm *vm)
{
	return vm->process >= 0;
}

static int spawn_vmm(struct vm *vm, int vmm_end)
{
	char path[512];
	char *argv[] = { (char *)"vmm", vm->name, path, NULL };
	char *envp[] = { NULL };
	struct proc_spawn args = {
		.path = (uintptr_t)init_options.vmm,
		.argv = (uintptr_t)argv,
		.envp = (uintptr_t)envp,
		.nr_fds = 4,
		.fds = { -1, 1, 2, vmm_end },
	};

	snprintf(args.name, sizeof(args.name), "%s", vm->name);
	snprintf(path, sizeof(path), "%s/%s.conf", init_options.vms, vm->name);
	return strata_proc_spawn(&args);
}

int vm_start(struct vm *vm, char *why, size_t room)
{
	int32_t ends[2];
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
	vm->started_ns = now_ns();
	vm->starts++;
	return 0;
}

static int tell(struct vm *vm, const char *op, int handle, char *why, size_t room)
{
	int ret;

	if (!vm_is_active(vm) || vm->channel < 0)
		return refuse(-ESRCH, why, room, "%s: not running", vm->name);
	ret = proto_send(vm->channel, json_pack("{s:i,s:s}", "id", 0, "op", op), handle);
	if (ret < 0)
		return refuse(ret, why, room, "%s: its VMM does not take the request: %s", vm->name,
			      strerror(-ret));
	return 0;
}

int vm_stop(struct vm *vm, char *why, size_t room)
{
	int ret = tell(vm, "stop", -1, why, room);

	if (ret == 0)
		vm->status = VM_STOPPING;
	return ret;
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
	return 0;
}

int vm_console(struct vm *vm, int handle, char *why, size_t room)
{
	return tell(vm, "console", handle, why, room);
}

void vms_poll_add(struct pollfd *fds, size_t *n)
{
	for (size_t i = 0; i < count; i++) {
		struct vm *vm = &table[i];

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

static bool take_messages(struct vm *vm)
{
	bool changed = false;
	json_t *message;
	int error, handle;

	while ((message = proto_recv(vm->channel, &handle, &error))) {
		if (handle >= 0)
			close(handle);
		if (!strcmp(proto_string(message, "event", ""), "state"))
			changed |= take_state(vm, message);
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
	init_log("vm %s: %s%s%s", vm->name, vm_status_name(vm->status), vm->reason[0] ? ": " : "",
		 vm->reason);
}

bool vms_poll_done(const struct pollfd *fds)
{
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		struct vm *vm = &table[i];

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
	char file[512];

	snprintf(file, sizeof(file), "%s/%s.conf", init_options.vms, vm->name);
	return json_pack("{s:s,s:s,s:b,s:i,s:s,s:I,s:i,s:s}", "name", vm->name, "state",
			 vm_status_name(vm->status), "autostart", vm->autostart, "exit_code",
			 vm->exit_code, "reason", vm->reason, "uptime_ns", (json_int_t)up, "starts",
			 (int)vm->starts, "file", file);
}
