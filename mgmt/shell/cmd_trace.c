// SPDX-License-Identifier: GPL-2.0-or-later
// trace: what the kernel's rings hold, of all CPUs, in the order of time; as lines, as objects, and
// in the trace event format that Chrome's viewer (chrome://tracing) and Perfetto read.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

#define SHOW_USUAL  50
#define EVENTS_MAX  1000000u
#define VMS_KNOWN   256
#define THREADS_PID 0 /* in the viewer: the CPUs with their threads; VMs come behind */
#define VM_PID(id)  (1 + (json_int_t)(id))

struct event {
	struct trace_event e;
	uint32_t cpu;
	uint64_t lost; /* overwritten before it */
};

struct trace {
	struct event *events;
	size_t n, room;
	unsigned nr_cpus, nr_vms;
	struct {
		uint64_t id;
		char name[STRATA_NAME_MAX];
	} vms[VMS_KNOWN]; /* those that there were when it was read */
};

/* ---- reading ---- */

static bool add(struct trace *t, const struct trace_event *e, unsigned cpu, uint64_t lost)
{
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;
		struct event *more =
			room > EVENTS_MAX ? NULL : realloc(t->events, room * sizeof(*more));

		if (!more)
			return false;
		t->events = more;
		t->room = room;
	}
	t->events[t->n] = (struct event){ .e = *e, .cpu = cpu, .lost = lost };
	t->events[t->n++].e.name[sizeof(e->name) - 1] = '\0';
	return true;
}

/* All that a CPU's ring holds by now: what comes while it is read is left for the next time. */
static int read_cpu(struct trace *t, unsigned cpu, uint64_t until_ns)
{
	struct trace_event buf[TRACE_READ_MAX];
	uint64_t sequence = 0;
	bool first = true;
	int n;

	while ((n = strata_trace_read(cpu, &sequence, buf, TRACE_READ_MAX)) > 0) {
		for (int i = 0; i < n; i++) {
			uint64_t before = i ? buf[i - 1].sequence + 1 : sequence - (uint64_t)n;
			uint64_t lost = first ? 0 : buf[i].sequence - before;

			if (buf[i].ns > until_ns)
				return 0;
			if (!add(t, &buf[i], cpu, lost))
				return -ENOMEM;
			first = false;
		}
	}
	return n;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->e.ns != y->e.ns)
		return x->e.ns < y->e.ns ? -1 : 1;
	return (x->e.sequence > y->e.sequence) - (x->e.sequence < y->e.sequence);
}

static void read_names(struct trace *t)
{
	struct vm_info vm;

	while (t->nr_vms < VMS_KNOWN && strata_vm_info_at(t->nr_vms, &vm) >= 0) {
		t->vms[t->nr_vms].id = vm.id;
		snprintf(t->vms[t->nr_vms].name, STRATA_NAME_MAX, "%s", vm.name);
		t->nr_vms++;
	}
}

/* 0 or -errno; t->events are the caller's to free in any case. */
static int read_all(struct trace *t)
{
	struct sys_host host;
	int ret = strata_sys_info(SYS_TOPIC_HOST, 0, &host, sizeof(host));

	memset(t, 0, sizeof(*t));
	if (ret < 0)
		return ret;
	t->nr_cpus = host.nr_cpus;
	for (unsigned i = 0; ret >= 0 && i < host.nr_cpus; i++)
		ret = read_cpu(t, i, host.uptime_ns);
	if (t->n)
		qsort(t->events, t->n, sizeof(*t->events), by_time);
	read_names(t);
	return ret < 0 ? ret : 0;
}

/* The VM of that id, or its number where it is gone. */
static const char *vm_name(const struct trace *t, uint64_t id, char *text, size_t size)
{
	for (unsigned i = 0; i < t->nr_vms; i++) {
		if (t->vms[i].id == id)
			return t->vms[i].name;
	}
	snprintf(text, size, "VM %" PRIu64, id);
	return text;
}

/* ---- on, off, show ---- */

