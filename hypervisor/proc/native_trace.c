// SPDX-License-Identifier: GPL-2.0-or-later
// Tracing from ring 3: the rings are made when it is switched on for the first time and stay; what
// is in them is read without stopping it.
#include "cpu/time.h"
#include "cpu/tracing.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/page.h"
#include "proc/machine.h"
#include "proc/native.h"
#include "proc/process.h"
#include "proc/syscall.h"
#include "proc/user.h"

#define RING_ORDER 6
_Static_assert(sizeof(struct trace_ring) <= PAGE_SIZE << RING_ORDER, "a ring fits");

/* Locks: [a] atomic */
static uint32_t busy; /* [a] somebody switches */

_Static_assert((unsigned)TRACE_EVENT_GUEST == (unsigned)TRACE_GUEST &&
		       (unsigned)TRACE_EVENT_EXIT == (unsigned)TRACE_EXIT &&
		       (unsigned)TRACE_EVENT_INJECT == (unsigned)TRACE_INJECT &&
		       (unsigned)TRACE_EVENT_SWITCH == (unsigned)TRACE_SWITCH &&
		       (unsigned)TRACE_EVENT_POST == (unsigned)TRACE_POST &&
		       (unsigned)TRACE_EVENT_CALL == (unsigned)TRACE_CALL,
	       "kinds are the same");

static int make_rings(void)
{
	cpu_for_each (id) {
		phys_t pa;

		if (trace_has_ring(id))
			continue;
		pa = page_alloc(kernel_container, RING_ORDER, PAGE_KERNEL, PAGE_ZERO,
				(int)cpu_get(id)->node);
		if (!pa)
			return -ENOMEM;
		trace_set_ring(id, phys_to_virt(pa));
	}
	return 0;
}

static void switch_to(bool on, uint32_t vm)
{
	bool was = trace_is_on();

	if (on || was)
		trace_switch_on(on, vm);
	if (on == was)
		return;
	machine_trace_exits(on);
	syscall_trace(on);
}

int64_t sys_trace_set(const struct syscall_args *a)
{
	int err = 0;

	if (!process_is_admin())
		return -EPERM;
	if (a->arg[0] > TRACE_QUERY || a->arg[1] > UINT32_MAX)
		return -EINVAL;
	if (a->arg[0] == TRACE_QUERY)
		return trace_is_on();
	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return -EBUSY;
	if (a->arg[0] == TRACE_ON)
		err = make_rings();
	if (err == 0)
		switch_to(a->arg[0] == TRACE_ON, (uint32_t)a->arg[1]);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return err;
}

static void to_event(struct trace_event *e, uint64_t sequence, const struct trace_item *i)
{
	*e = (struct trace_event){
		.sequence = sequence,
		.ns = time_of(i->tsc),
		.duration_ns = time_tsc_to_ns(i->ticks),
		.vm = i->vm,
		.thread = i->thread,
		.address = i->address,
		.kind = i->kind,
		.number = i->number,
	};
	memcpy(e->name, i->name, sizeof(e->name));
}

int64_t sys_trace_read(const struct syscall_args *a)
{
	uint64_t sequence, user = a->arg[2], max = a->arg[3];
	struct trace_item item;
	struct trace_event event;
	int64_t n = 0;

	if (!process_is_admin())
		return -EPERM;
	if (a->arg[0] >= cpu_count() || max > TRACE_READ_MAX)
		return -EINVAL;
	if (USER_GET(&sequence, a->arg[1]) != 0)
		return -EFAULT;
	while ((uint64_t)n < max && trace_read(CPU_ID(a->arg[0]), &sequence, &item)) {
		to_event(&event, sequence++, &item);
		if (USER_PUT(user + (uint64_t)n * sizeof(event), &event) != 0)
			return -EFAULT;
		n++;
	}
	return USER_PUT(a->arg[1], &sequence) == 0 ? n : -EFAULT;
}
