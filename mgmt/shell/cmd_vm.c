// SPDX-License-Identifier: GPL-2.0-or-later
// The vm verbs. State, reason and exit code come from init; memory, times and exit counters from
// the kernel, found by the VM's name.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"
#include "mgmt/shell/vm_live.h"

#define STOP_SECONDS 30

static json_t *merged(const json_t *vm)
{
	json_t *out = json_copy((json_t *)vm);
	struct vm_info info;

	if (!vm_live_info(proto_string(vm, "name", ""), &info))
		return out;
	json_object_set_new(out, "vcpus", json_integer(info.nr_vcpus));
	json_object_set_new(out, "memory", json_integer((json_int_t)info.memory));
	json_object_set_new(out, "kernel_memory", json_integer((json_int_t)info.kernel_memory));
	json_object_set_new(out, "run_time_ns", json_integer((json_int_t)info.run_time_ns));
	json_object_set_new(out, "guest_time_ns", json_integer((json_int_t)info.guest_time_ns));
	vm_live_describe(out, &info);
	json_t *exits = json_object();
	for (uint32_t i = 0; i < info.nr_counters && i < VM_INFO_COUNTERS; i++) {
		const struct vm_counter *c = &info.counters[i];

		if (c->count)
			json_object_set_new(exits, c->name, json_integer((json_int_t)c->count));
	}
	json_object_set_new(out, "exits", exits);
	return out;
}

static void print_row(const json_t *vm)
{
	json_int_t memory = proto_int(vm, "memory", 0);
	char mib[24] = "-", vcpus[24] = "-";

	if (memory)
		snprintf(mib, sizeof(mib), "%" JSON_INTEGER_FORMAT " MiB", memory >> 20);
	if (json_object_get(vm, "vcpus"))
		snprintf(vcpus, sizeof(vcpus), "%" JSON_INTEGER_FORMAT, proto_int(vm, "vcpus", 0));
	printf("%-24s %-9s %5s %10s  %s\n", proto_string(vm, "name", ""),
	       proto_string(vm, "state", ""), vcpus, mib, proto_string(vm, "reason", ""));
}

int cmd_vm_list(struct session *s, int argc, char **argv)
{
	json_t *reply;

	(void)argc;
	(void)argv;
	if (!s->json)
		printf("%-24s %-9s %5s %10s  %s\n", "NAME", "STATE", "VCPUS", "MEMORY", "REASON");
	for (json_int_t i = 0; (reply = client_try(s, "vm", json_pack("{s:I}", "index", i))); i++) {
		json_t *vm = merged(json_object_get(reply, "vm"));

		if (s->json)
			shell_print_json(json_incref(vm));
		else
			print_row(vm);
		json_decref(vm);
		json_decref(reply);
	}
	return STATUS_OK;
}

static void print_seconds(const char *name, const json_t *vm, const char *key)
{
	if (json_object_get(vm, key))
		printf("%-14s %.3f s\n", name, (double)proto_int(vm, key, 0) / 1e9);
}

/* An array of lines, under its name. */
static void print_lines(const char *name, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		printf("%-14s %s\n", i ? "" : name, json_string_value(line));
	}
}

