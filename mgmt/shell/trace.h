/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the trace verbs share: all that the kernel's rings hold, in the order of time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

#define TRACE_VMS 256

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
		uint32_t id;
		char name[STRATA_NAME_MAX];
	} vms[TRACE_VMS]; /* those that there are, and those that the trace names */
};

/* Reads it, of one VM alone unless that is NULL. A status; t->events are the caller's to free in
 * any case. */
int trace_read_all(struct session *s, struct trace *t, const char *only);

/* What happened to a vCPU, not to a thread. */
static inline bool trace_is_vcpus(const struct trace_event *e)
{
	return e->kind != TRACE_EVENT_SWITCH && e->kind != TRACE_EVENT_CALL;
}

/* The VM of that id, or its number where it has no name any more. */
const char *trace_vm_name(const struct trace *t, uint32_t id, char *text, size_t size);
/* The id of a VM that runs. 0, -ENOENT, or what the kernel says. */
int trace_find_vm(const char *name, uint64_t *id);

/* Its result, as calls have it: -errno, a number, or an address. */
void trace_result(const struct trace_event *e, char *text, size_t size);
