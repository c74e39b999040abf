// SPDX-License-Identifier: GPL-2.0-or-later
// trace export: the trace event format that Chrome's viewer (chrome://tracing) and Perfetto read. A
// group of rows for the CPUs with their threads, one for system calls with a row for each thread,
// and one for each VM with a row for each vCPU.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/trace.h"

#define THREADS_PID 0
#define CALLS_PID   1
#define VM_PID(id)  (2 + (json_int_t)(id))

static double microseconds(uint64_t ns)
{
	return (double)ns / 1000;
}

/* A name for a row of the viewer; tid < 0: for a group of rows. */
static json_t *name_row(json_int_t pid, json_int_t tid, const char *text)
{
	json_t *row = json_pack("{s:s,s:s,s:I,s:{s:o}}", "ph", "M", "name",
				tid < 0 ? "process_name" : "thread_name", "pid", pid, "args",
				"name", proto_text(text));

	if (tid >= 0)
		json_object_set_new(row, "tid", json_integer(tid));
	return row;
}

/* Something that lasts, in the viewer's form. */
static json_t *span(const char *name, json_int_t pid, json_int_t tid, uint64_t ns,
		    uint64_t duration_ns)
{
	return json_pack("{s:s,s:o,s:I,s:I,s:f,s:f}", "ph", "X", "name", proto_text(name), "pid",
			 pid, "tid", tid, "ts", microseconds(ns), "dur", microseconds(duration_ns));
}

static json_t *vcpu_event(const struct event *ev)
{
	const struct trace_event *e = &ev->e;
	bool post = e->kind == TRACE_EVENT_POST;
	json_t *row;
	char text[48];

	if (!post && e->kind != TRACE_EVENT_INJECT) {
		row = span(e->kind == TRACE_EVENT_GUEST ? "guest" : e->name, VM_PID(e->vm),
			   e->number, e->ns, e->duration_ns);
		snprintf(text, sizeof(text), "0x%" PRIx64, e->address);
		json_object_set_new(row, "args",
				    json_pack("{s:i,s:s}", "cpu", (int)ev->cpu, "rip", text));
		return row;
	}
	snprintf(text, sizeof(text), "%s%.20s 0x%" PRIx64, post ? "post " : "", e->name,
		 e->address);
	return json_pack("{s:s,s:s,s:o,s:I,s:i,s:f,s:{s:i}}", "ph", "i", "s", "t", "name",
			 proto_text(text), "pid", VM_PID(e->vm), "tid", (int)e->number, "ts",
			 microseconds(e->ns), "args", "cpu", (int)ev->cpu);
}

/* A thread runs until its CPU's next switch; the last one until the trace's end. */
static json_t *switch_event(const struct trace *t, size_t at)
{
	const struct event *ev = &t->events[at];
	uint64_t end = t->events[t->n - 1].e.ns;

	for (size_t i = at + 1; i < t->n; i++) {
		if (t->events[i].cpu == ev->cpu && t->events[i].e.kind == TRACE_EVENT_SWITCH) {
			end = t->events[i].e.ns;
			break;
		}
	}
	return span(ev->e.name, THREADS_PID, ev->cpu, ev->e.ns, end - ev->e.ns);
}

static json_t *call_event(const struct event *ev)
{
	json_t *row = span(ev->e.name, CALLS_PID, ev->e.thread, ev->e.ns, ev->e.duration_ns);
	char result[24];

	trace_result(&ev->e, result, sizeof(result));
	json_object_set_new(row, "args",
			    json_pack("{s:i,s:i,s:s}", "cpu", (int)ev->cpu, "number",
				      (int)ev->e.number, "result", result));
	return row;
}

static json_t *event_row(const struct trace *t, size_t at)
{
	switch (t->events[at].e.kind) {
	case TRACE_EVENT_SWITCH: return switch_event(t, at);
	case TRACE_EVENT_CALL: return call_event(&t->events[at]);
	default: return vcpu_event(&t->events[at]);
	}
}

