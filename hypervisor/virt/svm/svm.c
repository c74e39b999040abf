// SPDX-License-Identifier: GPL-2.0-or-later
// The AMD backend: what each CPU needs, a vCPU's VMCB, ASIDs, and the loop around sessions. An ASID
// belongs to a vCPU on one CPU until that CPU's generation changes; a vCPU that moves or needs a
// flush on a CPU without flush-by-ASID takes a new one. AMD APM 2, "Secure Virtual Machine".
#include "virt/svm/svm.h"

#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "virt/svm/setup.h"

struct svm_features svm_features;
DEFINE_CPU_PRIVATE(struct svm_cpu, svm_cpu);

struct svm_cpu *svm_this_cpu(void)
{
	return cpu_private(svm_cpu);
}

/* ---- ASIDs and flushes ---- */

static void new_asid(struct svm_vcpu *s, struct svm_cpu *cpu)
{
	if (cpu->next_asid >= svm_features.nr_asids) {
		cpu->asid_generation++;
		cpu->next_asid = 1;
		s->vmcb->tlb_control = TLB_CONTROL_ALL;
	}
	s->vmcb->guest_asid = cpu->next_asid++;
	s->asid_generation = cpu->asid_generation;
	svm_dirty(s, CLEAN_ASID);
}

/*
 * The vCPU has                              does
 *	no ASID of this CPU and generation   a new ASID
 *	one, and the VM unmapped something   a flush of it, or a new ASID where that cannot be had
 *	one                                  nothing
 */
static __noinline void renew_tlb(struct svm_vcpu *s, struct svm_cpu *cpu, uint64_t generation)
{
	if (s->asid_generation == cpu->asid_generation && svm_features.flush_by_asid)
		s->vmcb->tlb_control = TLB_CONTROL_THIS_ASID;
	else
		new_asid(s, cpu);
	s->tlb_seen = generation;
	vcpu_count(&s->v, COUNT_TLB_FLUSH);
	svm_check_flushed(s);
}

static inline void prepare_tlb(struct svm_vcpu *s, struct svm_cpu *cpu)
{
	uint64_t generation = __atomic_load_n(&s->v.vm->tlb_generation, __ATOMIC_SEQ_CST);

	if (unlikely(s->asid_generation != cpu->asid_generation || s->tlb_seen != generation))
		renew_tlb(s, cpu, generation);
}

/* The vCPU was on another CPU before, or nowhere. */
static void arrive(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;

	if (cpu_id_eq(v->cpu, this_cpu_id()))
		return;
	v->cpu = this_cpu_id();
	s->asid_generation = 0;
	s->vmcb->clean = 0;
	v->pv.time_stale = v->check_events = true;
	vcpu_count(v, COUNT_MIGRATIONS);
}

/* ---- debug registers, TSC_AUX ---- */

#define GET_DR(n, value) __asm__ volatile("movq %%db" #n ", %0" : "=r"(value))
#define SET_DR(n, value) __asm__ volatile("movq %0, %%db" #n : : "r"(value))

/* DR0..3 are the guest's while it has armed one, or touches them: no intercept then. */
static void load_debug(struct svm_vcpu *s)
{
	if (s->vmcb->intercept_dr && !(s->vmcb->dr7 & DR7_ARMED))
		return;
	if (s->vmcb->intercept_dr) {
		s->vmcb->intercept_dr = 0;
		svm_dirty(s, CLEAN_INTERCEPTS);
	}
	SET_DR(0, s->v.dr[0]);
	SET_DR(1, s->v.dr[1]);
	SET_DR(2, s->v.dr[2]);
	SET_DR(3, s->v.dr[3]);
	s->dr_loaded = true;
}

static void save_debug(struct svm_vcpu *s)
{
	if (!s->dr_loaded)
		return;
	GET_DR(0, s->v.dr[0]);
	GET_DR(1, s->v.dr[1]);
	GET_DR(2, s->v.dr[2]);
	GET_DR(3, s->v.dr[3]);
	s->dr_loaded = false;
	if (s->vmcb->dr7 & DR7_ARMED)
		return;
	s->vmcb->intercept_dr = INTERCEPT_DR_ALL;
	svm_dirty(s, CLEAN_INTERCEPTS);
}

