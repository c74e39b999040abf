// SPDX-License-Identifier: GPL-2.0-or-later
// Exits that are answered inside the session, a function each. An answer is whole or has had no
// effect (SVM_SLOW). Each ends in resume(), which looks at what came up meanwhile with one load.
// Instruction counts of these paths are budgeted: tests/test_exit_cost.py.
#include "virt/svm/svm.h"

#include "virt/hypercall.h"

#define MSR_X2APIC_EOI 0x80b

/* Something is to be delivered, armed, or another thread wants the CPU. */
static __noinline enum svm_fast attend(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	uint32_t requests = __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST);

	if (requests & VREQ_LEAVE)
		return SVM_LEAVE;
	if (requests) {
		__atomic_fetch_and(&v->requests, ~VREQ_EVENT, __ATOMIC_SEQ_CST);
		v->check_events = true;
	}
	if (v->timer_changed && !vcpu_arm_timer(v, false))
		return SVM_LEAVE;
	if (v->pv.time_stale)
		kvm_pv_update_time(v);
	if (v->check_events)
		svm_deliver(s);
	svm_check_entry(s);
	return SVM_RESUME;
}

static inline enum svm_fast resume(struct svm_vcpu *s)
{
	if (unlikely(READ_ONCE(s->v.attention)))
		return attend(s);
	svm_check_entry(s);
	return SVM_RESUME;
}

/* After an answer that may have woken a thread on this CPU. */
static enum svm_fast resume_or_yield(struct svm_vcpu *s)
{
	return thread_need_resched() ? SVM_LEAVE : resume(s);
}

/* ---- CPUID ---- */

static __noinline struct cpuid dynamic_cpuid(struct vcpu *v, const struct cpuid_row *row)
{
	uint64_t cr4 = svm_get_cr4(v);

	/* QEMU lets XSETBV through without an exit: the register knows better than we do. */
	if (row->dynamic == CPUID_XSAVE && (cr4 & CR4_OSXSAVE))
		fpu_read_xcr0(&v->fpu);
	struct cpuid_vcpu now = {
		.apic_id = v->index,
		.osxsave = cr4 & CR4_OSXSAVE,
		.ospke = cr4 & BIT(22),
		.apic_enabled = vlapic_enabled(&v->lapic),
		.xcr0 = v->fpu.xcr0,
	};
	struct cpuid out = row->value;

	cpuid_adjust(&v->vm->cpuid, row, &now, &out);
	return out;
}

static inline void cpuid_result(struct vcpu *v, const struct cpuid *r)
{
	v->gpr[GPR_RAX] = r->eax;
	v->gpr[GPR_RBX] = r->ebx;
	v->gpr[GPR_RCX] = r->ecx;
	v->gpr[GPR_RDX] = r->edx;
}

enum svm_fast svm_fast_cpuid(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	const struct cpuid_row *row =
		cpuid_lookup(&v->vm->cpuid, (uint32_t)v->gpr[GPR_RAX], (uint32_t)v->gpr[GPR_RCX]);

	if (likely(row->dynamic == CPUID_STATIC)) {
		cpuid_result(v, &row->value);
	} else {
		struct cpuid r = dynamic_cpuid(v, row);

		cpuid_result(v, &r);
	}
	svm_skip(s, 2);
	return resume(s);
}

/* ---- MSRs ---- */

static inline void finish_msr(struct svm_vcpu *s, int err)
{
	if (likely(err == 0))
		svm_skip(s, 2);
	else
		vcpu_raise_gp(&s->v);
}

static enum svm_fast write_eoi(struct svm_vcpu *s)
{
	vlapic_eoi(&s->v.lapic); /* kicks if that opens the way for what waits */
	svm_skip(s, 2);
	return resume(s);
}