static int set(struct session *s, enum trace_set what, const char *done)
{
	int ret = strata_trace_set(what);

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
	(void)argc, (void)argv;
	return set(s, TRACE_ON, "tracing");
}

int cmd_trace_off(struct session *s, int argc, char **argv)
{
	(void)argc, (void)argv;
	return set(s, TRACE_OFF, "stopped tracing");
}

static const char *const kinds[] = {
	[TRACE_EVENT_GUEST] = "guest",
	[TRACE_EVENT_EXIT] = "exit",
	[TRACE_EVENT_INJECT] = "inject",
	[TRACE_EVENT_SWITCH] = "switch",
};

static const char *kind_name(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : "unknown";
}

static void show_json(const struct trace *t, const struct event *ev)
{
	const struct trace_event *e = &ev->e;
	char address[24], name[STRATA_NAME_MAX + 24];
	json_t *object =
		json_pack("{s:I,s:I,s:i,s:s,s:o,s:I,s:I}", "ns", (json_int_t)e->ns, "duration_ns",
			  (json_int_t)e->duration_ns, "cpu", (int)ev->cpu, "kind",
			  kind_name(e->kind), "name", proto_text(e->name), "sequence",
			  (json_int_t)e->sequence, "lost", (json_int_t)ev->lost);

	if (e->kind != TRACE_EVENT_SWITCH) {
		snprintf(address, sizeof(address), "0x%" PRIx64, e->address);
		json_object_set_new(object, "vm",
				    proto_text(vm_name(t, e->id, name, sizeof(name))));
		json_object_set_new(object, "vcpu", json_integer(e->vcpu));
		json_object_set_new(object, "address", json_string(address));
	} else {
		json_object_set_new(object, "thread", json_integer((json_int_t)e->id));
	}
	shell_print_json(object);
}

static void show_text(const struct trace *t, struct event *ev)
{
	struct trace_event *e = &ev->e;
	char vm[STRATA_NAME_MAX + 24];

	shell_clean(e->name); /* names are processes' own */
	if (ev->lost)
		printf("%*s CPU %u: %" PRIu64 " overwritten\n", 16, "", ev->cpu, ev->lost);
	printf("%6" PRIu64 ".%09" PRIu64 " %3u %-6s ", e->ns / 1000000000, e->ns % 1000000000,
	       ev->cpu, kind_name(e->kind));
	if (e->kind == TRACE_EVENT_SWITCH) {
		printf("to thread %" PRIu64 " %s\n", e->id, e->name);
		return;
	}
	printf("%s/%u ", vm_name(t, e->id, vm, sizeof(vm)), e->vcpu);
	if (e->kind == TRACE_EVENT_EXIT)
		printf("%s at 0x%" PRIx64 ", ", e->name, e->address);
	if (e->kind == TRACE_EVENT_INJECT)
		printf("%s 0x%" PRIx64 "\n", e->name, e->address);
	else
		printf("%" PRIu64 " ns\n", e->duration_ns);
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
	uint64_t count = SHOW_USUAL;
	struct trace t;
	int ret;

	if (argc && !option_number(argv[0], 1, EVENTS_MAX, &count))
		return STATUS_USAGE;
	ret = read_all(&t);
	if (ret < 0)
		ret = shell_no_answer(s, "trace", ret);
	else
		show(s, &t, count);
	free(t.events);
	return ret;
}

/* ---- export ---- */

static double microseconds(uint64_t ns)
{
	return (double)ns / 1000;
}

/* A name for a row of the viewer; tid < 0: for a group of rows. */
static json_t *name_row(json_int_t pid, int tid, const char *text)
{
	json_t *row = json_pack("{s:s,s:s,s:I,s:{s:o}}", "ph", "M", "name",
				tid < 0 ? "process_name" : "thread_name", "pid", pid, "args",
				"name", proto_text(text));

	if (tid >= 0)
		json_object_set_new(row, "tid", json_integer(tid));
	return row;
}

