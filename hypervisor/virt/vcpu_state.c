// SPDX-License-Identifier: GPL-2.0-or-later
// The complete external form of a vCPU. Groups are taken in an order in which each finds what it
// depends on: system registers (with the APIC's mode), MSRs, FPU, local APIC, events.
#include "virt/vcpu.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"

#define XSAVE_MIN 576

/* ---- system registers ---- */

void vcpu_get_sregs(struct vcpu *v, struct vcpu_sregs *sregs)
{
	virt->get_sregs(v, sregs);
	sregs->cr8 = vlapic_get_cr8(&v->lapic);
	sregs->xcr0 = v->fpu.xcr0;
	sregs->apic_base = vlapic_get_base(&v->lapic);
}

int vcpu_set_sregs(struct vcpu *v, const struct vcpu_sregs *sregs)
{
	int err;

	if (sregs->cr8 > 15)
		return -EINVAL;
	if (sregs->xcr0 != v->fpu.xcr0 &&
	    (!cpuid_xcr0_valid(&v->vm->cpuid, sregs->xcr0) || !fpu_xcr0_valid(sregs->xcr0)))
		return -EINVAL;
	err = virt->set_sregs(v, sregs);
	if (err < 0)
		return err;
	if (sregs->apic_base != vlapic_get_base(&v->lapic))
		err = vlapic_restore_base(&v->lapic, sregs->apic_base);
	vlapic_set_cr8(&v->lapic, (uint8_t)sregs->cr8);
	virt->tpr_changed(v);
	fpu_set_xcr0(&v->fpu, sregs->xcr0);
	return err;
}

/* ---- events ---- */

static struct vcpu_event event_of(const struct vcpu_pending *p)
{
	if (!p->valid)
		return (struct vcpu_event){ 0 };
	return (struct vcpu_event){ p->vector, p->type, p->has_error, 0, p->error };
}

/*
 * Whatever is still outside of the vCPU: requests (a kick stays, and so does INIT to the boot
 * processor, which is the VMM's affair), an end of interrupt that the guest has only noted.
 */
static void settle(struct vcpu *v)
{
	uint32_t posted = VREQ_NMI | VREQ_UNHALT | (v->index ? VREQ_INIT | VREQ_SIPI : 0);

	posted &= __atomic_fetch_and(&v->requests, ~posted, __ATOMIC_SEQ_CST);
	vcpu_take_posted(v, posted);
	if (v->pv.eoi_pending)
		kvm_pv_sync_eoi(v, true);
}

static void get_events(struct vcpu *v, struct vcpu_state *s)
{
	s->mp_state = v->mp_state;
	s->sipi_vector = v->sipi_vector;
	s->nmi_pending = v->nmi_pending;
	virt->get_blocking(v, &s->interrupt_shadow, &s->nmi_masked);
	s->pending = event_of(&v->interrupted);
	s->exception = event_of(&v->exception);
	s->injected = event_of(&v->injected);
	s->unhalted = v->pv.unhalted;
	s->shutdown = v->shutdown;
}

static bool event_valid(const struct vcpu_event *e)
{
	if (e->reserved || e->has_error > 1)
		return false;
	switch (e->type) {
	case EVENT_INTR: return !e->has_error;
	case EVENT_NMI: return e->vector == 2 && !e->has_error;
	case EVENT_EXCEPTION: return e->vector < 32 && e->vector != 2;
	default: return false; /* INT n is run again, never delivered from outside */
	}
}

static bool is_none(const struct vcpu_event *e)
{
	return e->type == EVENT_INTR && e->vector == 0;
}

static struct vcpu_pending pending_of(const struct vcpu_event *e)
{
	return (struct vcpu_pending){ .valid = !is_none(e),
				      .has_error = e->has_error,
				      .vector = e->vector,
				      .type = e->type,
				      .error = e->error };
}

static bool state_event_valid(const struct vcpu_event *e, bool exception)
{
	return event_valid(e) && (!exception || is_none(e) || e->type == EVENT_EXCEPTION);
}

static bool events_valid(const struct vcpu_state *s)
{
	static const uint8_t zero[sizeof(s->reserved2)];

	return s->mp_state <= MP_INIT && s->nmi_pending <= 2 && s->unhalted <= 1 &&
	       s->shutdown <= 1 && memcmp(s->reserved2, zero, sizeof(zero)) == 0 &&
	       state_event_valid(&s->pending, false) && state_event_valid(&s->exception, true) &&
	       state_event_valid(&s->injected, false) && s->injected.type == EVENT_INTR;
}

