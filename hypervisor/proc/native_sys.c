// SPDX-License-Identifier: GPL-2.0-or-later
// The calls on the machine, for processes with PROC_ADMIN. Each topic of sys_info is a row: the
// size of its structure and a function that fills one, cleared before.
#include "cpu/identify.h"
#include "cpu/intr.h"
#include "cpu/ipi.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/version.h"
#include "mem/page.h"
#include "proc/device.h"
#include "proc/machine.h"
#include "proc/native.h"
#include "proc/process.h"
#include "proc/user.h"
#include "thread/group.h"

#define CPUID_EXT_MAX 0x80000000u
#define CPUID_BRAND   0x80000002u /* three leaves of 16 characters */

#define LOG_LINE_MAX 224

static const struct machine_ops no_machine;
static const struct machine_virt_ops no_virt = { .name = "none" };
static const struct machine_ops *machine = &no_machine; /* [I] after start */
static const struct machine_virt_ops *virt = &no_virt;  /* [I] after start */
static uint64_t at_rest;                                /* [a] 0: not noted yet */

void machine_register(const struct machine_ops *ops)
{
	machine = ops;
}

void machine_register_virt(const struct machine_virt_ops *ops)
{
	virt = ops;
}

void machine_trace_exits(bool on)
{
	if (virt->set_tracing != NULL)
		virt->set_tracing(on);
}

/* ---- topics ---- */

union topic {
	struct sys_host host;
	struct sys_cpu cpu;
	struct sys_memory memory;
	struct sys_container container;
	struct proc_info proc;
	struct sys_pci pci;
	struct sys_node node;
	struct sys_vcpu vcpu;
};

static void get_cpu_model(char *text, size_t size)
{
	struct cpuid brand[3];
	const char *start;

	if (cpuid(CPUID_EXT_MAX, 0).eax < CPUID_BRAND + 2)
		return;
	for (uint32_t i = 0; i < 3; i++)
		brand[i] = cpuid(CPUID_BRAND + i, 0);
	start = (const char *)brand;
	while (*start == ' ' && start < (const char *)brand + sizeof(brand) - 1)
		start++;
	memcpy(text, start, MIN(size - 1, sizeof(brand) - (size_t)(start - (const char *)brand)));
}

static uint32_t count_nodes(void)
{
	uint32_t n = 0;

	cpu_for_each (id)
		n = MAX(n, cpu_get(id)->node + 1);
	return n;
}

static int fill_host(unsigned int index, union topic *t)
{
	struct sys_host *h = &t->host;
	struct mem_stats stats;

	if (index != 0)
		return -ENOENT;
	mem_get_stats(&stats);
	str_copy(h->version, strata_version, sizeof(h->version));
	get_cpu_model(h->cpu_model, sizeof(h->cpu_model));
	str_copy(h->virt, virt->name, sizeof(h->virt));
	h->nr_cpus = cpu_count();
	h->nr_nodes = count_nodes();
	h->tsc_khz = time_tsc_khz();
	h->nr_vms = virt->nr_vms != NULL ? virt->nr_vms() : 0;
	h->uptime_ns = time_now();
	h->memory_total = stats.total;
	h->nr_objects = object_count();
	h->nr_threads = thread_count();
	if (machine->cmdline != NULL)
		str_copy(h->cmdline, machine->cmdline, sizeof(h->cmdline));
	return 0;
}

static int fill_cpu(unsigned int index, union topic *t)
{
	struct sys_cpu *c = &t->cpu;
	struct cpu_account account;
	struct cpu *cpu;

	if (index >= cpu_count())
		return -ENOENT;
	cpu = cpu_get(CPU_ID(index));
	thread_cpu_account(cpu->id, &account);
	*c = (struct sys_cpu){
		.cpu = index,
		.apic_id = cpu->apic_id,
		.node = cpu->node,
		.online = cpu->online,
		.idle_ns = account.ns[CPU_TIME_IDLE],
		.user_ns = account.ns[CPU_TIME_USER],
		.guest_ns = account.ns[CPU_TIME_GUEST],
		.kernel_ns = account.ns[CPU_TIME_KERNEL],
		.switches = account.switches,
		.interrupts = intr_count_of(cpu->id),
		.ipis = ipi_count(cpu->id),
		.exits = READ_ONCE(cpu->exits),
		.core = cpu->core,
		.package = cpu->package,
		.pool = sched_pool_of(cpu->id),
		.dedicated_to = sched_dedicated_to(cpu->id),
	};
	str_copy(c->mitigations, mitigations_text(cpu->id), sizeof(c->mitigations));
	/* All CPUs are taken to be alike. */
	cpu_feature_names(cpuid, c->features, sizeof(c->features));
	return 0;
}

