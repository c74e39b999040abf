// SPDX-License-Identifier: GPL-2.0-or-later
// Guests of a few instructions, run from the kernel: what they do must end in the exit, the
// registers or the vector that the manual says. No ring 3, no devices.
#include "cpu/time.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "thread/testlib.h"
#include "virt/testvm.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"

TESTVM_GUEST(guest_real, ".code16\n"
			 "xorl %eax, %eax\n"
			 "cpuid\n"
			 "movw $0xe9, %dx\n"
			 "movl %ebx, %eax\n"
			 "outl %eax, %dx\n"
			 "inb $0x50, %al\n"
			 "outb %al, $0x51\n"
			 "inw $0x50, %ax\n"
			 "outl %eax, $0x52\n"
			 "1: jmp 1b");

SELFTEST(svm_real_mode)
{
	START(guest_real, false);
	EXPECT_OUT(0xe9, cpuid(0, 0).ebx);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(!t.v->run->io.write && t.v->run->io.port == 0x50 && t.v->run->io.size == 1);
	t.v->run->io.data = 0xffffff5a;
	EXPECT_OUT(0x51, 0x5a);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.size == 2);
	t.v->run->io.data = 0x1234;
	EXPECT_OUT(0x52, (cpuid(0, 0).ebx & 0xffff0000) | 0x1234);
	END();
}

TESTVM_GUEST(guest_faults, "movl $0x12345, %ecx\n"
			   "rdmsr\n");

SELFTEST(svm_unknown_msr)
{
	START(guest_faults, true);
	EXPECT_OUT(TESTVM_VECTOR_PORT, EXCEPTION_GP);
	SELFTEST_CHECK(t.v->counters[COUNT_MSR_UNKNOWN] == 1);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_EXCEPTION] == 1);
	END();
}

TESTVM_GUEST(guest_vmrun, "vmrun\n");

SELFTEST(svm_no_nesting)
{
	START(guest_vmrun, true);
	EXPECT_OUT(TESTVM_VECTOR_PORT, EXCEPTION_UD);
	END();
}

TESTVM_GUEST(guest_cr4, "movq %cr4, %rax\n"
			"btsq $40, %rax\n"
			"movq %rax, %cr4\n"
			"1: jmp 1b");

SELFTEST(svm_reserved_cr4)
{
	START(guest_cr4, true);
	EXPECT_OUT(TESTVM_VECTOR_PORT, EXCEPTION_GP);
	END();
}

TESTVM_GUEST(guest_triple, "lidt 1f(%rip)\n"
			   "ud2\n"
			   "1: .word 0\n"
			   ".quad 0");

SELFTEST(svm_triple_fault)
{
	START(guest_triple, true);
	EXPECT(VCPU_EXIT_SHUTDOWN);
	END();
}

TESTVM_GUEST(guest_inc, "movl $0xfee00080, %ebx\n"
			"incl (%rbx)\n");

SELFTEST(svm_not_a_mov)
{
	struct vm_info *info;

	START(guest_inc, true);
	EXPECT(VCPU_EXIT_FAILED);
	info = kalloc(kernel_container, sizeof(*info));
	SELFTEST_CHECK(info != NULL);
	vm_get_info(t.vm, info);
	SELFTEST_CHECK(info->state == VM_STATE_FAILED && str_starts(info->reason, "not a MOV"));
	SELFTEST_CHECK(info->memory == TESTVM_MEMORY && info->nr_vcpus == 1);
	kfree(info);
	END();
}

TESTVM_GUEST(guest_mmio, "movl $0x20000000, %ebx\n"
			 "movl $0x11223344, 8(%rbx)\n"
			 "1: jmp 1b");

SELFTEST(svm_mmio_exit)
{
	START(guest_mmio, true);
	EXPECT(VCPU_EXIT_MMIO);
	SELFTEST_CHECK(t.v->run->mmio.gpa == 0x20000008 && t.v->run->mmio.write);
	SELFTEST_CHECK(t.v->run->sregs_valid && t.v->run->regs.rip == TESTVM_CODE + 5);
	END();
}

