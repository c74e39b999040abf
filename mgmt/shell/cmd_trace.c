// SPDX-License-Identifier: GPL-2.0-or-later
// trace on, off, show: what the kernel's rings hold, as lines and as objects. trace export is in
// cmd_trace_export.c.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/trace.h"

#define SHOW_USUAL 50
#define SHOW_MAX   1000000u

/* ---- on, off ---- */

static int set(struct session *s, enum trace_set what, uint64_t vm, const char *done)
{
	int ret = strata_trace_set(what, vm);

	if (ret < 0)
		return shell_no_answer(s, "trace", ret);
	if (s->json)
		shell_print_json(json_pack("{s:s}", "action", done));
	else
		printf("tracing is %s\n", what == TRACE_ON ? "on" : "off");
	return STATUS_OK;
}

int cmd_trace_on(struct session *s, int argc, char **argv)
{
	const char *name = NULL;
	uint64_t vm = 0;
	int ret = option_take(&argc, argv, "--vm", &name);

	if (ret < 0 || argc)
		return STATUS_USAGE;
	ret = name ? trace_find_vm(name, &vm) : 0;
	if (ret == -ENOENT)
		return shell_fail(s, "%s: no VM of that name runs", name);
	if (ret < 0)
		return shell_no_answer(s, "trace", ret);
	return set(s, TRACE_ON, vm, "tracing");
}

int cmd_trace_off(struct session *s, int argc, char **argv)
{
	(void)argc, (void)argv;
	return set(s, TRACE_OFF, 0, "stopped tracing");
}

/* ---- show ---- */

static const char *const kinds[] = {
	[TRACE_EVENT_GUEST] = "guest",   [TRACE_EVENT_EXIT] = "exit",
	[TRACE_EVENT_INJECT] = "inject", [TRACE_EVENT_SWITCH] = "switch",
	[TRACE_EVENT_POST] = "post",     [TRACE_EVENT_CALL] = "call",
};

static const char *kind_name(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : "unknown";
}

static void add_vcpu(json_t *object, const struct trace_event *e)
{
	char address[24];

	snprintf(address, sizeof(address), "0x%" PRIx64, e->address);
	json_object_set_new(object, "vcpu", json_integer(e->number));
	json_object_set_new(object, "address", json_string(address));
}

static void add_call(json_t *object, const struct trace_event *e)
{
	json_object_set_new(object, "number", json_integer(e->number));
	json_object_set_new(object, "result", json_integer((json_int_t)e->address));
}

static void show_json(const struct trace *t, const struct event *ev)
{
	const struct trace_event *e = &ev->e;
	char name[STRATA_NAME_MAX + 24];
	json_t *object =
		json_pack("{s:I,s:I,s:i,s:s,s:o,s:I,s:I}", "ns", (json_int_t)e->ns, "duration_ns",
			  (json_int_t)e->duration_ns, "cpu", (int)ev->cpu, "kind",
			  kind_name(e->kind), "name", proto_text(e->name), "sequence",
			  (json_int_t)e->sequence, "lost", (json_int_t)ev->lost);

	if (e->vm)
		json_object_set_new(object, "vm",
				    proto_text(trace_vm_name(t, e->vm, name, sizeof(name))));
	if (trace_is_vcpus(e))
		add_vcpu(object, e);
	else
		json_object_set_new(object, "thread", json_integer((json_int_t)e->thread));
	if (e->kind == TRACE_EVENT_CALL)
		add_call(object, e);
	shell_print_json(object);
}

/* Of a thread. */
static void show_thread(const struct trace *t, const struct trace_event *e)
{
	char vm[STRATA_NAME_MAX + 24], result[24];

	if (e->kind == TRACE_EVENT_SWITCH) {
		printf("to thread %" PRIu32 " %s\n", e->thread, e->name);
		return;
	}
	trace_result(e, result, sizeof(result));
	printf("%s%sthread %" PRIu32 " %s = %s, %" PRIu64 " ns\n",
	       e->vm ? trace_vm_name(t, e->vm, vm, sizeof(vm)) : "", e->vm ? " " : "", e->thread,
	       e->name, result, e->duration_ns);
}

static void show_vcpu(const struct trace *t, const struct trace_event *e)
{
	char vm[STRATA_NAME_MAX + 24];

	printf("%s/%" PRIu32 " ", trace_vm_name(t, e->vm, vm, sizeof(vm)), e->number);
	if (e->kind == TRACE_EVENT_EXIT)
		printf("%s at 0x%" PRIx64 ", ", e->name, e->address);
	if (e->kind == TRACE_EVENT_INJECT || e->kind == TRACE_EVENT_POST)
		printf("%s 0x%" PRIx64 "\n", e->name, e->address);
	else
		printf("%" PRIu64 " ns\n", e->duration_ns);
}

static void show_text(const struct trace *t, struct event *ev)
{
	struct trace_event *e = &ev->e;

	shell_clean(e->name); /* names are processes' own */
	if (ev->lost)
		printf("%*s CPU %u: %" PRIu64 " overwritten\n", 16, "", ev->cpu, ev->lost);
	printf("%6" PRIu64 ".%09" PRIu64 " %3u %-6s ", e->ns / 1000000000, e->ns % 1000000000,
	       ev->cpu, kind_name(e->kind));
	if (trace_is_vcpus(e))
		show_vcpu(t, e);
	else
		show_thread(t, e);
}

/* The last `count` events of a trace that has been read. */
static void show(const struct session *s, const struct trace *t, uint64_t count)
{
	size_t from = t->n > count ? t->n - (size_t)count : 0;

	if (!s->json && !t->n)
		printf("nothing traced: trace on begins\n");
	else if (!s->json)
		printf("          SECONDS CPU KIND   WHAT\n");
	for (size_t i = from; i < t->n; i++) {
		if (s->json)
			show_json(t, &t->events[i]);
		else
			show_text(t, &t->events[i]);
	}
}

int cmd_trace_show(struct session *s, int argc, char **argv)
{
	const char *name = NULL;
	uint64_t count = SHOW_USUAL;
	struct trace t;
	int ret;

	if (option_take(&argc, argv, "--vm", &name) < 0 || argc > 1 ||
	    (argc && !option_number(argv[0], 1, SHOW_MAX, &count)))
		return STATUS_USAGE;
	ret = trace_read_all(s, &t, name);
	if (ret == STATUS_OK)
		show(s, &t, count);
	free(t.events);
	return ret;
}
