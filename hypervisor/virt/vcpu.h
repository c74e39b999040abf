/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual CPU: its registers as far as they are neutral, the run page, the requests that others
 * post, its halt queue, its timer.
 *
 * One thread at a time runs a vCPU or reads and changes its state: it has taken `busy`. Everything
 * marked [o] is that thread's. Others post to `requests` and kick. The kick protocol: the poster
 * sets the request, then reads `mode`; the vCPU sets `mode`, then reads the requests; both in
 * sequential order, so one of them sees the other.
 */
#pragma once

#include "cpu/fpu.h"
#include "lib/errno.h"
#include "virt/kvm_pv.h"
#include "virt/msr.h"
#include "virt/vm.h"

/* Requests: bits of vcpu->requests. */
#define VREQ_EVENT  1u /* interrupt controllers: look again */
#define VREQ_NMI    2u
#define VREQ_INIT   4u
#define VREQ_SIPI   8u
#define VREQ_KICK   16u /* vcpu_run returns VCPU_EXIT_INTR */
#define VREQ_UNHALT 32u /* KVM_HC_KICK_CPU */
#define VREQ_LEAVE  (VREQ_NMI | VREQ_INIT | VREQ_SIPI | VREQ_KICK | VREQ_UNHALT)

enum vcpu_mode {
	VCPU_OUTSIDE, /* in the kernel, or not run at all: sees requests before it enters the guest
		       */
	VCPU_GUEST,   /* in the guest, in a fast context, or about to be: an IPI to vcpu->cpu gets
			 it out */
	VCPU_ASLEEP,  /* sleeps on vcpu->wait */
};

/* An exception, interrupt or NMI that is to be delivered at the next entry. */
struct vcpu_pending {
	bool valid, has_error;
	uint8_t vector, type; /* enum vcpu_event_type */
	uint32_t error;
};

/*
 * Locks: [I] immutable after create   [o] the thread that holds `busy`   [a] atomic
 */
struct vcpu {
	uint64_t gpr[GPR_COUNT]; /* [o] offset 0, known to the world switch. GPR_RSP is unused: the
				    backend has RSP */
	struct vm *vm;           /* [I] */
	/* All 0: the guest may be entered at once. In a word of its own, so that one load tells. */
	union {
		struct {
			uint32_t requests;  /* [a] VREQ_* */
			bool check_events;  /* [o] look for something to inject, and at kvmclock */
			bool timer_changed; /* [o] `timer` is still to be armed as timer_deadline
					       says */
			uint16_t zero;
		};
		uint64_t attention; /* read only */
	};
	uint32_t mode;  /* [a] enum vcpu_mode */
	cpu_id_t cpu;   /* [a] where it is or was last in the guest */
	uint16_t index; /* [I] number in the VM, and its APIC id */
	/* All 0: nothing but `requests` stands between vcpu_run and the guest. */
	union {
		struct {
			uint32_t mp_state;  /* [o] enum vcpu_mp_state */
			bool shutdown;      /* [o] triple fault */
			bool window_wanted; /* [o] the VMM asked for VCPU_EXIT_IRQ_WINDOW */
			bool failed;        /* [o] it stopped for good: `fail` */
			bool zero2;
		};
		uint64_t detour; /* read only */
	};
	/* [o] The access that run->io waits for the VMM's answer to, in the backend's form and out
	 * of the VMM's reach; 0: none. */
	uint32_t io;
	uint64_t counters[COUNT_COUNT]; /* [o] read by anyone */

	struct vcpu_run *run;            /* [I] the run page, shared with the VMM: never trusted */
	struct vcpu_pending exception;   /* [o] raised by the kernel or the VMM */
	struct vcpu_pending interrupted; /* [o] an exit cut its delivery short */
	struct vcpu_pending injected;    /* [o] interrupt from vcpu_inject */
	uint8_t nmi_pending;             /* [o] 0..2 */
	uint8_t sipi_vector;             /* [a] */
	uint64_t tsc_offset;             /* [o] guest's TSC less host's */
	uint64_t dr[4];                  /* [o] while they are not in the registers */
	struct vcpu_msrs msr;            /* [o] */
	struct vcpu_pv pv;               /* [o] */
	struct fpu_state fpu;            /* [o] */
	struct vlapic lapic;             /* has its own rules */
	uint32_t *lapic_page;            /* [I] */

