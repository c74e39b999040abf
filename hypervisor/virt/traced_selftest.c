// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest's interrupt to itself, which goes past the table of vlapic_ops, leaves in the trace.
#include "lib/string.h"
#include "mem/page.h"
#include "virt/testvm.h"
#include "virt/vcpu_traced.h"

#define RING_ORDER 6
_Static_assert(sizeof(struct trace_ring) <= PAGE_SIZE << RING_ORDER, "a ring fits");

/* By ICR, with IF clear. */
TESTVM_GUEST(guest_icr, "movl $0x1b, %ecx\n"
			"rdmsr\n"
			"orl $0xc00, %eax\n"
			"wrmsr\n"
			"movl $0x80f, %ecx\n"
			"movl $0x1ff, %eax\n"
			"xorl %edx, %edx\n"
			"wrmsr\n"
			"movl $0x830, %ecx\n"
			"movl $0x40041, %eax\n"
			"wrmsr\n"
			"outb %al, $0x51\n"
			"1: jmp 1b");

/* As proc/native_trace.c does it: they stay. */
static bool make_rings(void)
{
	cpu_for_each (id) {
		phys_t pa = 0;

		if (trace_has_ring(id))
			continue;
		pa = page_alloc(kernel_container, RING_ORDER, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
		if (!pa)
			return false;
		trace_set_ring(id, phys_to_virt(pa));
	}
	return true;
}

/* How many events of that kind, name and address the VM has left. */
static unsigned count(const struct vm *vm, enum trace_kind kind, const char *name, uint64_t address)
{
	struct trace_item item;
	unsigned n = 0;

	cpu_for_each (id) {
		for (uint64_t seq = 0; trace_read(id, &seq, &item); seq++)
			n += item.vm == (uint32_t)vm->id && item.kind == kind &&
			     !strcmp(item.name, name) && item.address == address;
	}
	return n;
}

SELFTEST(trace_interrupt_to_itself)
{
	SELFTEST_CHECK(make_rings());
	START(guest_icr, true);
	virt_set_tracing(true);
	EXPECT_OUT(0x51, 0x41);
	virt_set_tracing(false);
	SELFTEST_CHECK(count(t.vm, TRACE_POST, "IPI", 0x41) == 1);
	SELFTEST_CHECK(count(t.vm, TRACE_POST, "interrupt", 0x41) == 0);
	SELFTEST_CHECK(count(t.vm, TRACE_EXIT, "MSR", TESTVM_CODE + 38) == 1);
	END();
}
