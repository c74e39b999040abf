// SPDX-License-Identifier: GPL-2.0-or-later
// Delivery of events. EVENTINJ delivers what the guest can take now; V_IRQ delivers an interrupt
// that it cannot take yet, or is the window that says when it can. In order: what an exit cut
// short, an exception, an NMI, an interrupt. An NMI that finds the former one's IRET not done is
// held back by intercepting that IRET and stepping over it. CPUs without next-RIP save (emulators)
// forget an interrupt shadow at VMRUN, and an interrupt would come between STI and HLT: there, what
// waits is held back by stepping over the shadowed instruction. AMD APM 2, "Event Injection",
// "EXITINTINFO", "Virtual Interrupts".
#include "virt/svm/svm.h"

#include "cpu/lapic.h"
#include "cpu/log.h"

static void intercept(struct svm_vcpu *s, uint32_t *word, uint32_t bit, bool on)
{
	uint32_t value = on ? *word | bit : *word & ~bit;

	if (value == *word)
		return;
	*word = value;
	svm_dirty(s, CLEAN_INTERCEPTS);
}

/* ---- steps ---- */

/*
 * Emulators check CR0 only at the next VMRUN, where its answer is the loss of the guest's state. A
 * value that is wrong differs from the present one in more than TS and MP.
 */
static void watch_cr0(struct svm_vcpu *s, bool on)
{
	intercept(s, &s->vmcb->intercept3, INTERCEPT_CR0_SEL, on && !svm_features.nrip);
}

static void start_step(struct svm_vcpu *s)
{
	if (s->step)
		return;
	s->step = true;
	s->step_tf = s->vmcb->rflags & RFLAGS_TF;
	s->vmcb->rflags |= RFLAGS_TF;
}

static void end_step(struct svm_vcpu *s)
{
	if (!s->step)
		return;
	s->step = s->step_iret = false;
	if (!s->step_tf)
		s->vmcb->rflags &= ~RFLAGS_TF;
	watch_cr0(s, true);
}

void svm_step_cr0(struct svm_vcpu *s)
{
	start_step(s);
	watch_cr0(s, false);
}

void svm_trap(struct svm_vcpu *s)
{
	bool ours = s->step && !s->step_tf;

	end_step(s);
	if (ours)
		return;
	s->vmcb->dr6 |= DR6_BS;
	svm_dirty(s, CLEAN_DR);
	vcpu_raise(&s->v, EXCEPTION_DB, false, 0);
}

/* ---- what holds events back ---- */

static bool in_shadow(const struct svm_vcpu *s)
{
	return (s->vmcb->int_state & INTERRUPT_SHADOW) ||
	       (s->shadow_kept && s->vmcb->rip == s->shadow_rip);
}

/* An exit does not end a shadow, only the instruction in it does. */
static void keep_shadow(struct svm_vcpu *s)
{
	s->shadow_kept = !svm_features.nrip && in_shadow(s);
	s->shadow_rip = s->vmcb->rip;
}

bool svm_irqs_open(struct vcpu *v)
{
	const struct svm_vcpu *s = svm_of(v);

	return (s->vmcb->rflags & RFLAGS_IF) && !in_shadow(s);
}

static bool nmi_open(const struct svm_vcpu *s)
{
	return !s->nmi_masked && !in_shadow(s);
}

/* The guest may have ended an interrupt without an exit: as long as that is not seen, the local
 * APIC holds back what waits behind it, and a vCPU in HLT would sleep on. */
static void sync_pv_eoi(struct vcpu *v)
{
	if (v->pv.eoi_pending)
		kvm_pv_sync_eoi(v, vlapic_irr_any(&v->lapic));
}

/* As irqchip_next(); the VMM's own counts as the PIC's. */
static int next_irq(struct vcpu *v)
{
	return unlikely(v->injected.valid) ? IRQCHIP_PIC : irqchip_next(&v->vm->irqchip, &v->lapic);
}

bool svm_has_event(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;

	if (v->exception.valid || v->interrupted.valid || v->pv.unhalted)
		return true;
	sync_pv_eoi(v);
	if (v->nmi_pending && !s->nmi_masked)
		return true;
	/* The shadow of STI ends with HLT itself. */
	return (s->vmcb->rflags & RFLAGS_IF) && next_irq(v) >= 0;
}

void svm_get_blocking(struct vcpu *v, uint8_t *shadow, uint8_t *nmi_masked)
{
	const struct svm_vcpu *s = svm_of(v);

	*shadow = in_shadow(s);
	*nmi_masked = s->nmi_masked;
}