static enum svm_fast send_to_self(struct svm_vcpu *s, uint8_t vector)
{
	svm_skip(s, 2);
	/* A request that comes now comes with an IPI, which ends the entry at once. */
	if (likely(svm_virq_to_self(s, vector))) {
		svm_check_entry(s);
		return SVM_RESUME;
	}
	vlapic_post_self(&s->v.lapic, vector);
	s->v.check_events = true;
	return resume(s);
}

/* First the two that come with each interrupt. */
static __noinline enum svm_fast write_lapic(struct svm_vcpu *s, uint32_t index, uint64_t value)
{
	struct vcpu *v = &s->v;

	if (index == MSR_X2APIC_EOI && !value && vlapic_x2apic(&v->lapic))
		return write_eoi(s);
	if (index == MSR_X2APIC_ICR && vlapic_icr_to_self(&v->lapic, value))
		return send_to_self(s, (uint8_t)value);
	v->check_events = true;
	finish_msr(s, guest_msr_write(v, index, value));
	return index == MSR_X2APIC_ICR ? resume_or_yield(s) : resume(s);
}

static __noinline enum svm_fast write_msr(struct svm_vcpu *s, uint32_t index)
{
	uint64_t value = vcpu_edx_eax(&s->v);

	if (index - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST)
		return write_lapic(s, index, value);
	finish_msr(s, guest_msr_write(&s->v, index, value));
	return resume(s);
}

static __noinline enum svm_fast read_msr(struct svm_vcpu *s, uint32_t index)
{
	uint64_t value;
	int err = guest_msr_read(&s->v, index, &value);

	if (likely(err == 0))
		vcpu_set_edx_eax(&s->v, value);
	finish_msr(s, err);
	return resume(s);
}

enum svm_fast svm_fast_msr(struct svm_vcpu *s)
{
	uint32_t index = (uint32_t)s->v.gpr[GPR_RCX];

	return s->vmcb->exit_info1 & 1 ? write_msr(s, index) : read_msr(s, index);
}

/* ---- ports ---- */

static inline uint64_t merge(uint64_t old, uint64_t value, unsigned len)
{
	if (len == 4)
		return (uint32_t)value;
	return len == 2 ? (old & ~0xffffull) | (uint16_t)value : (old & ~0xffull) | (uint8_t)value;
}

/* The value that OUT wrote, or 0. */
static inline uint64_t out_value(const struct vcpu *v, bool write, unsigned len)
{
	return write ? merge(0, v->gpr[GPR_RAX], len) : 0;
}

static inline void finish_io(struct svm_vcpu *s, bool write, uint64_t value, unsigned len)
{
	if (!write)
		s->v.gpr[GPR_RAX] = merge(s->v.gpr[GPR_RAX], value, len);
	svm_skip_to(s, s->vmcb->exit_info2);
}

static __noinline enum svm_fast vmm_io(struct svm_vcpu *s)
{
	svm_publish_io(s, (uint32_t)s->vmcb->exit_info1, false);
	return SVM_VMM_IO;
}

static __noinline enum svm_fast kernel_io(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	const struct vm_ios *ports = READ_ONCE(v->vm->ports);
	uint64_t info = s->vmcb->exit_info1;
	bool write = !(info & IOIO_IN);
	unsigned len = IOIO_SIZE(info);
	uint16_t port = IOIO_PORT(info);
	uint64_t value = out_value(v, write, len);

	for (unsigned i = 0; i < ports->count; i++) {
		const struct vm_io *io = &ports->io[i];

		if (port < io->first || port > io->last || !io->fn(v, io, write, port, len, &value))
			continue;
		finish_io(s, write, value, len);
		return io->flags ? resume_or_yield(s) : resume(s);
	}
	return SVM_SLOW;
}

/* What guests do to the PIC all the time. */
static __noinline enum svm_fast pic_io(struct svm_vcpu *s, uint32_t info)
{
	struct vm *vm = s->v.vm;
	bool write = !(info & IOIO_IN);
	uint64_t value = out_value(&s->v, write, 1);

	if (IOIO_SIZE(info) != 1 || (vm->flags & VM_NO_IRQCHIP) ||
	    !vpic_quick(&vm->irqchip.pic, IOIO_PORT(info), write, &value))
		return kernel_io(s);
	finish_io(s, write, value, 1);
	return resume(s);
}

