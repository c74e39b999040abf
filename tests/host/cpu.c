// SPDX-License-Identifier: GPL-2.0-or-later
// CPUs for host tests. Linux programs don't use GS, so its base can be the per-CPU area as in the
// kernel. The linker sets __percpu_start to the start of the program's image: an area is therefore
// as large as the image, and mostly unused.
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/host/host.h"

#define ARCH_SET_GS 0x1001

extern char _end[];

static struct cpu *cpus[CPU_MAX];
static unsigned nr_cpus;

void host_cpu_enter(unsigned cpu)
{
	assert(cpu < nr_cpus);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, cpus[cpu]) != 0)
		abort();
}

void host_cpu_init(unsigned nr)
{
	size_t size = (size_t)(_end - __percpu_start);

	for (unsigned i = 0; i < nr; i++) {
		cpus[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		assert(cpus[i] != MAP_FAILED);
		cpus[i]->self = cpus[i];
		cpus[i]->id = CPU_ID(i);
		cpus[i]->apic_id = i;
		cpus[i]->online = true;
	}
	nr_cpus = nr;
	host_cpu_enter(0);
}

void host_cpu_set_node(unsigned cpu, unsigned node)
{
	cpus[cpu]->node = node;
}

unsigned cpu_count(void)
{
	return nr_cpus;
}

struct cpu *cpu_get(cpu_id_t id)
{
	assert(id.n < nr_cpus);
	return cpus[id.n];
}

struct start {
	pthread_t thread;
	unsigned cpu;
	void (*fn)(void *arg);
	void *arg;
};

static void *run(void *arg)
{
	struct start *s = arg;

	host_cpu_enter(s->cpu);
	s->fn(s->arg);
	return NULL;
}

void host_run_on_cpus(unsigned nr, void (*fn)(void *arg), void *arg)
{
	struct start s[CPU_MAX];

	for (unsigned i = 0; i < nr; i++) {
		s[i] = (struct start){ .cpu = i, .fn = fn, .arg = arg };
		if (pthread_create(&s[i].thread, NULL, run, &s[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < nr; i++)
		pthread_join(s[i].thread, NULL);
}