static uint64_t kernel_used(const struct mem_stats *s)
{
	return s->use[PAGE_KERNEL] + s->use[PAGE_TABLE] + s->use[PAGE_STACK] + s->use[PAGE_SLAB];
}

void machine_note_rest(void)
{
	struct mem_stats s;
	uint64_t none = 0;

	if (__atomic_load_n(&at_rest, __ATOMIC_RELAXED) != 0)
		return;
	mem_get_stats(&s);
	__atomic_compare_exchange_n(&at_rest, &none, kernel_used(&s) + s.use[PAGE_USER], false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static int fill_memory(unsigned int index, union topic *t)
{
	struct mem_stats s;

	if (index != 0)
		return -ENOENT;
	mem_get_stats(&s);
	t->memory = (struct sys_memory){
		.total = s.total,
		.free = s.free,
		.kernel_image = s.kernel_image,
		.page_structs = s.page_structs,
		.kernel_used = kernel_used(&s),
		.user_used = s.use[PAGE_USER],
		.guest_used = s.use[PAGE_GUEST],
		.cpu_caches = s.cached,
		.boot_archive = machine->boot_archive,
		.at_rest_baseline = __atomic_load_n(&at_rest, __ATOMIC_RELAXED),
	};
	return 0;
}

static int fill_node(unsigned int index, union topic *t)
{
	struct sys_node *n = &t->node;

	if (!mem_node_stats(index, &n->total, &n->free))
		return -ENOENT;
	n->node = index;
	cpu_for_each (id)
		n->nr_cpus += cpu_get(id)->node == index;
	return 0;
}

static int fill_container(unsigned int index, union topic *t)
{
	struct sys_container *c = &t->container;
	struct container_info info;
	uint64_t id = 0;

	for (unsigned int i = 0;; i++) {
		if (!container_next(&id, &info))
			return -ENOENT;
		if (i == index)
			break;
		id = info.id + 1;
	}
	*c = (struct sys_container){ .id = info.id,
				     .parent = info.parent,
				     .used = info.used,
				     .limit = info.limit,
				     .peak = info.peak };
	str_copy(c->name, info.name, sizeof(c->name));
	return 0;
}

static int fill_proc(unsigned int index, union topic *t)
{
	struct process *p = process_next(0);

	while (p != NULL && index-- != 0) {
		uint32_t pid = p->pid;

		object_put(&p->object);
		p = process_next(pid);
	}
	if (p == NULL)
		return -ENOENT;
	process_get_info(p, &t->proc);
	object_put(&p->object);
	return 0;
}

static int fill_vcpu(unsigned int index, union topic *t)
{
	return virt->vcpu != NULL ? virt->vcpu(index, &t->vcpu) : -ENOENT;
}

static int fill_pci(unsigned int index, union topic *t)
{
	return machine->pci != NULL ? machine->pci(index, &t->pci) : -ENOENT;
}

static const struct {
	size_t size;
	int (*fill)(unsigned int index, union topic *t); /* 0, or -ENOENT past the last index */
} topics[] = {
	[SYS_TOPIC_HOST] = { sizeof(struct sys_host), fill_host },
	[SYS_TOPIC_CPU] = { sizeof(struct sys_cpu), fill_cpu },
	[SYS_TOPIC_MEMORY] = { sizeof(struct sys_memory), fill_memory },
	[SYS_TOPIC_CONTAINER] = { sizeof(struct sys_container), fill_container },
	[SYS_TOPIC_PROC] = { sizeof(struct proc_info), fill_proc },
	[SYS_TOPIC_PCI] = { sizeof(struct sys_pci), fill_pci },
	[SYS_TOPIC_NODE] = { sizeof(struct sys_node), fill_node },
	[SYS_TOPIC_VCPU] = { sizeof(struct sys_vcpu), fill_vcpu },
};

static int64_t sys_sys_info(const struct syscall_args *a)
{
	uint64_t topic = a->arg[0], len;
	union topic t;
	int rc;

	if (!process_is_admin())
		return -EPERM;
	if (topic >= ARRAY_SIZE(topics) || a->arg[1] > UINT32_MAX)
		return -EINVAL;
	memset(&t, 0, sizeof(t));
	rc = topics[topic].fill((unsigned int)a->arg[1], &t);
	if (rc != 0)
		return rc;
	len = MIN(a->arg[3], (uint64_t)topics[topic].size);
	return copy_to_user(a->arg[2], &t, len) == 0 ? (int64_t)len : -EFAULT;
}

/* ---- CPU pools ---- */

static int64_t sys_pool_set(const struct syscall_args *a)
{
	struct cpu_pool pool;

	if (!process_is_admin())
		return -EPERM;
	return USER_GET(&pool, a->arg[0]) == 0 ? sched_pool_set(&pool) : -EFAULT;
}

/* ---- power ---- */

static int64_t sys_sys_power(const struct syscall_args *a)
{
	if (!process_is_admin())
		return -EPERM;
	if (a->arg[0] != POWER_OFF && a->arg[0] != POWER_REBOOT)
		return -EINVAL;
	if (machine->power == NULL)
		return -ENODEV;
	console_drain();
	return machine->power((enum power_action)a->arg[0], (int)a->arg[1]);
}

/* ---- log ---- */

static int64_t put_about(uint64_t user, const struct log_about *about)
{
	struct log_line line = { .ns = about->ns, .level = about->level };

	return USER_PUT(user, &line);
}

static int64_t sys_log_read(const struct syscall_args *a)
{
	char line[LOG_LINE_MAX + 32];
	struct log_about about;
	uint64_t sequence;
	int64_t n;

	if (!process_is_admin())
		return -EPERM;
	if (USER_GET(&sequence, a->arg[0]) != 0)
		return -EFAULT;
	n = log_read(&sequence, line, MIN(a->arg[2], (uint64_t)sizeof(line)), &about);
	if (n < 0)
		return n;
	if (a->arg[2] != 0 && copy_to_user(a->arg[1], line, (size_t)n + 1) != 0)
		return -EFAULT;
	if (a->arg[3] != 0 && put_about(a->arg[3], &about) != 0)
		return -EFAULT;
	return USER_PUT(a->arg[0], &sequence) == 0 ? n : -EFAULT;
}

static int64_t sys_log_level(const struct syscall_args *a)
{
	if (!process_is_admin())
		return -EPERM;
	if (a->arg[0] == LOG_LEVEL_QUERY)
		return log_level();
	return a->arg[0] <= LOG_DEBUG ? (int64_t)log_set_levels((enum log_level)a->arg[0])
				      : -EINVAL;
}

/* One line: what would end it or drive a terminal becomes a question mark. */
static void clean(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	}
	text[len] = '\0';
}

static int64_t sys_log_write(const struct syscall_args *a)
{
	char text[LOG_LINE_MAX];
	size_t len = MIN(a->arg[2], (uint64_t)sizeof(text) - 1);

	if (!process_is_admin())
		return -EPERM;
	if (a->arg[0] > LOG_DEBUG)
		return -EINVAL;
	if (copy_from_user(text, a->arg[1], len) != 0)
		return -EFAULT;
	if (len != 0 && text[len - 1] == '\n')
		len--;
	clean(text, len);
	log_write((enum log_level)a->arg[0], "%s: %s", process_current()->name, text);
	return 0;
}

static const struct syscall_row rows[] = {
	{ SYS_SYS_INFO, "sys_info", sys_sys_info },
	{ SYS_SYS_POWER, "sys_power", sys_sys_power },
	{ SYS_LOG_READ, "log_read", sys_log_read },
	{ SYS_LOG_WRITE, "log_write", sys_log_write },
	{ SYS_LOG_LEVEL, "log_level", sys_log_level },
	{ SYS_POOL_SET, "pool_set", sys_pool_set },
	{ SYS_BENCH, "bench", sys_bench },
	{ SYS_TRACE_SET, "trace_set", sys_trace_set },
	{ SYS_TRACE_READ, "trace_read", sys_trace_read },
};

const struct syscall_table native_sys_calls = { rows, ARRAY_SIZE(rows) };