static int set_events(struct vcpu *v, const struct vcpu_state *s)
{
	if (!events_valid(s))
		return -EINVAL;
	v->mp_state = s->mp_state == MP_INIT ? MP_WAIT_FOR_SIPI : s->mp_state;
	v->sipi_vector = s->sipi_vector;
	v->nmi_pending = s->nmi_pending;
	virt->set_blocking(v, s->interrupt_shadow, s->nmi_masked);
	v->interrupted = pending_of(&s->pending);
	v->exception = pending_of(&s->exception);
	v->injected = pending_of(&s->injected);
	v->pv.unhalted = s->unhalted;
	v->shutdown = s->shutdown;
	v->check_events = true;
	return 0;
}

int vcpu_inject(struct vcpu *v, const struct vcpu_event *e)
{
	int err;

	if (!event_valid(e) || is_none(e))
		return -EINVAL;
	err = vcpu_acquire(v);
	if (err < 0)
		return err;
	if (e->type == EVENT_NMI)
		v->nmi_pending = (uint8_t)MIN(v->nmi_pending + 1, 2);
	else if (e->type == EVENT_EXCEPTION)
		vcpu_raise(v, e->vector, e->has_error, e->error);
	else if (v->injected.valid)
		err = -EBUSY;
	else
		v->injected = pending_of(e);
	v->check_events = true;
	vcpu_release(v);
	return err;
}

/* ---- the whole ---- */

static void get_fpu(struct vcpu *v, struct vcpu_state *s)
{
	s->xsave_size = (uint32_t)MIN(fpu_area_size(), (size_t)VCPU_XSAVE_MAX);
	memcpy(s->xsave, v->fpu.area, s->xsave_size);
}

static int set_fpu(struct vcpu *v, const struct vcpu_state *s)
{
	if (s->xsave_size < XSAVE_MIN || s->xsave_size > fpu_area_size() ||
	    s->xsave_size > VCPU_XSAVE_MAX)
		return -EINVAL;
	memset(v->fpu.area, 0, fpu_area_size());
	memcpy(v->fpu.area, s->xsave, s->xsave_size);
	return 0;
}

int vcpu_get_state(struct vcpu *v, struct vcpu_state *s)
{
	int err = vcpu_acquire_whole(v);

	if (err < 0)
		return err;
	settle(v);
	memset(s, 0, sizeof(*s));
	s->version = VCPU_STATE_VERSION;
	s->size = sizeof(*s);
	s->valid = VCPU_STATE_ALL;
	virt->get_regs(v, &s->regs);
	vcpu_get_sregs(v, &s->sregs);
	memcpy(s->dr, v->dr, sizeof(s->dr));
	virt->get_debug(v, &s->dr6, &s->dr7);
	s->nr_msrs = guest_msr_get_state(v, s->msrs, VCPU_MSRS_MAX);
	get_fpu(v, s);
	vlapic_get_state(&v->lapic, s->lapic, &s->lapic_timer_deadline);
	get_events(v, s);
	vcpu_release(v);
	return 0;
}

static void set_debug(struct vcpu *v, const struct vcpu_state *s)
{
	memcpy(v->dr, s->dr, sizeof(v->dr));
	virt->set_debug(v, s->dr6, s->dr7);
}

static int set_msrs(struct vcpu *v, const struct vcpu_state *s)
{
	if (s->nr_msrs > VCPU_MSRS_MAX)
		return -EINVAL;
	return guest_msr_set_state(v, s->msrs, s->nr_msrs) == s->nr_msrs ? 0 : -EINVAL;
}

static void set_lapic(struct vcpu *v, const struct vcpu_state *s)
{
	vlapic_set_state(&v->lapic, s->lapic, s->lapic_timer_deadline);
	virt->tpr_changed(v);
}

static int set_groups(struct vcpu *v, const struct vcpu_state *s)
{
	int err = 0;

	if (s->valid & VCPU_STATE_REGS)
		virt->set_regs(v, &s->regs);
	if (s->valid & VCPU_STATE_SREGS)
		err = vcpu_set_sregs(v, &s->sregs);
	if (s->valid & VCPU_STATE_DEBUG)
		set_debug(v, s);
	if (err == 0 && (s->valid & VCPU_STATE_MSRS))
		err = set_msrs(v, s);
	if (err == 0 && (s->valid & VCPU_STATE_XSAVE))
		err = set_fpu(v, s);
	if (err == 0 && (s->valid & VCPU_STATE_LAPIC))
		set_lapic(v, s);
	if (err == 0 && (s->valid & VCPU_STATE_EVENTS))
		err = set_events(v, s);
	return err;
}

int vcpu_set_state(struct vcpu *v, const struct vcpu_state *s)
{
	int err;

	if (s->version != VCPU_STATE_VERSION || s->size != sizeof(*s) || s->reserved ||
	    (s->valid & ~VCPU_STATE_ALL))
		return -EINVAL;
	err = vcpu_acquire_whole(v);
	if (err < 0)
		return err;
	v->io = 0;
	err = set_groups(v, s);
	v->check_events = true;
	vcpu_release(v);
	return err;
}
