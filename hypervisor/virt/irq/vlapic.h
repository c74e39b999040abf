/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's local APIC, xAPIC and x2APIC, as a state machine. It touches no machine state: time,
 *timers and vCPUs are reached through struct vlapic_ops.
 *
 * Each vlapic has an owner: the thread that runs its vCPU (or whoever holds that vCPU still).
 *Functions are for the owner unless they say "any context"; those post to atomics that the owner
 *looks at. Nothing here takes a lock.
 *
 * The run loop, before each entry:
 *	v = vlapic_has_interrupt(l);
 *	if (v >= 0 && the guest can take it) { inject v; vlapic_ack(l, v); }
 *	else if (v >= 0) ask for an interrupt window;
 * and in HLT it sleeps until kicked, then asks again. A kick means: look again; one comes too when
 *the owner's own EOI or TPR uncovers what waited. It comes after the post, so a vCPU that looks
 *after it has said that it sleeps or runs misses nothing.
 */
#pragma once

#include "abi/strata.h"
#include "cpu/msr.h"
#include "lib/types.h"
#include "virt/irq/msg.h"
#include "virt/irq/timer_advance.h"

struct vcpu;
struct vlapic;

#define VLAPIC_BASE_DEFAULT 0xfee00000ull
#define VLAPIC_MMIO_SIZE    0x1000ull
#define VLAPIC_NO_DEADLINE  UINT64_MAX

#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_FIRST 0x800
#define MSR_X2APIC_ICR   0x830
#define MSR_X2APIC_LAST  0x83f

#define APIC_BASE_BSP     (1ull << 8)
#define APIC_BASE_X2APIC  (1ull << 10)
#define APIC_BASE_ENABLED (1ull << 11)

/* What the vCPU and its VM do for the controllers. All of it must be there. */
struct vlapic_ops {
	/* The vCPU should look again: wakes it from HLT, pulls it out of the guest. Any context;
	 * cheap when v is the caller. */
	void (*kick)(struct vcpu *v);
	/* What a kick does, and why: `vector` has been posted, or INTR of the PIC has gone up. */
	void (*posted)(struct vcpu *v, uint8_t vector);
	void (*pic_raised)(struct vcpu *v);
	/* One timer for each vCPU: at `deadline` (ns of now(); VLAPIC_NO_DEADLINE: none)
	 * vlapic_timer_fired() is called. */
	void (*set_timer)(struct vcpu *v, uint64_t deadline);
	uint64_t (*now)(struct vcpu *v); /* ns */
	uint64_t (*guest_tsc)(struct vcpu *v);
	/* First now() at which guest_tsc() has reached `tsc`; rounded up. */
	uint64_t (*tsc_to_now)(struct vcpu *v, uint64_t tsc);
	/* Returns when guest_tsc() has reached `tsc`, at most TIMER_ADVANCE_MAX ticks from now. */
	void (*wait_tsc)(struct vcpu *v, uint64_t tsc);
	/* To any vCPU of the VM, from the thread of another; include what a kick does. */
	void (*init)(struct vcpu *v);
	void (*startup)(struct vcpu *v, uint8_t page);
	void (*nmi)(struct vcpu *v);
	/* End of a level-triggered interrupt on v: for vioapic_eoi. */
	void (*eoi)(struct vcpu *v, uint8_t vector);
};

/*
 * All local APICs of a VM: who a message goes to.
 * Locks: [I] immutable after init   [p] entries are added once, published by `nr`   [a] atomic
 */
struct vlapic_set {
	const struct vlapic_ops *ops;       /* [I] */
	uint32_t nr;                        /* [a] */
	uint32_t rotor;                     /* [a] whose turn it is for lowest priority */
	struct vlapic *apics[VM_MAX_VCPUS]; /* [p] */
	uint8_t by_id[256];                 /* [p] index + 1 of that APIC id, 0: nobody */
	uint64_t nr_dropped; /* [a] messages nobody accepted, or of a mode we do not have */
};

/* Where the vCPU is when its timer goes off: the way from there into the guest. */
enum vlapic_timer_way {
	TIMER_IN_GUEST,
	TIMER_IN_HLT,
	TIMER_UNKNOWN /* nothing is learned from it */
};

/*
 * Locks: [I] immutable after init   [o] owner   [w] written by the owner, read by all   [a] atomic
 */
