// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of the machine: each verb reads one topic of sys_info and prints it as a
// table or as objects.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

static json_int_t j(uint64_t v)
{
	return (json_int_t)v;
}

int cmd_host_show(struct session *s, int argc, char **argv)
{
	struct sys_host h;
	int ret = strata_sys_info(SYS_TOPIC_HOST, 0, &h, sizeof(h));

	(void)argc;
	(void)argv;
	if (ret < 0)
		return shell_no_answer(s, "host", ret);
	if (s->json) {
		shell_print_json(json_pack(
			"{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:I,s:I,s:i,s:i,s:s}", "version", h.version,
			"cpu_model", h.cpu_model, "virt", h.virt, "cpus", (int)h.nr_cpus, "nodes",
			(int)h.nr_nodes, "tsc_khz", (int)h.tsc_khz, "vms", (int)h.nr_vms,
			"uptime_ns", j(h.uptime_ns), "memory", j(h.memory_total), "objects",
			(int)h.nr_objects, "threads", (int)h.nr_threads, "cmdline", h.cmdline));
		return STATUS_OK;
	}
	printf("%-14s %s\n%-14s %s\n%-14s %s\n", "version", h.version, "processor", h.cpu_model,
	       "virtualization", h.virt);
	printf("%-14s %u\n%-14s %u\n%-14s %u.%03u MHz\n", "CPUs", h.nr_cpus, "nodes", h.nr_nodes,
	       "TSC", h.tsc_khz / 1000, h.tsc_khz % 1000);
	printf("%-14s %" PRIu64 " MiB\n%-14s %u\n%-14s %" PRIu64 " s\n%-14s %s\n", "memory",
	       h.memory_total >> 20, "VMs", h.nr_vms, "up", h.uptime_ns / 1000000000,
	       "command line", h.cmdline);
	return STATUS_OK;
}

/* The name of the VM of that id; empty: none. */
static void vm_name(uint64_t id, char name[STRATA_NAME_MAX])
{
	struct vm_info vm;

	name[0] = '\0';
	for (unsigned i = 0; id && strata_vm_info_at(i, &vm) >= 0; i++) {
		if (vm.id == id)
			snprintf(name, STRATA_NAME_MAX, "%s", vm.name);
	}
}

static json_t *cpu_json(const struct sys_cpu *c)
{
	char tenant[STRATA_NAME_MAX];

	vm_name(c->dedicated_to, tenant);
	return json_pack(
		"{s:i,s:i,s:i,s:i,s:i,s:i,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s}", "cpu",
		(int)c->cpu, "apic_id", (int)c->apic_id, "node", (int)c->node, "core", (int)c->core,
		"package", (int)c->package, "pool", (int)c->pool, "dedicated_to", tenant, "online",
		(int)c->online, "idle_ns", j(c->idle_ns), "user_ns", j(c->user_ns), "guest_ns",
		j(c->guest_ns), "kernel_ns", j(c->kernel_ns), "switches", j(c->switches),
		"interrupts", j(c->interrupts), "ipis", j(c->ipis), "exits", j(c->exits),
		"mitigations", c->mitigations, "features", c->features);
}

static void cpu_times_row(const struct sys_cpu *c)
{
	printf("%3u %5u %4u %9.2f %9.2f %9.2f %9.2f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
	       c->cpu, c->apic_id, c->node, (double)c->idle_ns / 1e9, (double)c->kernel_ns / 1e9,
	       (double)c->user_ns / 1e9, (double)c->guest_ns / 1e9, c->switches, c->interrupts,
	       c->exits);
}

static void cpu_place_row(const struct sys_cpu *c)
{
	char tenant[STRATA_NAME_MAX];

	vm_name(c->dedicated_to, tenant);
	printf("%3u %7u %5u %5u %4u  %s\n", c->cpu, c->package, c->core, c->node, c->pool, tenant);
}