	struct object object;    /* what a vCPU handle refers to; holds a reference on the VM */
	uint32_t busy;           /* [a] 1: a thread holds it */
	struct wait_queue wait;  /* has its own lock */
	struct timer timer;      /* of the local APIC: armed by the owner */
	uint64_t timer_deadline; /* [o] what the local APIC wants, ns; VLAPIC_NO_DEADLINE: none */
	uint64_t guest_ticks;    /* [o] TSC ticks in virt->run; read by anyone */
	uint64_t run_ticks;      /* [o] up to run_since; see vcpu_run_time */
	uint64_t run_since;      /* [o] TSC; 0: it has no CPU */
	uint64_t steal_ticks;    /* [o] waited for a CPU; read by anyone */
	char fail[96];           /* [o] why it stopped for good */
};
static_assert_offset(struct vcpu, gpr, 0);
_Static_assert(MP_RUNNABLE == 0, "vcpu->detour");

/*
 * A new vCPU of vm in reset state, number `index`; the boot processor is 0. One reference for the
 * caller; its memory goes with the VM's. -EINVAL, -EEXIST, -ENOMEM.
 */
int vcpu_create(struct vm *vm, unsigned index, struct vcpu **out);

extern const struct object_ops vcpu_object_ops;

/* 0, or -EBUSY: another thread has it. */
static inline int vcpu_acquire(struct vcpu *v)
{
	return __atomic_exchange_n(&v->busy, 1, __ATOMIC_ACQUIRE) ? -EBUSY : 0;
}
static inline void vcpu_release(struct vcpu *v)
{
	__atomic_store_n(&v->busy, 0, __ATOMIC_RELEASE);
}

/* Runs until a slow exit; the reason is in v->run. 0, -EBUSY, -EINTR (the thread is interrupted).
 * Thread context, no lock held. */
int64_t vcpu_run(struct vcpu *v);
/* Takes what is pending in the run page into the vCPU. 0, -EBUSY or -EINVAL. */
int vcpu_sync(struct vcpu *v);
/* An access to a port that the kernel serves. 0, -EBUSY, -EINVAL, or -ENOENT: it serves none such.
 */
int vcpu_port(struct vcpu *v, struct vcpu_port *p);
/* Sets requests and gets the vCPU to look at them. Any context; cheap when v is the caller. */
void vcpu_request(struct vcpu *v, uint32_t requests);

/* 0, -EBUSY, -EINVAL. */
int vcpu_inject(struct vcpu *v, const struct vcpu_event *e);
int vcpu_get_state(struct vcpu *v, struct vcpu_state *s);
int vcpu_set_state(struct vcpu *v, const struct vcpu_state *s);

/* Power-on state, or the state after INIT. Owner. */
void vcpu_reset(struct vcpu *v, bool init);

/* Raises a fault at the next entry, with the rules for double faults (APM 2, "Double-Fault
 * Exception"). Owner; fit for the fast context. */
void vcpu_raise(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error);

#define EXCEPTION_DE 0
#define EXCEPTION_DB 1
#define EXCEPTION_BP 3
#define EXCEPTION_UD 6
#define EXCEPTION_DF 8
#define EXCEPTION_TS 10
#define EXCEPTION_NP 11
#define EXCEPTION_SS 12
#define EXCEPTION_GP 13
#define EXCEPTION_PF 14
#define EXCEPTION_AC 17
#define EXCEPTION_MC 18

static inline void vcpu_raise_ud(struct vcpu *v)
{
	vcpu_raise(v, EXCEPTION_UD, false, 0);
}

static inline void vcpu_raise_gp(struct vcpu *v)
{
	vcpu_raise(v, EXCEPTION_GP, true, 0);
}

static inline void vcpu_count(struct vcpu *v, enum vcpu_counter c)
{
	v->counters[c]++;
}

static inline uint64_t vcpu_edx_eax(const struct vcpu *v)
{
	return (v->gpr[GPR_RDX] << 32) | (uint32_t)v->gpr[GPR_RAX];
}

static inline void vcpu_set_edx_eax(struct vcpu *v, uint64_t value)
{
	v->gpr[GPR_RAX] = (uint32_t)value;
	v->gpr[GPR_RDX] = value >> 32;
}

/*
 * Arms the host's timer for what the local APIC wants. false: it is armed on another CPU, which
 * takes waiting: call it again outside of the fast context, with `wait`. Owner.
 */
bool vcpu_arm_timer(struct vcpu *v, bool wait);

/* TSC ticks for which it had a CPU, up to now. Any context. */
uint64_t vcpu_run_time(const struct vcpu *v);

/* The guest's TSC. Any context. */
uint64_t vcpu_guest_tsc(struct vcpu *v);
/* v->tsc_offset changed: tells backend, LAPIC timer and kvmclock. Owner. */
void vcpu_tsc_changed(struct vcpu *v);

/* What the interrupt controllers need of vCPUs. */
/* [a] What posts events changes with tracing (vcpu_traced.h), all else never. */
extern struct vlapic_ops vcpu_lapic_ops;
