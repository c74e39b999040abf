// SPDX-License-Identifier: GPL-2.0-or-later
// Samples are kept two at a time. Counters only rise; one that is smaller than before is that of
// another VM or vCPU, and counts as new.

#include "mgmt/shell/top.h"

#include <stdlib.h>
#include <string.h>

/* ---- a sample ---- */

static void take_vm(struct top_vm *v, const struct vm_info *info)
{
	*v = (struct top_vm){
		.id = info->id,
		.run_ns = info->run_time_ns,
		.guest_ns = info->guest_time_ns,
		.memory = info->memory,
		.kernel_memory = info->kernel_memory,
		.vcpus = info->nr_vcpus,
	};
	memcpy(v->name, info->name, sizeof(v->name) - 1);
	while (v->nr_reasons < info->nr_reasons && v->nr_reasons < TOP_REASONS) {
		v->reasons[v->nr_reasons] = info->counters[v->nr_reasons];
		v->nr_reasons++;
	}
}

static void take_sample(struct top_sample *s)
{
	struct vm_info info;

	s->nr_cpus = s->nr_vms = s->nr_vcpus = 0;
	while (s->nr_cpus < TOP_CPUS &&
	       strata_sys_info(SYS_TOPIC_CPU, s->nr_cpus, &s->cpus[s->nr_cpus],
			       sizeof(s->cpus[0])) >= 0)
		s->nr_cpus++;
	while (s->nr_vms < TOP_VMS && strata_vm_info_at(s->nr_vms, &info) >= 0)
		take_vm(&s->vms[s->nr_vms++], &info);
	while (s->nr_vcpus < TOP_VCPUS &&
	       strata_sys_info(SYS_TOPIC_VCPU, s->nr_vcpus, &s->vcpus[s->nr_vcpus],
			       sizeof(s->vcpus[0])) >= 0)
		s->nr_vcpus++;
}

/* ---- rates ---- */

static double per_s(uint64_t before, uint64_t after, uint64_t ns)
{
	return ns && after > before ? 1e9 * (double)(after - before) / (double)ns : 0;
}

static double percent(uint64_t before, uint64_t after, uint64_t ns)
{
	return ns && after > before ? 100.0 * (double)(after - before) / (double)ns : 0;
}

static void rate_cpu(struct top_cpu_rate *r, const struct sys_cpu *a, const struct sys_cpu *b,
		     uint64_t ns)
{
	*r = (struct top_cpu_rate){
		.cpu = b->cpu,
		.guest = percent(a->guest_ns, b->guest_ns, ns),
		.kernel = percent(a->kernel_ns, b->kernel_ns, ns),
		.user = percent(a->user_ns, b->user_ns, ns),
		.idle = percent(a->idle_ns, b->idle_ns, ns),
		.exits = per_s(a->exits, b->exits, ns),
		.switches = per_s(a->switches, b->switches, ns),
	};
}

static int most_first(const void *a, const void *b)
{
	double x = ((const struct top_reason *)a)->per_s, y = ((const struct top_reason *)b)->per_s;

	return (x < y) - (x > y);
}

static void rate_vm(struct top_vm_rate *r, const struct top_vm *a, const struct top_vm *b,
		    uint64_t ns)
{
	*r = (struct top_vm_rate){ .vm = b };
	if (!a)
		return;
	r->run = percent(a->run_ns, b->run_ns, ns);
	r->guest = percent(a->guest_ns, b->guest_ns, ns);
	for (unsigned i = 0; i < b->nr_reasons; i++) {
		double rate = per_s(a->reasons[i].count, b->reasons[i].count, ns);

		r->exits += rate;
		if (rate > 0)
			r->reasons[r->nr_reasons++] =
				(struct top_reason){ b->reasons[i].name, rate };
	}
	qsort(r->reasons, r->nr_reasons, sizeof(r->reasons[0]), most_first);
}

static void rate_vcpu(struct top_vcpu_rate *r, const struct sys_vcpu *a, const struct sys_vcpu *b,
		      uint64_t ns)
{
	*r = (struct top_vcpu_rate){ .vcpu = b };
	if (!a)
		return;
	r->run = percent(a->run_ns, b->run_ns, ns);
	r->guest = percent(a->guest_ns, b->guest_ns, ns);
	r->steal = percent(a->steal_ns, b->steal_ns, ns);
	r->wait = r->run + r->steal < 100 ? 100 - r->run - r->steal : 0;
	r->exits = per_s(a->exits, b->exits, ns);
}

static const struct top_vm *same_vm(const struct top_sample *s, const struct top_vm *vm)
{
	for (unsigned i = 0; i < s->nr_vms; i++) {
		if (s->vms[i].id == vm->id)
			return &s->vms[i];
	}
	return NULL;
}

static const struct sys_vcpu *same_vcpu(const struct top_sample *s, const struct sys_vcpu *v)
{
	for (unsigned i = 0; i < s->nr_vcpus; i++) {
		if (s->vcpus[i].vm_id == v->vm_id && s->vcpus[i].vcpu == v->vcpu)
			return &s->vcpus[i];
	}
	return NULL;
}

static int busiest_vm(const void *a, const void *b)
{
	double x = ((const struct top_vm_rate *)a)->run, y = ((const struct top_vm_rate *)b)->run;

	return (x < y) - (x > y);
}

static int busiest_vcpu(const void *a, const void *b)
{
	const struct top_vcpu_rate *x = a, *y = b;

	return (x->run < y->run) - (x->run > y->run);
}

static void rate(struct top_rates *r, const struct top_sample *a, const struct top_sample *b)
{
	uint64_t ns = b->now_ns - a->now_ns;

	r->nr_cpus = b->nr_cpus;
	r->nr_vms = b->nr_vms;
	r->nr_vcpus = b->nr_vcpus;
	for (unsigned i = 0; i < b->nr_cpus; i++)
		rate_cpu(&r->cpus[i], &a->cpus[i], &b->cpus[i], ns);
	for (unsigned i = 0; i < b->nr_vms; i++)
		rate_vm(&r->vms[i], same_vm(a, &b->vms[i]), &b->vms[i], ns);
	for (unsigned i = 0; i < b->nr_vcpus; i++)
		rate_vcpu(&r->vcpus[i], same_vcpu(a, &b->vcpus[i]), &b->vcpus[i], ns);
	qsort(r->vms, r->nr_vms, sizeof(r->vms[0]), busiest_vm);
	qsort(r->vcpus, r->nr_vcpus, sizeof(r->vcpus[0]), busiest_vcpu);
}

int top_look(struct top *t)
{
	struct top_sample *old = &t->samples[t->now], *new = &t->samples[t->now ^ 1];
	struct sys_host host;
	struct sys_memory memory;
	int ret = strata_sys_info(SYS_TOPIC_HOST, 0, &host, sizeof(host));

	if (ret >= 0)
		ret = strata_sys_info(SYS_TOPIC_MEMORY, 0, &memory, sizeof(memory));
	if (ret < 0)
		return ret;
	new->now_ns = host.uptime_ns;
	take_sample(new);
	t->rates.uptime_ns = host.uptime_ns;
	t->rates.total = memory.total;
	t->rates.free = memory.free;
	rate(&t->rates, old, new);
	t->now ^= 1;
	return 0;
}