/* RDTSCP and RDPID are not intercepted; the host does not use the register. */
static inline void load_tsc_aux(struct svm_vcpu *s, struct svm_cpu *cpu)
{
	if (!s->v.vm->cpuid.tsc_aux || cpu->tsc_aux == s->v.msr.tsc_aux)
		return;
	msr_write(MSR_TSC_AUX, s->v.msr.tsc_aux);
	cpu->tsc_aux = s->v.msr.tsc_aux;
}

/* ---- speculation ---- */

/*
 * Another vCPU's branches must not lead this one's. On the way here there often was a barrier
 * already, between the processes that the two belong to.
 */
static void take_over(struct svm_vcpu *s)
{
	struct svm_cpu *cpu = svm_this_cpu();
	struct vcpu *v = &s->v;

	if (likely(!mitigations_use(MIT_IBPB_ON_VCPU_SWITCH)))
		return;
	if ((cpu->last_vm != v->vm->id || cpu->last_vcpu != v->index) &&
	    cpu->last_barriers == mitigations_barriers())
		mitigations_barrier();
	cpu->last_vm = v->vm->id;
	cpu->last_vcpu = v->index;
	cpu->last_barriers = mitigations_barriers();
}

static bool has_spec_ctrl(void)
{
	return svm_features.virtual_spec_ctrl || mitigations_use(MIT_SPEC_CTRL_GUEST);
}

/* ---- sessions ---- */

/* Timer and clock first, while others need not send an IPI. */
static __noinline bool attend(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;
	uint32_t requests;

	__atomic_store_n(&v->mode, VCPU_OUTSIDE, __ATOMIC_SEQ_CST);
	if (v->timer_changed)
		vcpu_arm_timer(v, true);
	if (v->pv.time_stale)
		kvm_pv_update_time(v);
	__atomic_store_n(&v->mode, VCPU_GUEST, __ATOMIC_SEQ_CST);
	if (thread_need_resched())
		return false;
	requests = __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST);
	if (requests & VREQ_LEAVE)
		return false;
	if (requests) {
		__atomic_fetch_and(&v->requests, ~VREQ_EVENT, __ATOMIC_SEQ_CST);
		v->check_events = true;
	}
	return true;
}

/* Whether the guest may be entered; from then on an IPI to this CPU gets it out. */
static inline bool begin(struct svm_vcpu *s)
{
	struct vcpu *v = &s->v;

	__atomic_store_n(&v->mode, VCPU_GUEST, __ATOMIC_SEQ_CST);
	if (likely(!thread_need_resched() && !__atomic_load_n(&v->attention, __ATOMIC_SEQ_CST)))
		return true;
	return attend(s);
}

static void prepare(struct svm_vcpu *s, struct svm_cpu *cpu)
{
	take_over(s);
	prepare_tlb(s, cpu);
	load_debug(s);
	load_tsc_aux(s, cpu);
	fpu_load(&s->v.fpu);
	/* A shadow: it is lost at VMRUN on some CPUs, and what comes up in the guest must know. */
	if (s->v.check_events || (s->vmcb->int_state & INTERRUPT_SHADOW))
		svm_deliver(s);
	svm_check_entry(s);
}

static void finish(struct svm_vcpu *s)
{
	save_debug(s);
	if (s->vmcb->cr4 & CR4_OSXSAVE)
		fpu_read_xcr0(&s->v.fpu);
}

static enum svm_fast session(struct svm_vcpu *s)
{
	struct svm_cpu *cpu = svm_this_cpu();
	enum svm_fast result;

	prepare(s, cpu);
	vcpu_count(&s->v, COUNT_ENTRIES);
	result = READ_ONCE(svm_switch)(s, s->vmcb_pa, s->vmcb, cpu->host_save);
	finish(s);
	return result;
}

static enum virt_exit run(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);
	enum svm_fast result;
	enum virt_exit exit;

	for (;;) {
		arrive(s);
		if (unlikely(!begin(s))) {
			__atomic_store_n(&v->mode, VCPU_OUTSIDE, __ATOMIC_RELEASE);
			return VIRT_EXIT_REQUEST;
		}
		result = session(s);
		__atomic_store_n(&v->mode, VCPU_OUTSIDE, __ATOMIC_RELEASE);
		if (likely(result == SVM_VMM_IO))
			return VIRT_EXIT_IO;
		exit = result == SVM_SLOW ? svm_handle(s) : VIRT_EXIT_NONE;
		if (exit != VIRT_EXIT_NONE)
			return exit;
	}
}

