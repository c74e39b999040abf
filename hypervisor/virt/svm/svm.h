/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the AMD backend, for the files of svm/ only.
 *
 * A session is the time between CLGI and STGI of switch.S: a part of the host's state is out of the
 * CPU, the guest runs, and exits that are quickly answered are (svm_fast_exit). What is left of an
 * exit after the session is done by its row's `slow` function.
 */
#pragma once

#include "cpu/entry_regs.h"
#include "cpu/msr.h"
#include "virt/svm/vmcb.h"
#include "virt/virt.h"

/* What the CPU offers, CPUID 8000_000A. Immutable after init. */
struct svm_features {
	bool nrip, decode_assists, flush_by_asid, clean_bits, pause_filter, pause_threshold;
	bool fsgsbase;
	bool virtual_spec_ctrl; /* the VMCB's SPEC_CTRL is the guest's alone */
	uint32_t nr_asids;
	phys_t iopm, msrpm;
};
extern struct svm_features svm_features;

/* Locks: all [o] its CPU */
struct svm_cpu {
	phys_t host_save;         /* the host's half that VMLOAD brings back */
	phys_t vmrun_save;        /* the half that #VMEXIT does: VM_HSAVE_PA */
	uint64_t asid_generation; /* of the ASIDs given out; rises when they run out */
	uint32_t next_asid;
	uint64_t tsc_aux; /* what the MSR holds */
	/* With MIT_IBPB_ON_VCPU_SWITCH: who ran last, and mitigations_barriers() then. */
	uint64_t last_vm, last_vcpu, last_barriers;
};
struct svm_cpu *svm_this_cpu(void);

enum svm_fast {
	SVM_RESUME = 0, /* enter the guest again: known to switch.S */
	SVM_LEAVE,      /* answered, but the session ends */
	SVM_SLOW,       /* not answered */
	SVM_VMM_IO,     /* VIRT_EXIT_IO: run->io is filled in */
};

struct svm_vcpu;

struct svm_exit {
	const char *name;
	enum vcpu_counter counter;
	uint32_t by_info1; /* so many bits of EXITINFO1 are added to the counter: MSR read, write */
	enum svm_fast (*fast)(struct svm_vcpu *s); /* NULL: SVM_SLOW. In the session */
	enum virt_exit (*slow)(struct svm_vcpu *s);
};
extern const struct svm_exit svm_exits[EXIT_TABLE_SIZE];

/* What was last given to the CPU, for the debug image's checks (check.c). */
struct svm_shadow {
	bool valid;
	uint64_t flush; /* number of the flush that its CPU did last for the vCPU */
	uint8_t copy[0x700];
};

/* Locks: [I] immutable after create   [o] the thread that holds the vCPU */
struct svm_vcpu {
	struct vcpu v;
	struct vmcb *vmcb;                 /* [I] the page; its fields [o] */
	phys_t vmcb_pa;                    /* [I] */
	const struct svm_exit *exit;       /* [o] row of the last exit */
	uint64_t asid_generation;          /* [o] of v.cpu; 0: has no ASID */
	uint64_t tlb_seen;                 /* [o] vm->tlb_generation at the last flush */
	uint64_t invalid_rip, invalid_rsp; /* [o] where the last VMEXIT_INVALID was answered */
	uint32_t int_ctl;                  /* [o] V_TPR as it was set; VIRQ_SET: and V_IRQ */
	int virq;                          /* [o] what V_IRQ stands for: a vector, VIRQ_* */
	bool nmi_masked;                   /* [o] until IRET */
	bool step;                         /* [o] TF is set to step over one instruction */
	bool step_tf;                      /* [o] it was set before, too */
	bool step_iret;                    /* [o] that is the IRET which ends an NMI */
	bool shadow_kept;          /* [o] the instruction at shadow_rip is in a shadow ... */
	uint64_t shadow_rip;       /* [o] ... which this CPU forgets at VMRUN */
	uint64_t soft_irq_rip;     /* [o] where an interrupt was injected as a software one ... */
	uint8_t soft_irq;          /* [o] ... and its vector */
	bool dr_loaded;            /* [o] DR0..3 are the guest's */
	struct svm_shadow *shadow; /* [o] debug image, else NULL */
};

static inline struct svm_vcpu *svm_of(struct vcpu *v)
{
	return container_of(v, struct svm_vcpu, v);
}

/* A field of `group` was changed. */
static inline void svm_dirty(struct svm_vcpu *s, enum vmcb_group group)
{
	s->vmcb->clean &= ~(uint32_t)BIT(group);
}

/* RFLAGS_TF: cpu/entry_regs.h. */
#define RFLAGS_IF    BIT(9)
#define RFLAGS_VM    BIT(17)
#define RFLAGS_FIXED BIT(1)

#define CR0_PE BIT(0)
#define CR0_ET BIT(4)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_PAE     BIT(5)
#define CR4_OSXSAVE BIT(18)

