// SPDX-License-Identifier: GPL-2.0-or-later
// Which address space each CPU runs in. A CPU enters an as' set before it loads the tables and
// leaves it after it has loaded others: whoever changes entries and then finds a CPU missing in the
// set knows that it will read the new entries.
#include "cpu/mitigations.h"
#include "mem/as_impl.h"
#include "mem/kspace.h"
#include "mem/tlb.h"

/* Locks: [o] */
struct as_state {
	struct as *current; /* [o] NULL: the kernel's tables */
	uint64_t last_id;   /* [o] of the as whose ring 3 may have trained this CPU's predictors */
};
DEFINE_CPU_PRIVATE(struct as_state, as_state);

struct as *as_current(void)
{
	return cpu_private(as_state)->current;
}

/* A process trusts itself alone: a VMM may be its guest's by now. The kernel's threads between do
 * not count. */
static void leave_predictors(struct as_state *state, const struct as *as)
{
	if (!as || state->last_id == as->id)
		return;
	state->last_id = as->id;
	mitigations_as_switch();
}

void as_switch(struct as *as)
{
	struct as_state *state = cpu_private(as_state);
	struct as *old = state->current;
	phys_t root = as ? as->pt.root : kernel_pt.root;

	if (as == old)
		return;
	if (as)
		cpu_set_add(&as->active, this_cpu_id());
	__asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
	state->current = as;
	leave_predictors(state, as);
	if (old)
		cpu_set_remove(&old->active, this_cpu_id());
}

void tlb_flush_as(struct as *as, uint64_t va, uint64_t size)
{
	struct cpu_set cpus = { 0 };

	/* The entries first, then the set: see above. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpu_for_each (cpu) {
		if (cpu_set_has(&as->active, cpu))
			cpu_set_add(&cpus, cpu);
	}
	tlb_flush_set(&cpus, as->pt.root, va, size);
}