/* ---- the document ---- */

/* It is printed row by row: as a whole it would take megabytes. */
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

static void put_cpu_names(struct document *d, const struct trace *t)
{
	char text[24];

	put_row(d, name_row(THREADS_PID, -1, "CPUs"));
	for (unsigned i = 0; i < t->nr_cpus; i++) {
		snprintf(text, sizeof(text), "CPU %u", i);
		put_row(d, name_row(THREADS_PID, i, text));
	}
}

/* Each VM once: where its first event stands. */
static void put_vm_names(struct document *d, const struct trace *t)
{
	char text[STRATA_NAME_MAX + 24];

	for (size_t i = 0; i < t->n; i++) {
		size_t k = 0;

		if (!trace_is_vcpus(&t->events[i].e))
			continue;
		while (!trace_is_vcpus(&t->events[k].e) || t->events[k].e.vm != t->events[i].e.vm)
			k++;
		if (k == i)
			put_row(d,
				name_row(VM_PID(t->events[i].e.vm), -1,
					 trace_vm_name(t, t->events[i].e.vm, text, sizeof(text))));
	}
}

struct caller {
	uint32_t thread;
	const char *name; /* of a switch to it; NULL: none was traced */
};

static int by_thread(const void *a, const void *b)
{
	const struct caller *x = a, *y = b;

	return (x->thread > y->thread) - (x->thread < y->thread);
}

/* The threads that have made system calls, each once, sorted; how many. */
static size_t find_callers(const struct trace *t, struct caller *callers)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->events[i].e.kind == TRACE_EVENT_CALL)
			callers[n++] = (struct caller){ .thread = t->events[i].e.thread };
	}
	if (n)
		qsort(callers, n, sizeof(*callers), by_thread);
	for (size_t i = 0; i < n; i++) {
		if (!kept || callers[kept - 1].thread != callers[i].thread)
			callers[kept++] = callers[i];
	}
	for (size_t i = 0; kept && i < t->n; i++) {
		struct caller key = { .thread = t->events[i].e.thread }, *c;

		if (t->events[i].e.kind != TRACE_EVENT_SWITCH)
			continue;
		c = bsearch(&key, callers, kept, sizeof(*callers), by_thread);
		if (c)
			c->name = t->events[i].e.name;
	}
	return kept;
}

/* Where there is no memory the rows have numbers alone. */
static void put_caller_names(struct document *d, const struct trace *t)
{
	struct caller *callers = malloc((t->n ? t->n : 1) * sizeof(*callers));
	size_t n = callers ? find_callers(t, callers) : 0;
	char text[64];

	if (n)
		put_row(d, name_row(CALLS_PID, -1, "system calls"));
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "thread %" PRIu32 "%s%s", callers[i].thread,
			 callers[i].name ? " " : "", callers[i].name ? callers[i].name : "");
		put_row(d, name_row(CALLS_PID, callers[i].thread, text));
	}
	free(callers);
}

/* For people's eyes a row is a line. */
static void print_chrome(const struct session *s, const struct trace *t)
{
	struct document d = { "", ",", "]}\n", false };

	if (!s->json)
		d = (struct document){ "\n", ",\n", "\n]}\n", false };
	printf("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	put_cpu_names(&d, t);
	put_caller_names(&d, t);
	put_vm_names(&d, t);
	for (size_t i = 0; i < t->n; i++)
		put_row(&d, event_row(t, i));
	printf("%s", d.end);
}

int cmd_trace_export(struct session *s, int argc, char **argv)
{
	const char *name = NULL;
	struct trace t;
	int ret;

	if (option_take(&argc, argv, "--vm", &name) < 0 || argc)
		return STATUS_USAGE;
	ret = trace_read_all(s, &t, name);
	if (ret == STATUS_OK)
		print_chrome(s, &t);
	free(t.events);
	return ret;
}
