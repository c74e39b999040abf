// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's rings, read CPU by CPU and put in the order of time. Names of VMs are those of now,
// and for VMs that are gone those that a stay in a guest has left in the trace.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/shell/trace.h"

#define EVENTS_MAX 1000000u

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

/* ---- names ---- */

static bool has_name(const struct trace *t, uint32_t id)
{
	for (unsigned i = 0; i < t->nr_vms; i++) {
		if (t->vms[i].id == id)
			return true;
	}
	return false;
}

static void add_name(struct trace *t, uint32_t id, const char *name)
{
	if (t->nr_vms == TRACE_VMS || has_name(t, id))
		return;
	t->vms[t->nr_vms].id = id;
	snprintf(t->vms[t->nr_vms++].name, STRATA_NAME_MAX, "%s", name);
}

static void read_names(struct trace *t)
{
	struct vm_info vm;

	for (unsigned i = 0; i < TRACE_VMS && strata_vm_info_at(i, &vm) >= 0; i++)
		add_name(t, (uint32_t)vm.id, vm.name);
	for (size_t i = 0; i < t->n; i++) {
		if (t->events[i].e.kind == TRACE_EVENT_GUEST)
			add_name(t, t->events[i].e.vm, t->events[i].e.name);
	}
}

const char *trace_vm_name(const struct trace *t, uint32_t id, char *text, size_t size)
{
	for (unsigned i = 0; i < t->nr_vms; i++) {
		if (t->vms[i].id == id)
			return t->vms[i].name;
	}
	snprintf(text, size, "VM %" PRIu32, id);
	return text;
}

int trace_find_vm(const char *name, uint64_t *id)
{
	struct vm_info vm;
	int ret;

	for (unsigned i = 0; (ret = strata_vm_info_at(i, &vm)) >= 0; i++) {
		if (!strcmp(vm.name, name)) {
			*id = vm.id;
			return 0;
		}
	}
	return ret;
}

/* ---- one VM alone ---- */

/* There may be several of that name: it was started again. */
static bool is_vm(const struct trace *t, uint32_t id, const char *name)
{
	for (unsigned i = 0; id && i < t->nr_vms; i++) {
		if (t->vms[i].id == id && !strcmp(t->vms[i].name, name))
			return true;
	}
	return false;
}

/* Before they are sorted: what a CPU does next ends what its thread did. */
static void keep_vm(struct trace *t, const char *name)
{
	size_t kept = 0;
	bool runs = false;
	uint64_t lost = 0;
	uint32_t cpu = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct event *ev = &t->events[i];
		bool own = is_vm(t, ev->e.vm, name), wanted = own;

		if (ev->cpu != cpu)
			runs = false, lost = 0;
		cpu = ev->cpu;
		lost += ev->lost;
		if (ev->e.kind == TRACE_EVENT_SWITCH) {
			wanted |= runs;
			runs = own;
		}
		if (!wanted)
			continue;
		t->events[kept] = *ev;
		t->events[kept++].lost = lost;
		lost = 0;
	}
	t->n = kept;
}

static bool is_known(const struct trace *t, const char *name)
{
	for (unsigned i = 0; i < t->nr_vms; i++) {
		if (!strcmp(t->vms[i].name, name))
			return true;
	}
	return false;
}

/* ---- the whole ---- */

int trace_read_all(struct session *s, struct trace *t, const char *only)
{
	struct sys_host host;
	int ret = strata_sys_info(SYS_TOPIC_HOST, 0, &host, sizeof(host));

	memset(t, 0, sizeof(*t));
	t->nr_cpus = ret < 0 ? 0 : host.nr_cpus;
	for (unsigned i = 0; ret >= 0 && i < host.nr_cpus; i++)
		ret = read_cpu(t, i, host.uptime_ns);
	if (ret < 0)
		return shell_no_answer(s, "trace", ret);
	read_names(t);
	if (only && !is_known(t, only))
		return shell_fail(s, "%s: no VM of that name runs or was traced", only);
	if (only)
		keep_vm(t, only);
	if (t->n)
		qsort(t->events, t->n, sizeof(*t->events), by_time);
	return STATUS_OK;
}

void trace_result(const struct trace_event *e, char *text, size_t size)
{
	int64_t value = (int64_t)e->address;

	if (value >= -4095 && value < 1 << 20)
		snprintf(text, size, "%" PRId64, value);
	else
		snprintf(text, size, "0x%" PRIx64, e->address);
}