/* Something that lasts, in the viewer's form. */
static json_t *span(const char *name, json_int_t pid, int tid, uint64_t ns, uint64_t duration_ns)
{
	return json_pack("{s:s,s:o,s:I,s:i,s:f,s:f}", "ph", "X", "name", proto_text(name), "pid",
			 pid, "tid", tid, "ts", microseconds(ns), "dur", microseconds(duration_ns));
}

static json_t *vm_event(const struct event *ev)
{
	const struct trace_event *e = &ev->e;
	json_t *row;
	char text[40];

	if (e->kind != TRACE_EVENT_INJECT) {
		row = span(e->kind == TRACE_EVENT_GUEST ? "guest" : e->name, VM_PID(e->id),
			   (int)e->vcpu, e->ns, e->duration_ns);
		snprintf(text, sizeof(text), "0x%" PRIx64, e->address);
		json_object_set_new(row, "args",
				    json_pack("{s:i,s:s}", "cpu", (int)ev->cpu, "rip", text));
		return row;
	}
	snprintf(text, sizeof(text), "%.20s 0x%" PRIx64, e->name, e->address);
	return json_pack("{s:s,s:s,s:o,s:I,s:i,s:f}", "ph", "i", "s", "t", "name", proto_text(text),
			 "pid", VM_PID(e->id), "tid", (int)e->vcpu, "ts", microseconds(e->ns));
}

/* A thread runs until its CPU's next switch; the last one until the trace's end. */
static json_t *thread_event(const struct trace *t, size_t at)
{
	const struct event *ev = &t->events[at];
	uint64_t end = t->events[t->n - 1].e.ns;

	for (size_t i = at + 1; i < t->n; i++) {
		if (t->events[i].cpu == ev->cpu && t->events[i].e.kind == TRACE_EVENT_SWITCH) {
			end = t->events[i].e.ns;
			break;
		}
	}
	return span(ev->e.name, THREADS_PID, (int)ev->cpu, ev->e.ns, end - ev->e.ns);
}

/* The document is printed row by row: as a whole it would take megabytes. */
struct document {
	const char *first, *next,
		*end; /* what stands before the first row, each further one, and last */
	bool begun;
};

static void put_row(struct document *d, json_t *row)
{
	printf("%s", d->begun ? d->next : d->first);
	d->begun = true;
	json_dumpf(row, stdout, JSON_COMPACT);
	json_decref(row);
}

static void put_names(struct document *d, const struct trace *t)
{
	char text[STRATA_NAME_MAX + 24];

	put_row(d, name_row(THREADS_PID, -1, "CPUs"));
	for (unsigned i = 0; i < t->nr_cpus; i++) {
		snprintf(text, sizeof(text), "CPU %u", i);
		put_row(d, name_row(THREADS_PID, (int)i, text));
	}
	/* Each VM once: where its first event stands. */
	for (size_t i = 0; i < t->n; i++) {
		size_t k = 0;

		if (t->events[i].e.kind == TRACE_EVENT_SWITCH)
			continue;
		while (t->events[k].e.kind == TRACE_EVENT_SWITCH ||
		       t->events[k].e.id != t->events[i].e.id)
			k++;
		if (k == i)
			put_row(d, name_row(VM_PID(t->events[i].e.id), -1,
					    vm_name(t, t->events[i].e.id, text, sizeof(text))));
	}
}

/* For people's eyes a row is a line. */
static void print_chrome(const struct session *s, const struct trace *t)
{
	struct document d = { "", ",", "]}\n", false };

	if (!s->json)
		d = (struct document){ "\n", ",\n", "\n]}\n", false };
	printf("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	put_names(&d, t);
	for (size_t i = 0; i < t->n; i++)
		put_row(&d, t->events[i].e.kind == TRACE_EVENT_SWITCH ? thread_event(t, i)
								      : vm_event(&t->events[i]));
	printf("%s", d.end);
}

int cmd_trace_export(struct session *s, int argc, char **argv)
{
	struct trace t;
	int ret;

	(void)argc, (void)argv;
	ret = read_all(&t);
	if (ret < 0)
		ret = shell_no_answer(s, "trace", ret);
	else
		print_chrome(s, &t);
	free(t.events);
	return ret;
}