enum svm_fast svm_fast_io(struct svm_vcpu *s)
{
	uint32_t info = (uint32_t)s->vmcb->exit_info1;
	uint16_t port = IOIO_PORT(info);

	if (unlikely(info & IOIO_STR))
		return SVM_SLOW;
	if (vpic_port(port))
		return pic_io(s, info);
	return vm_io_maybe(READ_ONCE(s->v.vm->ports), port) ? kernel_io(s) : vmm_io(s);
}

/* ---- the rest ---- */

enum svm_fast svm_fast_hypercall(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	bool long64 = (s->vmcb->efer & EFER_LMA) && (s->vmcb->cs.attrib & SEG_ATTR_L);

	hypercall(v, s->vmcb->cpl, long64);
	svm_skip(s, 3);
	if (likely(v->gpr[GPR_RAX] == (uint64_t)-KVM_ENOSYS))
		return resume(s);
	return resume_or_yield(s);
}

enum svm_fast svm_fast_hlt(struct svm_vcpu *s)
{
	s->v.check_events = true;
	if (!svm_has_event(s))
		return SVM_SLOW;
	s->v.pv.unhalted = false;
	svm_skip(s, 1);
	return resume(s);
}

enum svm_fast svm_fast_window(struct svm_vcpu *s)
{
	svm_set_virq(s, VIRQ_NONE);
	s->v.check_events = true;
	return s->v.window_wanted ? SVM_SLOW : resume(s);
}

/* ---- dispatch ---- */

static const struct svm_exit unexpected = { .name = "unknown", .counter = COUNT_UNEXPECTED };
static const struct svm_exit memory_fault = {
	.name = "nested page fault",
	.counter = COUNT_MEMORY_FAULT,
	.slow = svm_slow_npf,
};
static const struct svm_exit invalid = {
	.name = "invalid state",
	.counter = COUNT_INVALID,
	.slow = svm_slow_invalid,
};

static inline enum svm_fast answer(struct svm_vcpu *s, const struct svm_exit *exit)
{
	return exit->fast ? exit->fast(s) : SVM_SLOW;
}

static __noinline enum svm_fast sync_and_answer(struct svm_vcpu *s, const struct svm_exit *exit)
{
	svm_sync_int_ctl(s);
	return answer(s, exit);
}

static inline enum svm_fast take(struct svm_vcpu *s, const struct svm_exit *exit)
{
	const struct vmcb *c = s->vmcb;

	s->v.counters[exit->counter + (c->exit_info1 & exit->by_info1)]++;
	cpu_count_exit();
	s->exit = exit;
	if (unlikely(((uint32_t)c->int_ctl & (V_TPR_MASK | V_IRQ)) != s->int_ctl))
		return sync_and_answer(s, exit);
	return answer(s, exit);
}

/* A number without a row comes here as well. */
static __noinline enum svm_fast take_rare(struct svm_vcpu *s, uint32_t code)
{
	if (code == EXIT_NPF)
		return take(s, &memory_fault);
	return take(s, code == EXIT_INVALID ? &invalid : &unexpected);
}

/* Known to switch.S. */
enum svm_fast svm_fast_exit(struct svm_vcpu *s)
{
	struct vmcb *c = s->vmcb;
	uint32_t code = (uint32_t)c->exit_code;
	const struct svm_exit *exit = &svm_exits[code];

	/* What is for one entry only. All else is as the CPU has it: clean. */
	c->event_inj = 0;
	c->tlb_control = TLB_CONTROL_NONE;
	c->clean = CLEAN_ALL;
	svm_check_exit(s);
	if (unlikely(code >= EXIT_TABLE_SIZE || !exit->name))
		return take_rare(s, code);
	return take(s, exit);
}