/* Items divided by blanks, in lines that fit any terminal. */
static void print_wrapped(const char *title, const char *text)
{
	int column = printf("%s:", title);

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + n >= 79)
			column = printf("\n ") - 1;
		column += printf(" %.*s", n, text);
		text += n + (text[n] == ' ');
	}
	printf("\n");
}

/* One line where all CPUs do the same, else one each. */
static void print_mitigations(void)
{
	struct sys_cpu first, c;
	bool same = true;

	if (strata_sys_info(SYS_TOPIC_CPU, 0, &first, sizeof(first)) < 0)
		return;
	for (unsigned i = 1; strata_sys_info(SYS_TOPIC_CPU, i, &c, sizeof(c)) >= 0; i++)
		same = same && strcmp(c.mitigations, first.mitigations) == 0;
	if (same)
		printf("mitigations: %s\n", first.mitigations);
	for (unsigned i = 0; !same && strata_sys_info(SYS_TOPIC_CPU, i, &c, sizeof(c)) >= 0; i++)
		printf("mitigations of CPU %u: %s\n", c.cpu, c.mitigations);
}

static void print_cpus(void)
{
	struct sys_cpu c = { 0 };

	printf("CPU  APIC NODE    IDLE s  KERNEL s    USER s   GUEST s   SWITCHES INTERRUPTS "
	       "     EXITS\n");
	for (unsigned i = 0; strata_sys_info(SYS_TOPIC_CPU, i, &c, sizeof(c)) >= 0; i++)
		cpu_times_row(&c);
	printf("\nCPU PACKAGE  CORE  NODE POOL  DEDICATED TO\n");
	for (unsigned i = 0; strata_sys_info(SYS_TOPIC_CPU, i, &c, sizeof(c)) >= 0; i++)
		cpu_place_row(&c);
	print_wrapped("features", c.features);
	print_mitigations();
}

int cmd_cpu(struct session *s, int argc, char **argv)
{
	struct sys_cpu c;
	int ret;

	(void)argc;
	(void)argv;
	ret = strata_sys_info(SYS_TOPIC_CPU, 0, &c, sizeof(c));
	if (ret < 0)
		return shell_no_answer(s, "cpu", ret);
	if (!s->json)
		print_cpus();
	for (unsigned i = 0; s->json && strata_sys_info(SYS_TOPIC_CPU, i, &c, sizeof(c)) >= 0; i++)
		shell_print_json(cpu_json(&c));
	return STATUS_OK;
}

static const struct memory_row {
	const char *name, *key;
	size_t offset;
} memory_rows[] = {
	{ "total", "total", offsetof(struct sys_memory, total) },
	{ "free", "free", offsetof(struct sys_memory, free) },
	{ "of it in CPU caches", "cpu_caches", offsetof(struct sys_memory, cpu_caches) },
	{ "kernel image", "kernel_image", offsetof(struct sys_memory, kernel_image) },
	{ "page structures", "page_structs", offsetof(struct sys_memory, page_structs) },
	{ "kernel", "kernel", offsetof(struct sys_memory, kernel_used) },
	{ "processes", "user", offsetof(struct sys_memory, user_used) },
	{ "guests", "guest", offsetof(struct sys_memory, guest_used) },
	{ "boot archive", "boot_archive", offsetof(struct sys_memory, boot_archive) },
	{ "at rest", "at_rest", offsetof(struct sys_memory, at_rest_baseline) },
};

static uint64_t memory_value(const struct sys_memory *m, const struct memory_row *row)
{
	uint64_t v;

	memcpy(&v, (const char *)m + row->offset, sizeof(v));
	return v;
}

static void print_memory(const struct session *s, const struct sys_memory *m)
{
	json_t *object = json_pack("{s:s}", "kind", "host");

	for (size_t i = 0; i < sizeof(memory_rows) / sizeof(memory_rows[0]); i++) {
		const struct memory_row *row = &memory_rows[i];

		if (s->json)
			json_object_set_new(object, row->key,
					    json_integer(j(memory_value(m, row))));
		else
			printf("%-20s %12" PRIu64 " KiB\n", row->name, memory_value(m, row) >> 10);
	}
	if (s->json)
		shell_print_json(json_incref(object));
	json_decref(object);
}