static void set_nmi_masked(struct svm_vcpu *s, bool masked)
{
	s->nmi_masked = masked;
	intercept(s, &s->vmcb->intercept3, INTERCEPT_IRET, masked);
}

void svm_set_blocking(struct vcpu *v, uint8_t shadow, uint8_t nmi_masked)
{
	struct svm_vcpu *s = svm_of(v);

	s->vmcb->int_state = shadow ? INTERRUPT_SHADOW : 0;
	s->shadow_kept = false;
	end_step(s);
	watch_cr0(s, true);
	set_nmi_masked(s, nmi_masked);
}

/* ---- V_IRQ ---- */

void svm_set_virq(struct svm_vcpu *s, int virq)
{
	struct vmcb *c = s->vmcb;
	uint64_t ctl = c->int_ctl & ~V_IRQ_FIELDS;

	if (s->virq == virq)
		return;
	if (virq == VIRQ_WINDOW)
		ctl |= V_IRQ | V_INTR_PRIO(0xf) | V_IGN_TPR;
	else if (virq)
		ctl |= V_IRQ | V_INTR_PRIO(virq >> 4) | V_INTR_VECTOR(virq);
	c->int_ctl = ctl;
	s->int_ctl = (s->int_ctl & V_TPR_MASK) | (virq ? VIRQ_SET : 0);
	svm_dirty(s, CLEAN_TPR);
	if (virq == VIRQ_WINDOW || s->virq == VIRQ_WINDOW)
		intercept(s, &c->intercept3, INTERCEPT_VINTR, virq == VIRQ_WINDOW);
	s->virq = virq;
}

/* The guest has taken the interrupt, or an exit cut that short: in service from then on. */
static void virq_taken(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;

	vlapic_in_service(&v->lapic, (uint8_t)s->virq);
	svm_set_virq(s, VIRQ_NONE);
	vcpu_count(v, COUNT_INJECT_IRQ);
	v->check_events |= vlapic_irr_any(&v->lapic);
}

/* It has not: whoever looks at the local APIC finds it there. */
static void virq_waits(struct svm_vcpu *s)
{
	vlapic_put_back(&s->v.lapic, (uint8_t)s->virq);
	svm_set_virq(s, VIRQ_NONE);
	s->v.check_events = true;
}

/* Emulators leave V_IRQ set then, and call it an exception; there are none of such vectors. */
static bool was_cut_short(const struct svm_vcpu *s)
{
	uint64_t e = s->vmcb->exit_int_info;

	return (e & EVENT_VALID) && (int)EVENT_VECTOR(e) == s->virq &&
	       (EVENT_TYPE(e) == EVENT_INTR || EVENT_TYPE(e) == EVENT_EXCEPTION);
}

/* An interrupt that only TPR holds back: its moment is a write of CR8. */
static void watch_cr8(struct svm_vcpu *s, bool on)
{
	intercept(s, &s->vmcb->intercept_cr, BIT(16 + 8), on);
}

static void sync_tpr(struct svm_vcpu *s)
{
	s->int_ctl = (s->int_ctl & VIRQ_SET) | (s->vmcb->int_ctl & V_TPR_MASK);
	vlapic_set_cr8(&s->v.lapic, s->int_ctl & V_TPR_MASK);
	s->v.check_events = true;
}

/*
 * QEMU 7.2 sets V_IRQ's bit of cs->interrupt_request in VMRUN without its lock: what another thread
 * sets there at that moment is lost, an interrupt of this CPU. It is still in the local APIC, and
 * sent again by a write of the task priority.
 */
static void look_for_irqs(void)
{
	if (!svm_features.nrip)
		__asm__ volatile("mov %0, %%cr8" ::"r"(0ul) : "memory");
}

void svm_sync_int_ctl(struct svm_vcpu *s)
{
	uint64_t now = s->vmcb->int_ctl;

	if (s->virq) {
		look_for_irqs();
		if (s->virq >= VIRQ_FIRST) {
			if (!(now & V_IRQ) || was_cut_short(s))
				virq_taken(s);
			else
				virq_waits(s);
		}
	}
	if ((now ^ s->int_ctl) & V_TPR_MASK)
		sync_tpr(s);
}

void svm_tpr_changed(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);
	uint8_t tpr = vlapic_get_cr8(&v->lapic);

	s->int_ctl = (s->int_ctl & VIRQ_SET) | tpr;
	s->vmcb->int_ctl = (s->vmcb->int_ctl & ~(uint64_t)V_TPR_MASK) | tpr;
	svm_dirty(s, CLEAN_TPR);
	v->check_events = true;
}