/* ---- vCPUs ---- */

static void init_intercepts(struct vmcb *c)
{
	c->intercept_dr = INTERCEPT_DR_ALL;
	c->intercept_exceptions = BIT(EXCEPTION_DB) | BIT(EXCEPTION_AC) | BIT(EXCEPTION_MC);
	c->intercept3 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_RDPMC | INTERCEPT_CPUID |
			INTERCEPT_RSM | INTERCEPT_INVD | INTERCEPT_HLT | INTERCEPT_INVLPGA |
			INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_SHUTDOWN;
	c->intercept4 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD | INTERCEPT_VMSAVE |
			INTERCEPT_STGI | INTERCEPT_CLGI | INTERCEPT_SKINIT | INTERCEPT_WBINVD |
			INTERCEPT_MONITOR | INTERCEPT_MWAIT | INTERCEPT_XSETBV | INTERCEPT_RDPRU;
	if (!svm_features.pause_filter)
		return;
	c->intercept3 |= INTERCEPT_PAUSE;
	c->pause_filter_count = 3000;
	c->pause_filter_threshold = svm_features.pause_threshold ? 128 : 0;
}

static int create(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);
	struct vm *vm = v->vm;

	s->vmcb_pa = page_alloc(vm->container, 0, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	if (!s->vmcb_pa)
		return -ENOMEM;
	s->vmcb = phys_to_virt(s->vmcb_pa);
	if (DEBUG_BUILD) {
		s->shadow = kalloc(vm->container, sizeof(*s->shadow));
		if (!s->shadow)
			return -ENOMEM;
	}
	init_intercepts(s->vmcb);
	s->vmcb->iopm_base_pa = svm_features.iopm;
	s->vmcb->msrpm_base_pa = svm_features.msrpm;
	s->vmcb->np_control = NP_ENABLE;
	s->vmcb->n_cr3 = vm->npt.root;
	s->vmcb->tsc_offset = v->tsc_offset;
	return 0;
}

static void destroy(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);

	kfree(s->shadow);
	if (s->vmcb_pa)
		page_free(s->vmcb_pa, 0);
}

static void tsc_offset_changed(struct vcpu *v)
{
	svm_of(v)->vmcb->tsc_offset = v->tsc_offset;
	svm_dirty(svm_of(v), CLEAN_INTERCEPTS);
}

static void finish_io(struct vcpu *v, uint32_t data)
{
	struct svm_vcpu *s = svm_of(v);
	uint32_t info = v->io;

	v->io = 0;
	if (info & IOIO_IN)
		v->gpr[GPR_RAX] = io_result(v->gpr[GPR_RAX], data, IOIO_SIZE(info));
	svm_skip_to(s, s->vmcb->exit_info2);
}

static bool has_event(struct vcpu *v)
{
	return svm_has_event(svm_of(v));
}

const struct virt_ops svm_ops = {
	.name = "svm",
	.probe = svm_probe,
	.init = svm_init,
	.enable_cpu = svm_enable_cpu,
	.vcpu_size = sizeof(struct svm_vcpu),
	.create = create,
	.destroy = destroy,
	.reset = svm_reset,
	.startup = svm_startup,
	.run = run,
	.get_regs = svm_get_regs,
	.set_regs = svm_set_regs,
	.get_sregs = svm_get_sregs,
	.set_sregs = svm_set_sregs,
	.get_debug = svm_get_debug,
	.set_debug = svm_set_debug,
	.get_blocking = svm_get_blocking,
	.set_blocking = svm_set_blocking,
	.finish_io = finish_io,
	.read_msr = svm_read_msr,
	.write_msr = svm_write_msr,
	.get_efer = svm_get_efer,
	.set_efer = svm_set_efer,
	.get_cr4 = svm_get_cr4,
	.cpl = svm_cpl,
	.irqs_open = svm_irqs_open,
	.has_event = has_event,
	.tsc_offset_changed = tsc_offset_changed,
	.tpr_changed = svm_tpr_changed,
	.get_paging = svm_get_paging,
	.has_spec_ctrl = has_spec_ctrl,
	.set_tracing = svm_set_tracing,
};
