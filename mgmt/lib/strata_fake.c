// SPDX-License-Identifier: GPL-2.0-or-later
// Two CPUs and two VMs: `good1` with two vCPUs is always there, `fleeting` comes and goes with each
// second. Counters are rates times the seconds that have passed.

#include "mgmt/lib/strata_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull
#define MiB    (1ull << 20)

static uint64_t seconds;

bool fake_is_on(void)
{
	return getenv("STRATA_FAKE") != NULL;
}

/* Percent of the time since the start. */
static uint64_t share(unsigned percent)
{
	return seconds * percent * (SECOND / 100);
}

/* ---- topics ---- */

union topic {
	struct sys_host host;
	struct sys_cpu cpu;
	struct sys_memory memory;
	struct sys_container container;
	struct sys_node node;
	struct sys_vcpu vcpu;
};

static int host(unsigned index, union topic *t)
{
	if (index)
		return -ENOENT;
	seconds++;
	t->host = (struct sys_host){
		.version = "fake",
		.cpu_model = "Made-up CPU",
		.virt = "svm",
		.cmdline = "word=abc",
		.nr_cpus = 2,
		.nr_nodes = 1,
		.tsc_khz = 2000000,
		.nr_vms = 1,
		.uptime_ns = seconds * SECOND,
		.memory_total = 1024 * MiB,
	};
	return 0;
}

static int cpu(unsigned index, union topic *t)
{
	if (index > 1)
		return -ENOENT;
	t->cpu = (struct sys_cpu){
		.cpu = index,
		.apic_id = index,
		.core = index,
		.online = 1,
		.idle_ns = share(index ? 90 : 10),
		.guest_ns = share(index ? 5 : 60),
		.kernel_ns = share(index ? 3 : 20),
		.user_ns = share(index ? 2 : 10),
		.switches = 30 * seconds,
		.interrupts = 40 * seconds,
		.exits = (index ? 0 : 1500) * seconds,
		.dedicated_to = index ? 7 : 0,
		.features = "nx svm npt",
	};
	return 0;
}

static int memory(unsigned index, union topic *t)
{
	if (index)
		return -ENOENT;
	t->memory = (struct sys_memory){ .total = 1024 * MiB,
					 .free = 512 * MiB,
					 .guest_used = 128 * MiB };
	return 0;
}

static int container(unsigned index, union topic *t)
{
	if (index)
		return -ENOENT;
	t->container =
		(struct sys_container){ .id = 1, .name = "kernel", .used = MiB, .limit = 64 * MiB };
	return 0;
}

static int node(unsigned index, union topic *t)
{
	if (index > 1)
		return -ENOENT;
	t->node = (struct sys_node){
		.node = index, .nr_cpus = 1, .total = 500 * MiB, .free = (index + 1) * 100 * MiB
	};
	return 0;
}

static int vcpu(unsigned index, union topic *t)
{
	if (index > 1)
		return -ENOENT;
	t->vcpu = (struct sys_vcpu){
		.vm = "good1",
		.vm_id = 7,
		.vcpu = index,
		.cpu = index,
		.run_ns = share(index ? 5 : 80),
		.guest_ns = share(index ? 4 : 60),
		.steal_ns = share(index ? 0 : 15),
		.exits = (index ? 500 : 1000) * seconds,
		.halts = 10 * seconds,
	};
	return 0;
}

static int (*const topics[])(unsigned index, union topic *t) = {
	[SYS_TOPIC_HOST] = host,           [SYS_TOPIC_CPU] = cpu,   [SYS_TOPIC_MEMORY] = memory,
	[SYS_TOPIC_CONTAINER] = container, [SYS_TOPIC_NODE] = node, [SYS_TOPIC_VCPU] = vcpu,
};

int fake_sys_info(enum sys_topic topic, unsigned index, void *buf, size_t len)
{
	union topic t;
	int ret;

	if (topic >= sizeof(topics) / sizeof(topics[0]) || !topics[topic])
		return -EINVAL;
	memset(&t, 0, sizeof(t));
	ret = topics[topic](index, &t);
	if (ret < 0)
		return ret;
	memcpy(buf, &t, len < sizeof(t) ? len : sizeof(t));
	return (int)len;
}

/* ---- VMs ---- */