/* ---- delivery ---- */

/*
 * QEMU 7.2 delivers an interrupt within VMRUN (helper_vmrun calls do_interrupt_x86_hardirq), but
 * leaves its vector in cs->exception_index. If its loop is asked for something else before the next
 * exit (cpu_handle_interrupt: exit_request, an instruction budget that ends), cpu_handle_exception
 * delivers the vector once more, wherever the guest is by then, be IF set or not. A software
 * interrupt goes through that loop, once; at CPL 0, where no gate's DPL forbids it, it is the same.
 * Else an interrupt of our own gets the guest out at its handler's first instruction: #VMEXIT makes
 * it forget the vector.
 */
static unsigned irq_type(struct svm_vcpu *s, uint8_t vector)
{
	if (svm_features.nrip)
		return EVENT_INTR;
	if (s->vmcb->cpl != 0) {
		ipi_wake_self();
		return EVENT_INTR;
	}
	s->soft_irq = vector;
	s->soft_irq_rip = s->vmcb->rip;
	return EVENT_SOFT_INT;
}

/* Whether what EXITINTINFO calls a software interrupt is one of irq_type. */
static bool was_irq(const struct svm_vcpu *s, unsigned type, uint8_t vector)
{
	return type == EVENT_SOFT_INT && vector == s->soft_irq && s->vmcb->rip == s->soft_irq_rip;
}

static void inject(struct svm_vcpu *s, unsigned type, uint8_t vector, bool has_error,
		   uint32_t error)
{
	if (type == EVENT_INTR)
		type = irq_type(s, vector);
	/* The instruction comes after the handler, and so does the step over it. */
	if (s->step && !s->step_iret)
		end_step(s);
	s->vmcb->event_inj = vector | EVENT_TYPE_SET(type) | EVENT_VALID |
			     (has_error ? EVENT_HAS_ERROR | (uint64_t)error << 32 : 0);
}

static void inject_pending(struct svm_vcpu *s, struct vcpu_pending *p)
{
	inject(s, p->type, p->vector, p->has_error, p->error);
	p->valid = false;
}

static void inject_exception(struct svm_vcpu *s)
{
	vcpu_count(&s->v, COUNT_INJECT_EXCEPTION);
	inject_pending(s, &s->v.exception);
}

static void inject_nmi(struct svm_vcpu *s)
{
	s->v.nmi_pending--;
	inject(s, EVENT_NMI, 2, false, 0);
	set_nmi_masked(s, true);
	vcpu_count(&s->v, COUNT_INJECT_NMI);
}

/* `irq` is next_irq()'s. */
static void inject_irq(struct svm_vcpu *s, int irq)
{
	struct vcpu *v = &s->v;

	if (unlikely(v->injected.valid)) {
		inject_pending(s, &v->injected);
	} else {
		if (likely(irq != IRQCHIP_PIC))
			vlapic_ack(&v->lapic, (uint8_t)irq);
		else
			irq = irqchip_take_interrupt(&v->vm->irqchip, &v->lapic);
		if (irq < 0)
			return;
		inject(s, EVENT_INTR, (uint8_t)irq, false, 0);
		if (v->pv.eoi)
			kvm_pv_set_eoi(v);
	}
	vcpu_count(v, COUNT_INJECT_IRQ);
}

/* What goes before interrupts: at most one. Whether there was one. */
static bool deliver_first(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;

	if (v->interrupted.valid)
		inject_pending(s, &v->interrupted);
	else if (v->exception.valid)
		inject_exception(s);
	else if (v->nmi_pending && nmi_open(s))
		inject_nmi(s);
	else
		return false;
	return true;
}

/*
 * How an interrupt that the guest cannot take yet gets to it. A vector of the local APIC's: the CPU
 * delivers it as soon as IF and TPR allow, and the next exit shows whether it has. Another one, or
 * when the VMM or an NMI wants to know, or when EOI is a flag in memory that is set with the
 * delivery: the window exits. In a shadow that this CPU forgets: a step over it.
 */