#define SEG_ATTR_S BIT(4)
#define SEG_ATTR_P BIT(7)
#define SEG_ATTR_L BIT(9)
#define SEG_ATTR_D BIT(10)
#define SEG_ATTR_G BIT(11)

#define DR6_BREAKPOINTS 0xfull
#define DR6_BS          BIT(14)
#define DR6_RESET       0xffff0ff0ull
#define DR7_RESET       0x400ull
#define DR7_ARMED       0xffull /* L0..G3 */

#define MSR_TSC_AUX     0xc0000103
#define MSR_VM_HSAVE_PA 0xc0010117

/* ---- switch.S ---- */
/* One session. What svm_fast_exit returned last. Interrupts off, the FPU loaded. */
typedef enum svm_fast svm_switch_fn(struct svm_vcpu *s, phys_t vmcb_pa, struct vmcb *vmcb,
				    phys_t host_save);
svm_switch_fn svm_switch_fsgsbase, svm_switch_msr;
svm_switch_fn svm_switch_fsgsbase_mitigated, svm_switch_msr_mitigated;
/* [a] The one that this machine needs now; changes with tracing only. */
extern svm_switch_fn *svm_switch;
extern uint32_t svm_mitigations; /* MIT_*, for switch.S. Immutable after init */

/* Any of them, with svm_traced_exit in the place of svm_fast_exit. */
svm_switch_fn svm_switch_fsgsbase_traced, svm_switch_msr_traced;

/* ---- setup.c, traced.c ---- */
/* What svm_switch is while nothing is traced. */
svm_switch_fn *svm_untraced_switch(void);
/* From the next session on. Any context. */
void svm_set_tracing(bool on);
enum svm_fast svm_traced_exit(struct svm_vcpu *s);

/* The bits that an access to a port moves; size: 1, 2, 4. */
static inline uint32_t io_mask(unsigned size)
{
	static const uint32_t mask[8] = { [1] = 0xff, [2] = 0xffff, [4] = 0xffffffff };

	return mask[size & 7];
}

/* RAX after an IN: a 32-bit result clears the upper half. */
static inline uint64_t io_result(uint64_t rax, uint32_t data, unsigned size)
{
	static const uint64_t kept[8] = { [1] = ~0xffull, [2] = ~0xffffull };

	return (rax & kept[size & 7]) | (data & io_mask(size));
}

/* Fills in run->io for an access that the VMM answers; `info` is EXITINFO1. In the session too. */
static inline void svm_publish_io(struct svm_vcpu *s, uint32_t info, bool string)
{
	struct vcpu *v = &s->v;
	struct vcpu_run *run = v->run;
	uint32_t size = IOIO_SIZE(info), data = 0;

	v->io = string ? 0 : info;
	run->io.next_rip = s->vmcb->exit_info2;
	if (!(info & IOIO_IN))
		data = (uint32_t)v->gpr[GPR_RAX] & io_mask(size);
	/* data, port, size, write in one store; string and what follows in another. */
	*(uint64_t *)&run->io.data =
		(uint64_t)((info >> 16) | size << 16 | (~info & IOIO_IN) << 24) << 32 | data;
	*(uint32_t *)&run->io.string = 0;
	vcpu_count(v, COUNT_IO_USER);
}

/* ---- fast.c ---- */
enum svm_fast svm_fast_exit(struct svm_vcpu *s);
enum svm_fast svm_fast_cpuid(struct svm_vcpu *s);
enum svm_fast svm_fast_msr(struct svm_vcpu *s);
enum svm_fast svm_fast_io(struct svm_vcpu *s);
enum svm_fast svm_fast_hypercall(struct svm_vcpu *s);
enum svm_fast svm_fast_hlt(struct svm_vcpu *s);
enum svm_fast svm_fast_window(struct svm_vcpu *s);

/* ---- exit.c ---- */
enum virt_exit svm_handle(struct svm_vcpu *s);
/* Stops the vCPU for good; the VM's reason is made of it. */
enum virt_exit svm_fail(struct svm_vcpu *s, const char *why);

enum virt_exit svm_slow_invalid(struct svm_vcpu *s);

/* ---- memory.c ---- */
enum virt_exit svm_slow_npf(struct svm_vcpu *s);