/* Touches all memory, 4 KiB at a time, and adds it up. */
TESTVM_GUEST(guest_memory, "movl $0x200000, %ebx\n"
			   "1: incq (%rbx)\n"
			   "addq (%rbx), %rax\n"
			   "addq $0x1000, %rbx\n"
			   "cmpq $0x400000, %rbx\n"
			   "jne 1b\n"
			   "outl %eax, $0x52\n"
			   "1: jmp 1b");

SELFTEST(svm_nested_paging)
{
	START(guest_memory, true);
	EXPECT_OUT(0x52, 512);
	SELFTEST_CHECK(t.v->counters[COUNT_MEMORY_FILL] <= 513);
	SELFTEST_CHECK(vm_unmap(t.vm, 0, MiB(2)) == -22);
	SELFTEST_CHECK(vm_unmap(t.vm, 0, TESTVM_MEMORY) == 0);
	/* Nothing is there any more: not even the page tables. */
	EXPECT(VCPU_EXIT_FAILED);
	END();
}

TESTVM_GUEST(guest_loops, "movl $1000, %ebx\n"
			  "1: xorl %eax, %eax\n"
			  "cpuid\n"
			  "movl $0x3b, %ecx\n"
			  "rdmsr\n"
			  "movl $77, %eax\n"
			  "vmmcall\n"
			  "inb $0x21, %al\n"
			  "decl %esi\n"
			  "cmpl $-1000, %esi\n"
			  "jne 1b\n"
			  "outb %al, $0x51\n");

SELFTEST(svm_fast_exits)
{
	START(guest_loops, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.port == 0x51);
	SELFTEST_CHECK(t.v->counters[COUNT_CPUID] == 1000);
	SELFTEST_CHECK(t.v->counters[COUNT_MSR_READ] == 1000);
	SELFTEST_CHECK(t.v->counters[COUNT_HYPERCALL] == 1000);
	SELFTEST_CHECK(t.v->counters[COUNT_IO] == 1001);
	END();
}

/* x2APIC: an interrupt to itself, taken at STI, its EOI; then by way of HLT. */
TESTVM_GUEST(guest_ipi, TESTVM_X2APIC_SELF_IPI "outb %al, $0x51\n"
					       "sti\n"
					       "nop\n"
					       "cli\n"
					       "movl $0x83f, %ecx\n"
					       "movl $0x42, %eax\n"
					       "wrmsr\n"
					       "sti\n"
					       "hlt\n"
					       "outb %al, $0x51\n"
					       "1: jmp 1b");

SELFTEST(svm_self_ipi)
{
	START(guest_ipi, true);
	EXPECT_OUT(0x51, 0x41);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 0x41);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 0x42);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.port == 0x51);
	SELFTEST_CHECK(t.v->counters[COUNT_INJECT_IRQ] == 2);
	END();
}

/* The local APIC's timer ends HLT: one shot of 100 ms (an emulator on a busy
 * machine has reached HLT by then), at a bus of 1 GHz. */
TESTVM_GUEST(guest_timer, "movl $0x1b, %ecx\n"
			  "rdmsr\n"
			  "orl $0xc00, %eax\n"
			  "wrmsr\n"
			  "xorl %edx, %edx\n"
			  "movl $0x80f, %ecx\n"
			  "movl $0x1ff, %eax\n"
			  "wrmsr\n"
			  "movl $0x83e, %ecx\n"
			  "movl $0xb, %eax\n"
			  "wrmsr\n"
			  "movl $0x832, %ecx\n"
			  "movl $0x50, %eax\n"
			  "wrmsr\n"
			  "movl $0x838, %ecx\n"
			  "movl $100000000, %eax\n"
			  "wrmsr\n"
			  "sti\n"
			  "hlt\n"
			  "outb %al, $0x51\n"
			  "1: jmp 1b");

SELFTEST(svm_hlt_and_timer)
{
	uint64_t start = time_now();

	START(guest_timer, true);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 0x50);
	SELFTEST_CHECK(time_now() - start >= 100000000);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(t.v->run->io.port == 0x51);
	SELFTEST_CHECK(t.v->counters[COUNT_HLT] == 1 && t.v->counters[COUNT_HALT_SLEEPS] >= 1);
	END();
}

