// SPDX-License-Identifier: GPL-2.0-or-later
// Guests are entered through a pointer. While tracing is on it leads here, and on to the world
// switch's twins, which call svm_traced_exit: while it is off nobody asks. A session that has begun
// without goes on without.
#include "virt/svm/svm.h"

#include "cpu/time.h"
#include "virt/vcpu_traced.h"

static void note_injection(const struct svm_vcpu *s, uint64_t tsc)
{
	static const char *const types[8] = {
		[EVENT_INTR] = "interrupt",
		[EVENT_NMI] = "NMI",
		[EVENT_EXCEPTION] = "exception",
		[EVENT_SOFT_INT] = "INT",
	};
	uint64_t event = s->vmcb->event_inj;
	const char *type = types[EVENT_TYPE(event)];

	if (event & EVENT_VALID)
		vcpu_trace(&s->v, TRACE_INJECT, tsc, event & 0xff, type ? type : "event");
}

static enum svm_fast traced_enter(struct svm_vcpu *s, phys_t vmcb_pa, struct vmcb *vmcb,
				  phys_t host_save)
{
	svm_switch_fn *enter =
		svm_features.fsgsbase ? svm_switch_fsgsbase_traced : svm_switch_msr_traced;
	uint64_t start = time_tsc();
	enum svm_fast result;

	note_injection(s, start);
	result = enter(s, vmcb_pa, vmcb, host_save);
	vcpu_trace(&s->v, TRACE_GUEST, start, 0, s->v.vm->name);
	return result;
}

void svm_set_tracing(bool on)
{
	WRITE_ONCE(svm_switch, on ? traced_enter : svm_untraced_switch());
}

/* An IPI to itself goes past what the others come by (fast.c, send_to_self). */
static void note_self_ipi(const struct svm_vcpu *s, uint64_t tsc)
{
	const struct vcpu *v = &s->v;

	if (s->vmcb->exit_code == EXIT_MSR && (s->vmcb->exit_info1 & 1) &&
	    (uint32_t)v->gpr[GPR_RCX] == MSR_X2APIC_ICR &&
	    vlapic_is_to_self(&v->lapic, vcpu_edx_eax(v)))
		vcpu_trace(v, TRACE_POST, tsc, (uint8_t)v->gpr[GPR_RAX], "IPI");
}

/* Known to switch.S. */
enum svm_fast svm_traced_exit(struct svm_vcpu *s)
{
	uint64_t begin = time_tsc(), rip = s->vmcb->rip;
	enum svm_fast result;

	/* It came at some time since the entry. */
	if (s->virq >= VIRQ_FIRST && !(s->vmcb->int_ctl & V_IRQ))
		vcpu_trace(&s->v, TRACE_INJECT, begin, (uint64_t)s->virq, "interrupt");
	note_self_ipi(s, begin);
	result = svm_fast_exit(s);
	vcpu_trace(&s->v, TRACE_EXIT, begin, rip, s->exit->name);
	if (result == SVM_RESUME)
		note_injection(s, time_tsc());
	return result;
}