/* ---- state.c ---- */
void svm_reset(struct vcpu *v, bool init);
void svm_startup(struct vcpu *v, uint8_t page);
void svm_get_regs(struct vcpu *v, struct vcpu_regs *regs);
void svm_set_regs(struct vcpu *v, const struct vcpu_regs *regs);
void svm_get_sregs(struct vcpu *v, struct vcpu_sregs *sregs);
int svm_set_sregs(struct vcpu *v, const struct vcpu_sregs *sregs);
void svm_get_debug(struct vcpu *v, uint64_t *dr6, uint64_t *dr7);
void svm_set_debug(struct vcpu *v, uint64_t dr6, uint64_t dr7);
bool svm_read_msr(struct vcpu *v, uint32_t index, uint64_t *value);
bool svm_write_msr(struct vcpu *v, uint32_t index, uint64_t value);
uint64_t svm_get_efer(struct vcpu *v);
int svm_set_efer(struct vcpu *v, uint64_t efer);
uint64_t svm_get_cr4(struct vcpu *v);
unsigned svm_cpl(struct vcpu *v);
void svm_get_paging(struct vcpu *v, struct guest_paging *p);
/* Bits of CR0, CR3, CR4 that no CPU takes were set: makes them legal again. Whether there were any.
 */
bool svm_repair(struct svm_vcpu *s);
/* Whether a MOV of `value` to CR0 is done; else it raises #GP. */
bool svm_cr0_loadable(const struct svm_vcpu *s, uint64_t value);

/* ---- inject.c ---- */
/* The step that ends an instruction under TF. */
void svm_trap(struct svm_vcpu *s);
/* Lets the one instruction at RIP write CR0. */
void svm_step_cr0(struct svm_vcpu *s);
/* RIP past the instruction; ends the shadow. */
static inline void svm_skip_to(struct svm_vcpu *s, uint64_t rip)
{
	struct vmcb *c = s->vmcb;

	c->rip = rip;
	c->int_state &= ~INTERRUPT_SHADOW;
	if (unlikely(c->rflags & RFLAGS_TF))
		svm_trap(s);
}
static inline void svm_skip(struct svm_vcpu *s, unsigned len)
{
	svm_skip_to(s, svm_features.nrip ? s->vmcb->nrip : s->vmcb->rip + len);
}
/* EVENTINJ and the windows for what waits to be delivered. EVENTINJ is free. In the session too. */
void svm_deliver(struct svm_vcpu *s);
/* EXITINTINFO, which is valid: what the exit cut short. After the session. */
void svm_take_interrupted(struct svm_vcpu *s);
/* What V_IRQ is used for, beside the vectors that the CPU is to deliver by it. */
#define VIRQ_SET    BIT(31) /* no bit of these: each exit looks */
#define VIRQ_NONE   0
#define VIRQ_WINDOW 1 /* it exits as soon as the guest is open */
#define VIRQ_FIRST                                                                     \
	32 /* lower ones cannot be told from exceptions if their delivery is cut short \
	    */
void svm_set_virq(struct svm_vcpu *s, int virq);
/* An interrupt that the guest sends itself while it is closed for all and nothing else waits: the
 * CPU is told at once. false: it has to be posted. In the session. */
bool svm_virq_to_self(struct svm_vcpu *s, uint8_t vector);
bool svm_irqs_open(struct vcpu *v);
/* An interrupt, NMI or exception waits that would end HLT. */
bool svm_has_event(struct svm_vcpu *s);
/* VMCB to local APIC: the guest has written TPR, or taken the interrupt that V_IRQ stood for. */
void svm_sync_int_ctl(struct svm_vcpu *s);
void svm_tpr_changed(struct vcpu *v); /* and back */
void svm_get_blocking(struct vcpu *v, uint8_t *shadow, uint8_t *nmi_masked);
void svm_set_blocking(struct vcpu *v, uint8_t shadow, uint8_t nmi_masked);
enum virt_exit svm_slow_iret(struct svm_vcpu *s);
enum virt_exit svm_slow_debug(struct svm_vcpu *s);

/* ---- check.c: nothing in the release image ---- */
void svm_debug_entry(struct svm_vcpu *s);
void svm_debug_exit(struct svm_vcpu *s);
void svm_debug_flushed(struct svm_vcpu *s);
/* First of the fields that changed while their clean bit is set, or NULL. Owner. */
const char *svm_debug_stale(const struct svm_vcpu *s);
/* Whether this CPU's TLB holds nothing under the vCPU's ASID but what it may. Owner, on its CPU. */
bool svm_debug_tlb_fits(const struct svm_vcpu *s);
/* Whether VMRUN saves the host's state in this CPU's page, and that is not the VMCB. The same. */
bool svm_debug_host_page(const struct svm_vcpu *s);
/* Logs what the vCPU had when it failed. Owner. */
void svm_debug_failed(const struct svm_vcpu *s);

static inline void svm_check_entry(struct svm_vcpu *s)
{
	if (DEBUG_BUILD)
		svm_debug_entry(s);
}
static inline void svm_check_exit(struct svm_vcpu *s)
{
	if (DEBUG_BUILD)
		svm_debug_exit(s);
}
/* The vCPU has got this ASID on this CPU, or flushed it. */
static inline void svm_check_flushed(struct svm_vcpu *s)
{
	if (DEBUG_BUILD)
		svm_debug_flushed(s);
}
