// SPDX-License-Identifier: GPL-2.0-or-later
// The rings belong to who switches tracing on (proc/): this layer allocates nothing.
#include "cpu/tracing.h"

#include "lib/string.h"

/* Locks: [I] once it is set */
struct tracing {
	struct trace_ring *ring; /* [I] NULL: tracing was never on */
};
DEFINE_CPU_PUBLIC(struct tracing, tracing);

uint32_t tracing_on;
uint32_t tracing_vm;

void trace_set_ring(cpu_id_t cpu, struct trace_ring *ring)
{
	__atomic_store_n(&cpu_public(tracing, cpu)->ring, ring, __ATOMIC_RELEASE);
}

static struct trace_ring *ring_of(cpu_id_t cpu)
{
	return __atomic_load_n(&cpu_public(tracing, cpu)->ring, __ATOMIC_ACQUIRE);
}

bool trace_has_ring(cpu_id_t cpu)
{
	return ring_of(cpu) != NULL;
}

void trace_switch_on(bool on, uint32_t vm)
{
	__atomic_store_n(&tracing_vm, vm, __ATOMIC_SEQ_CST);
	cpu_for_each (id) {
		if (on)
			trace_ring_forget(ring_of(id));
	}
	__atomic_store_n(&tracing_on, on, __ATOMIC_SEQ_CST);
}

void trace_follow(uint32_t vm, uint32_t successor)
{
	if (vm != 0)
		__atomic_compare_exchange_n(&tracing_vm, &vm, successor, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
}

void trace_note(struct trace_item *item, const char *name)
{
	item->ticks = __builtin_ia32_rdtsc() - item->tsc;
	strlcpy(item->name, name, sizeof(item->name));
	trace_ring_put(cpu_private(tracing)->ring, item);
}

bool trace_read(cpu_id_t cpu, uint64_t *seq, struct trace_item *out)
{
	const struct trace_ring *ring = ring_of(cpu);

	return ring && trace_ring_get(ring, seq, out);
}