struct vlapic {
	uint32_t *page; /* registers at their MMIO offsets. IRR, TMR [a]; ISR, timer [o]; the rest
			   [w] */
	struct vlapic_set *set; /* [I] */
	struct vcpu *vcpu;      /* [I] */
	uint32_t id;            /* [I] */
	bool is_bsp;            /* [I] */
	uint8_t isr_words;      /* [o] bit n: word n of ISR is not zero */
	uint32_t irr_pending;   /* [a] bit n clear: word n of IRR is zero for sure */
	uint32_t esr_pending;   /* [a] errors since ESR was last written */
	uint32_t timer_fired;   /* [a] host timer went off; the owner has not looked yet */
	uint64_t base;          /* [w] APIC base MSR */
	uint64_t deadline;      /* [o] of the timer in ns, VLAPIC_NO_DEADLINE: stopped */
	uint64_t tsc_deadline;  /* [o] MSR, 0: none */
	uint64_t due; /* [o] TSC before which the guest must not see an interrupt that was given out
			 early; 0: none */
	uint32_t early;            /* [o] ticks by which `deadline` is before tsc_deadline */
	enum vlapic_timer_way way; /* [o] of the timer that is armed, or of `due` */
	struct timer_advance advance[TIMER_UNKNOWN]; /* [o] by way */
};

void vlapic_set_init(struct vlapic_set *set, const struct vlapic_ops *ops);

/*
 * Sets *l up in reset state and adds it to the set. `page`: 4096 bytes, zeroed, aligned (hardware
 * may use it as its APIC page), stays the caller's. `id` is unique in the set, below 255. VMs add
 * their vCPUs one at a time, before those run. 0, -EINVAL, -EEXIST, -ENOSPC.
 */
int vlapic_init(struct vlapic *l, struct vlapic_set *set, struct vcpu *vcpu, uint32_t id,
		bool is_bsp, uint32_t *page);

/* Power-on state; `init`: after an INIT message, which keeps the base MSR (SDM 3A, "Local APIC
 * State After It Receives an INIT"). */
void vlapic_reset(struct vlapic *l, bool init);

/* ---- interrupts for the guest ---- */

/* The vector to inject next, -1: none. */
int vlapic_look(struct vlapic *l);
static inline int vlapic_has_interrupt(struct vlapic *l)
{
	uint32_t maybe = __atomic_load_n(&l->timer_fired, __ATOMIC_ACQUIRE) |
			 __atomic_load_n(&l->irr_pending, __ATOMIC_ACQUIRE);

	return maybe ? vlapic_look(l) : -1;
}
/* The CPU has taken `vector`: IRR to ISR. */
void vlapic_ack(struct vlapic *l, uint8_t vector);
/*
 * The same in two steps, for a CPU that delivers by itself: out of IRR when it is told of `vector`,
 * so that the next of that vector is one of its own; into ISR when it has taken it, or back.
 */
void vlapic_take(struct vlapic *l, uint8_t vector);
void vlapic_in_service(struct vlapic *l, uint8_t vector);
void vlapic_put_back(struct vlapic *l, uint8_t vector);
/* What an EOI write does, also for PV EOI when the guest has cleared its flag. */
void vlapic_eoi(struct vlapic *l);
/* Whether the guest may skip the EOI of the interrupt just acked: edge-triggered and nothing else
 * waits for it. */
bool vlapic_pv_eoi_allowed(struct vlapic *l);
/* Whether something may wait in IRR, without regard to priorities; false is certain. Any context.
 */
static inline bool vlapic_irr_any(const struct vlapic *l)
{
	return __atomic_load_n(&l->timer_fired, __ATOMIC_ACQUIRE) |
	       __atomic_load_n(&l->irr_pending, __ATOMIC_ACQUIRE);
}

/* CR8 is TPR 7:4 (0..15). */
uint8_t vlapic_get_cr8(const struct vlapic *l);
void vlapic_set_cr8(struct vlapic *l, uint8_t cr8);

/* ---- registers ---- */

/* APIC base MSR. 0, or -EINVAL: #GP. */
uint64_t vlapic_get_base(const struct vlapic *l);
int vlapic_set_base(struct vlapic *l, uint64_t value);
static inline bool vlapic_x2apic(const struct vlapic *l)
{
	return READ_ONCE(l->base) & APIC_BASE_X2APIC;
}
static inline bool vlapic_enabled(const struct vlapic *l)
{
	return READ_ONCE(l->base) & APIC_BASE_ENABLED;
}