static void count(struct vm_info *vm, const char *name, uint64_t n)
{
	struct vm_counter *c = &vm->counters[vm->nr_counters++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->count = n;
}

int fake_vm_info_at(unsigned index, struct vm_info *out)
{
	unsigned last = seconds % 2;

	if (index > last)
		return -ENOENT;
	*out = (struct vm_info){ .id = 7,
				 .nr_vcpus = 2,
				 .state = VM_STATE_RUNNING,
				 .memory = 64 * MiB,
				 .kernel_memory = MiB };
	snprintf(out->name, sizeof(out->name), "%s", index ? "fleeting" : "good1");
	if (index) {
		out->id = 100 + seconds;
		return 0;
	}
	out->run_time_ns = share(85);
	out->guest_time_ns = share(64);
	count(out, "cpuid", 300 * seconds);
	count(out, "hlt", 200 * seconds);
	count(out, "io", 1000 * seconds);
	out->nr_reasons = out->nr_counters;
	count(out, "entries", 700 * seconds);
	return 0;
}

/* ---- tracing: each CPU has the same short story, a microsecond later on CPU 1 ---- */

#define STORY_START 500000000ull

static const struct trace_event story[] = {
	{ .sequence = 10,
	  .ns = 0,
	  .thread = 3,
	  .vm = 7,
	  .kind = TRACE_EVENT_SWITCH,
	  .name = "vcpu" },
	{ .sequence = 11,
	  .ns = 2000,
	  .vm = 7,
	  .kind = TRACE_EVENT_INJECT,
	  .address = 0x30,
	  .name = "interrupt" },
	{ .sequence = 12,
	  .ns = 2500,
	  .duration_ns = 250,
	  .vm = 7,
	  .kind = TRACE_EVENT_EXIT,
	  .address = 0x1000,
	  .name = "CPUID" },
	/* Two are missing here. */
	{ .sequence = 15,
	  .ns = 2000,
	  .duration_ns = 7500,
	  .vm = 7,
	  .kind = TRACE_EVENT_GUEST,
	  .name = "good1" },
	{ .sequence = 16,
	  .ns = 9600,
	  .duration_ns = 100,
	  .vm = 8,
	  .number = 1,
	  .kind = TRACE_EVENT_EXIT,
	  .address = 0x2000,
	  .name = "HLT" },
	{ .sequence = 17,
	  .ns = 10500,
	  .vm = 7,
	  .number = 1,
	  .kind = TRACE_EVENT_POST,
	  .address = 0x31,
	  .name = "interrupt" },
	{ .sequence = 18,
	  .ns = 10000,
	  .duration_ns = 1500,
	  .thread = 4,
	  .number = 0,
	  .kind = TRACE_EVENT_CALL,
	  .address = (uint64_t)-11,
	  .name = "read" },
	{ .sequence = 19,
	  .ns = 10100,
	  .duration_ns = 1000,
	  .vm = 7,
	  .thread = 3,
	  .number = 9,
	  .kind = TRACE_EVENT_CALL,
	  .address = 0x7f0000000000,
	  .name = "mmap" },
	{ .sequence = 20,
	  .ns = 12000,
	  .thread = 1,
	  .kind = TRACE_EVENT_SWITCH,
	  .name = "idle\n\"x" },
};

static bool tracing;

int fake_trace_set(enum trace_set what, uint64_t vm)
{
	(void)vm;
	if (what == TRACE_QUERY)
		return tracing;
	tracing = what == TRACE_ON;
	return 0;
}

int fake_trace_read(unsigned n, uint64_t *sequence, struct trace_event *buf, unsigned max)
{
	unsigned taken = 0;

	if (n > 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]) && taken < max; i++) {
		if (story[i].sequence < *sequence)
			continue;
		buf[taken] = story[i];
		buf[taken++].ns += STORY_START + n * 1000;
		*sequence = story[i].sequence + 1;
	}
	return (int)taken;
}

/* ---- the log: 60 lines, an error, a warning, info and debug in turn ---- */

#define LOG_LINES 60

int fake_log_read(uint64_t *sequence, char *buf, size_t len, struct log_line *about)
{
	unsigned n = (unsigned)*sequence;

	if (n >= LOG_LINES)
		return -ENOENT;
	if (about)
		*about = (struct log_line){ .ns = n * SECOND / 10, .level = n % 4 };
	(*sequence)++;
	return snprintf(buf, len, "line %u", n);
}

int fake_log_level(uint64_t level)
{
	static uint64_t now = 2;
	uint64_t before = now;

	if (level != LOG_LEVEL_QUERY)
		now = level;
	return (int)before;
}