static void print_figures(const json_t *vm)
{
	const char *name;
	json_t *count;

	printf("%-14s %" JSON_INTEGER_FORMAT "\n", "vcpus", proto_int(vm, "vcpus", 0));
	printf("%-14s %" JSON_INTEGER_FORMAT " KiB\n", "memory", proto_int(vm, "memory", 0) >> 10);
	printf("%-14s %" JSON_INTEGER_FORMAT " KiB\n", "kernel memory",
	       proto_int(vm, "kernel_memory", 0) >> 10);
	printf("%-14s weight %" JSON_INTEGER_FORMAT ", on CPUs %s%s\n", "scheduling",
	       proto_int(vm, "weight", 0), proto_string(vm, "cpus", ""),
	       json_is_true(json_object_get(vm, "dedicated")) ? ", dedicated" : "");
	if (proto_int(vm, "cap", 0))
		printf("%-14s %" JSON_INTEGER_FORMAT " %% of a CPU\n", "cap",
		       proto_int(vm, "cap", 0));
	print_seconds("up", vm, "uptime_ns");
	print_seconds("run time", vm, "run_time_ns");
	print_seconds("in the guest", vm, "guest_time_ns");
	json_object_foreach(json_object_get(vm, "exits"), name, count)
		printf("  %-22s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(count));
}

static void print_vm(const json_t *vm)
{
	const char *reason = proto_string(vm, "reason", "");

	printf("%-14s %s\n", "name", proto_string(vm, "name", ""));
	printf("%-14s %s\n", "state", proto_string(vm, "state", ""));
	if (*reason)
		printf("%-14s %s\n", "reason", reason);
	printf("%-14s %" JSON_INTEGER_FORMAT "\n", "exit code", proto_int(vm, "exit_code", 0));
	printf("%-14s %s\n", "autostart",
	       json_is_true(json_object_get(vm, "autostart")) ? "yes" : "no");
	print_lines("settings", json_object_get(vm, "settings"));
	if (json_object_get(vm, "vcpus"))
		print_figures(vm);
	print_lines("log", json_object_get(vm, "notes"));
}

int cmd_vm_show(struct session *s, int argc, char **argv)
{
	json_t *reply = client_call(s, "vm", json_pack("{s:s}", "vm", argv[0]), -1);
	json_t *vm;

	(void)argc;
	if (!reply)
		return STATUS_FAIL;
	vm = merged(json_object_get(reply, "vm"));
	if (s->json)
		shell_print_json(json_incref(vm));
	else
		print_vm(vm);
	json_decref(vm);
	json_decref(reply);
	return STATUS_OK;
}

void shell_print_state(const struct session *s, const json_t *vm)
{
	const char *reason = proto_string(vm, "reason", "");

	if (s->json)
		shell_print_json(json_copy((json_t *)vm));
	else
		printf("%s: %s%s%s\n", proto_string(vm, "name", ""), proto_string(vm, "state", ""),
		       *reason ? ": " : "", reason);
}

int shell_act(struct session *s, const char *op, json_t *more, const char *name)
{
	json_t *reply = client_call(s, op, more, -1), *vm;

	if (!reply)
		return STATUS_FAIL;
	json_decref(reply);
	vm = client_vm(s, name);
	if (!vm)
		return STATUS_FAIL;
	shell_print_state(s, vm);
	json_decref(vm);
	return STATUS_OK;
}

/* A request to act on a VM, then a wait for one of the states; the VM as it is then, or NULL. */
static json_t *act_and_wait(struct session *s, const char *op, const char *name, json_t *states,
			    int64_t ms)
{
	json_t *reply = client_call(s, op, json_pack("{s:s}", "vm", name), -1);
	json_t *vm;

	if (!reply) {
		json_decref(states);
		return NULL;
	}
	json_decref(reply);
	reply = client_call(s, "wait",
			    json_pack("{s:s,s:o,s:I}", "vm", name, "states", states, "timeout_ms",
				      (json_int_t)ms),
			    -1);
	if (!reply)
		return NULL;
	vm = json_incref(json_object_get(reply, "vm"));
	json_decref(reply);
	return vm;
}

int cmd_vm_start(struct session *s, int argc, char **argv)
{
	json_t *states = json_pack("[s,s,s]", "running", "stopped", "failed");
	json_t *vm = act_and_wait(s, "start", argv[0], states, STOP_SECONDS * 1000);
	int status = STATUS_OK;

	(void)argc;
	if (!vm)
		return STATUS_FAIL;
	if (!strcmp(proto_string(vm, "state", ""), "failed"))
		status = shell_fail(s, "%s: %s", argv[0], proto_string(vm, "reason", "failed"));
	else
		shell_print_state(s, vm);
	json_decref(vm);
	return status;
}

static int press_button(struct session *s, const char *name)
{
	json_t *reply = client_call(s, "stop", json_pack("{s:s}", "vm", name), -1);

	if (!reply)
		return STATUS_FAIL;
	json_decref(reply);
	reply = client_call(s, "vm", json_pack("{s:s}", "vm", name), -1);
	if (!reply)
		return STATUS_FAIL;
	shell_print_state(s, json_object_get(reply, "vm"));
	json_decref(reply);
	return STATUS_OK;
}

int cmd_vm_stop(struct session *s, int argc, char **argv)
{
	int64_t ms = STOP_SECONDS * 1000;
	const char *value = NULL;
	json_t *vm;

	if (option_take(&argc, argv, "--timeout", &value) < 0 || argc != 1 ||
	    (value && !option_seconds(value, &ms)))
		return STATUS_USAGE;
	if (ms == 0)
		return press_button(s, argv[0]);
	vm = act_and_wait(s, "stop", argv[0], json_pack("[s,s]", "stopped", "failed"), ms);
	if (!vm)
		return STATUS_FAIL;
	shell_print_state(s, vm);
	json_decref(vm);
	return STATUS_OK;
}

int cmd_vm_kill(struct session *s, int argc, char **argv)
{
	json_t *vm = act_and_wait(s, "kill", argv[0], json_pack("[s,s]", "stopped", "failed"),
				  STOP_SECONDS * 1000);

	(void)argc;
	if (!vm)
		return STATUS_FAIL;
	shell_print_state(s, vm);
	json_decref(vm);
	return STATUS_OK;
}