/* True when `gpa` lies in this APIC's register page as it stands now: enabled and not x2APIC. */
bool vlapic_mmio_hit(const struct vlapic *l, uint64_t gpa);
/* Access at `offset` (0..0xfff) of len 1, 2, 4, 8. Only aligned 4-byte writes have an effect. */
uint64_t vlapic_mmio_read(struct vlapic *l, uint32_t offset, unsigned len);
void vlapic_mmio_write(struct vlapic *l, uint32_t offset, unsigned len, uint64_t value);

/* MSRs 0x800..0x83f and TSC_DEADLINE. 0, or -EINVAL: #GP. */
int vlapic_msr_read(struct vlapic *l, uint32_t msr, uint64_t *value);
int vlapic_msr_write(struct vlapic *l, uint32_t msr, uint64_t value);

/*
 * A value written to the x2APIC's ICR that is the commonest there is, a fixed interrupt for itself:
 * the register is written, the interrupt the owner's to send, by vlapic_claim() or
 * vlapic_post_self(). false: it is something else, nothing was done.
 */
bool vlapic_icr_to_self(struct vlapic *l, uint64_t icr);
/* Whether it is that. */
bool vlapic_is_to_self(const struct vlapic *l, uint64_t icr);
/* No kick: the owner looks at once. */
void vlapic_post_self(struct vlapic *l, uint8_t vector);
/* Nothing else waits and priorities allow `vector`: as if it had been posted and vlapic_take()n.
 * Else false, nothing was done. */
bool vlapic_claim(struct vlapic *l, uint8_t vector);

/* ---- messages ---- */

/* Sends a message to whom it names; returns how many accepted it. Any context. */
unsigned vlapic_deliver(struct vlapic_set *set, const struct irq_msg *msg);
/* KVM's PV IPI hypercall: bit n of the 128-bit map is APIC id min + n; icr as in an ICR. How many
 * accepted, or -EINVAL. */
int64_t vlapic_pv_ipi(struct vlapic *l, uint64_t low, uint64_t high, uint32_t min, uint64_t icr);

/* A rising edge on a local pin: 0 or 1. Fixed and NMI are delivered; ExtINT is the PIC's, see
 * vlapic_accepts_pic. Any context. */
void vlapic_lint(struct vlapic *l, unsigned pin);
/* Whether INTR of the PIC reaches this CPU: LINT0 is ExtINT and open, or the APIC is off. Any
 * context. */
bool vlapic_accepts_pic(const struct vlapic *l);
/* INTR of the PIC went up: kicks who accepts it. Any context. */
void vlapic_pic_raised(struct vlapic_set *set);

/* ---- timer ---- */

/* The host timer asked for by set_timer went off. Any context, interrupt handlers too. */
void vlapic_timer_fired(struct vlapic *l);
/* The guest's TSC or its rate changed, or the vCPU moved: asks for the host timer anew. */
void vlapic_timer_rearm(struct vlapic *l);
/*
 * The interrupt of a TSC deadline is given out a little before it (irq/timer_advance.h), so that
 * the way into the guest is behind us when the deadline comes. Before a guest is entered with
 * l->due not 0: waits for that moment.
 */
void vlapic_timer_wait(struct vlapic *l);
/* The vCPU is about to sleep in HLT, from where the way is longer. true: not worth it, the timer's
 * interrupt has been given out. Owner. */
bool vlapic_timer_halt(struct vlapic *l);
/* HLT is over. Owner. */
static inline void vlapic_timer_woken(struct vlapic *l)
{
	if (l->tsc_deadline)
		l->way = TIMER_UNKNOWN; /* by something else: it goes off in the guest */
}

/* ---- external form: struct vcpu_state's lapic and lapic_timer_deadline, sregs' apic_base ---- */

void vlapic_get_state(struct vlapic *l, uint32_t regs[64], uint64_t *tsc_deadline);
/* After vlapic_set_base. Any content is safe: what a register cannot hold is dropped. */
void vlapic_set_state(struct vlapic *l, const uint32_t regs[64], uint64_t tsc_deadline);
/* Sets the base MSR without the rules for transitions (restoring a state). -EINVAL: no such mode,
 * or reserved bits. */
int vlapic_restore_base(struct vlapic *l, uint64_t value);