static void print_node(const struct session *s, const struct sys_node *n)
{
	if (s->json)
		shell_print_json(json_pack("{s:s,s:i,s:i,s:I,s:I}", "kind", "node", "node",
					   (int)n->node, "cpus", (int)n->nr_cpus, "total",
					   j(n->total), "free", j(n->free)));
	else
		printf("%4u %5u %17" PRIu64 " %12" PRIu64 "\n", n->node, n->nr_cpus, n->total >> 10,
		       n->free >> 10);
}

static void print_nodes(const struct session *s)
{
	struct sys_node n;

	if (!s->json)
		printf("NODE  CPUS         TOTAL KiB     FREE KiB\n");
	for (unsigned i = 0; strata_sys_info(SYS_TOPIC_NODE, i, &n, sizeof(n)) >= 0; i++)
		print_node(s, &n);
}

static void print_container(const struct session *s, const struct sys_container *c)
{
	if (s->json)
		shell_print_json(json_pack("{s:s,s:I,s:I,s:s,s:I,s:I,s:I}", "kind", "container",
					   "id", j(c->id), "parent", j(c->parent), "name", c->name,
					   "used", j(c->used), "limit", j(c->limit), "peak",
					   j(c->peak)));
	else
		printf("%4" PRIu64 " %4" PRIu64 " %-24s %12" PRIu64 " %12" PRIu64 " %12" PRIu64
		       "\n",
		       c->id, c->parent, c->name, c->used >> 10, c->limit >> 10, c->peak >> 10);
}

static void print_vm_memory(const struct session *s, const struct vm_info *vm)
{
	if (s->json)
		shell_print_json(json_pack("{s:s,s:s,s:I,s:I}", "kind", "vm", "name", vm->name,
					   "memory", j(vm->memory), "kernel_memory",
					   j(vm->kernel_memory)));
	else
		printf("VM %-28s %8" PRIu64 " KiB of its own, %" PRIu64 " KiB of the kernel's\n",
		       vm->name, vm->memory >> 10, vm->kernel_memory >> 10);
}

int cmd_mem(struct session *s, int argc, char **argv)
{
	struct sys_memory m;
	struct sys_container c;
	struct vm_info vm;
	int ret = strata_sys_info(SYS_TOPIC_MEMORY, 0, &m, sizeof(m));

	(void)argc;
	(void)argv;
	if (ret < 0)
		return shell_no_answer(s, "mem", ret);
	print_memory(s, &m);
	print_nodes(s);
	if (!s->json)
		printf("  ID   IN CONTAINER                   USED KiB    LIMIT KiB     PEAK "
		       "KiB\n");
	for (unsigned i = 0; strata_sys_info(SYS_TOPIC_CONTAINER, i, &c, sizeof(c)) >= 0; i++)
		print_container(s, &c);
	for (unsigned i = 0; strata_vm_info_at(i, &vm) >= 0; i++)
		print_vm_memory(s, &vm);
	return STATUS_OK;
}

static int power(struct session *s, int argc, char **argv, const char *action)
{
	json_t *more, *reply;

	if (argc == 1 && strcmp(argv[0], "--force") != 0)
		return STATUS_USAGE;
	more = json_pack("{s:s}", "action", action);
	if (argc == 1)
		json_object_set_new(more, "grace_ms", json_integer(0));
	reply = client_call(s, "power", more, -1);
	if (!reply)
		return STATUS_FAIL;
	json_decref(reply);
	if (s->json)
		shell_print_json(json_pack("{s:s}", "action", action));
	else
		printf("stopping all VMs ...\n");
	return STATUS_OK;
}

int cmd_reboot(struct session *s, int argc, char **argv)
{
	return power(s, argc, argv, "reboot");
}

int cmd_poweroff(struct session *s, int argc, char **argv)
{
	return power(s, argc, argv, "off");
}