static void fire_there(void *vcpu)
{
	struct vcpu *v = vcpu;

	v->timer_deadline = time_now();
	(void)vcpu_arm_timer(v, true);
	while (READ_ONCE(v->timer.armed))
		cpu_irq_window();
}

static bool timer_follows;

static void arm_here(void *vcpu)
{
	struct vcpu *v = vcpu;

	v->timer_deadline = time_now() + 1000000000;
	timer_follows = !v->timer.armed && !vcpu_arm_timer(v, false) && vcpu_arm_timer(v, true) &&
			v->timer.armed && cpu_id_eq(v->timer.cpu, this_cpu_id()) &&
			vcpu_arm_timer(v, false);
}

/* The CPU that a vCPU has left may still be about to say that its timer has fired: it is waited for
 * before the timer is another's. */
SELFTEST(vcpu_timer_of_the_former_cpu)
{
	START(guest_timer, true);
	if (cpu_count() > 1) {
		test_end(test_start("timer", fire_there, t.v, CPU_ID(1), true));
		test_end(test_start("timer", arm_here, t.v, CPU_ID(0), true));
		SELFTEST_CHECK(timer_follows);
	}
	END();
}

/* xAPIC by MOV: the version register, then a self-IPI by ICR. */
TESTVM_GUEST(guest_xapic, "movl $0xfee00000, %ebx\n"
			  "movl $0x1ff, 0xf0(%rbx)\n"
			  "movl 0x30(%rbx), %eax\n"
			  "outl %eax, $0x52\n"
			  "movl $0, 0x310(%rbx)\n"
			  "movl $0x40021, 0x300(%rbx)\n"
			  "sti\n"
			  "nop\n"
			  "1: jmp 1b");

SELFTEST(svm_xapic)
{
	START(guest_xapic, true);
	EXPECT_OUT(0x52, 0x00050014);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 0x21);
	SELFTEST_CHECK(t.v->counters[COUNT_MMIO_KERNEL] == 4);
	/* The stub's EOI is an x2APIC's: #GP in xAPIC mode. */
	EXPECT_OUT(TESTVM_VECTOR_PORT, EXCEPTION_GP);
	END();
}

/* NMIs do not nest: the second waits for the IRET of the first. */
TESTVM_GUEST(guest_nmi, "outb %al, $0x51\n"
			"1: jmp 1b");

SELFTEST(svm_nmi)
{
	const struct vcpu_event nmi = { .vector = 2, .type = EVENT_NMI };

	START(guest_nmi, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(vcpu_inject(t.v, &nmi) == 0 && vcpu_inject(t.v, &nmi) == 0);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 2);
	SELFTEST_CHECK(t.v->nmi_pending == 1);
	SELFTEST_CHECK(t.v->run->regs.gpr[GPR_RSP] == TESTVM_STACK - 40);
	EXPECT_OUT(TESTVM_VECTOR_PORT, 2);
	SELFTEST_CHECK(t.v->nmi_pending == 0);
	SELFTEST_CHECK(t.v->run->regs.gpr[GPR_RSP] == TESTVM_STACK - 40);
	END();
}

SELFTEST(svm_state_round_trip)
{
	static struct vcpu_state before, after;

	START(guest_ipi, true);
	EXPECT(VCPU_EXIT_IO);
	SELFTEST_CHECK(vcpu_get_state(t.v, &before) == 0);
	SELFTEST_CHECK(vcpu_set_state(t.v, &before) == 0);
	SELFTEST_CHECK(vcpu_get_state(t.v, &after) == 0);
	SELFTEST_CHECK(memcmp(&before.regs, &after.regs, sizeof(before.regs)) == 0);
	SELFTEST_CHECK(memcmp(&before.sregs, &after.sregs, sizeof(before.sregs)) == 0);
	SELFTEST_CHECK(memcmp(before.lapic, after.lapic, sizeof(before.lapic)) == 0);
	before.sregs.cr4 |= 1ull << 40;
	SELFTEST_CHECK(vcpu_set_state(t.v, &before) < 0);
	END();
}