static void ask_for_window(struct svm_vcpu *s, int irq)
{
	struct vcpu *v = &s->v;
	/* A pending NMI that only a shadow holds back is found with the window, or the next exit.
	 */
	bool others = v->window_wanted || (v->nmi_pending && !s->nmi_masked);
	int virq = others || irq >= 0 ? VIRQ_WINDOW : VIRQ_NONE;

	if (irq >= VIRQ_FIRST && irq <= 0xff && !others && !v->pv.eoi && !v->injected.valid)
		virq = irq;
	if (unlikely(virq && s->shadow_kept)) {
		start_step(s);
		virq = VIRQ_NONE;
	}
	if (virq >= VIRQ_FIRST)
		vlapic_take(&v->lapic, (uint8_t)virq);
	svm_set_virq(s, virq);
	/* QEMU 7.2 with a thread per CPU dies on a write of CR8 that the guest makes while V_IRQ is
	 * set; it has no next-RIP save. */
	watch_cr8(s, (virq && !svm_features.nrip) || (irq < 0 && vlapic_irr_any(&v->lapic)));
}

bool svm_virq_to_self(struct svm_vcpu *s, uint8_t vector)
{
	struct vcpu *v = &s->v;

	if (s->virq || v->attention || v->nmi_pending || v->pv.eoi || vector < VIRQ_FIRST ||
	    (s->vmcb->rflags & RFLAGS_IF) || !vlapic_claim(&v->lapic, vector))
		return false;
	svm_set_virq(s, vector);
	watch_cr8(s, !svm_features.nrip);
	return true;
}

void svm_deliver(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	int irq;

	DEBUG_ASSERT(s->virq < VIRQ_FIRST);
	sync_pv_eoi(v);
	keep_shadow(s);
	irq = next_irq(v);
	/* At most one is injected; another must find the door open before its turn. */
	if (!deliver_first(s) && irq >= 0 && svm_irqs_open(v)) {
		inject_irq(s, irq);
		irq = next_irq(v);
	}
	v->check_events = v->exception.valid; /* after what was delivered before it */
	ask_for_window(s, irq);
	if (unlikely(v->lapic.due))
		vlapic_timer_wait(&v->lapic);
}

/* ---- what an exit cut short ---- */

void svm_take_interrupted(struct svm_vcpu *s)
{
	struct vcpu_pending *p = &s->v.interrupted;
	uint64_t e = s->vmcb->exit_int_info;
	unsigned type = EVENT_TYPE(e);

	/* An interrupt of V_IRQ's: was_cut_short(). */
	if (type == EVENT_EXCEPTION && EVENT_VECTOR(e) >= VIRQ_FIRST)
		type = EVENT_INTR;
	if (was_irq(s, type, EVENT_VECTOR(e)))
		type = EVENT_INTR;
	/* INT n, INT3 and INTO did not complete: RIP is still theirs, they run again. */
	if (type == EVENT_SOFT_INT ||
	    (type == EVENT_EXCEPTION && (EVENT_VECTOR(e) == 3 || EVENT_VECTOR(e) == 4)))
		return;
	*p = (struct vcpu_pending){
		.valid = true,
		.vector = EVENT_VECTOR(e),
		.type = (uint8_t)type,
		.has_error = e & EVENT_HAS_ERROR,
		.error = (uint32_t)(e >> 32),
	};
	s->v.check_events = true;
}

/* ---- the end of an NMI ---- */

enum virt_exit svm_slow_iret(struct svm_vcpu *s)
{
	struct vmcb *c = s->vmcb;

	/* NMIs are open after the IRET, not before. Without one waiting, the difference of one
	 * instruction is not seen. */
	intercept(s, &c->intercept3, INTERCEPT_IRET, false);
	s->v.check_events = true;
	if (!s->v.nmi_pending) {
		s->nmi_masked = false;
		return VIRT_EXIT_NONE;
	}
	start_step(s);
	s->step_iret = true;
	return VIRT_EXIT_NONE;
}

/* #DB is intercepted since its delivery can loop for ever (a breakpoint on its own stack). */
enum virt_exit svm_slow_debug(struct svm_vcpu *s)
{
	struct vmcb *c = s->vmcb;
	bool ours = s->step && !s->step_tf && !(c->dr6 & DR6_BREAKPOINTS);

	s->shadow_kept = false;
	s->v.check_events = true;
	if (s->step_iret) {
		s->nmi_masked = false;
		s->step_tf = true; /* IRET has loaded the guest's own: it stays */
	}
	end_step(s);
	if (!ours) {
		vcpu_raise(&s->v, EXCEPTION_DB, false, 0);
		return VIRT_EXIT_NONE;
	}
	c->dr6 &= ~DR6_BS;
	svm_dirty(s, CLEAN_DR);
	return VIRT_EXIT_NONE;
}
