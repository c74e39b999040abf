/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line between the neutral part of virtualization and the backend of a vendor (svm/, vmx/).
 *
 * A backend runs a vCPU until something happens that it cannot finish alone: it finishes CPUID,
 * MSR, CR, memory faults, ports and MMIO that the kernel serves, with the help of the tables of
 * virt/; what is left comes back as a virt_exit.
 *
 * Fast context: a backend calls some of those helpers (rows marked `fast`, and whatever a comment
 * says is fit for it) with a part of the guest's state still in the CPU and interrupts held back as
 * a whole. GS is the kernel's there, so locks, logs, atomics, kicks and wakeups work. What does
 * not: sleeping, waiting for other CPUs, FPU, and the backend's read_msr/write_msr/get_sregs/
 * set_sregs.
 */
#pragma once

#include "virt/vcpu.h"

enum virt_exit {
	VIRT_EXIT_NONE,    /* backend only: enter the guest again */
	VIRT_EXIT_REQUEST, /* a request is pending, or the CPU wants to run something else */
	VIRT_EXIT_PAUSE,   /* it spins: somebody else may have the CPU */
	VIRT_EXIT_HALT,
	VIRT_EXIT_IO,   /* run->io is filled in */
	VIRT_EXIT_MMIO, /* run->mmio is filled in */
	VIRT_EXIT_IRQ_WINDOW,
	VIRT_EXIT_SHUTDOWN,
	VIRT_EXIT_FAILED, /* v->fail and run->fail are filled in */
};

struct guest_paging;

/* All but probe, init and enable_cpu: by the thread that holds the vCPU. */
struct virt_ops {
	const char *name; /* "svm" */

	/* Whether this CPU has it; *why says why not. Boot CPU. */
	bool (*probe)(const char **why);
	/* Once, after probe. 0 or -ENOMEM. */
	int (*init)(void);
	/* Each CPU, itself. */
	void (*enable_cpu)(void);

	size_t vcpu_size;              /* struct vcpu is its first member */
	int (*create)(struct vcpu *v); /* 0 or -ENOMEM */
	void (*destroy)(struct vcpu *v);
	/* Power-on or INIT values of everything that the backend holds. */
	void (*reset)(struct vcpu *v, bool init);
	/* After SIPI: CS selector page << 8, base page << 12; RIP 0. */
	void (*startup)(struct vcpu *v, uint8_t page);

	/* Thread context. Whatever it loaded on this CPU is back in memory when it returns, but for
	 * the FPU (cpu/fpu.h). */
	enum virt_exit (*run)(struct vcpu *v);

	void (*get_regs)(struct vcpu *v, struct vcpu_regs *regs);
	void (*set_regs)(struct vcpu *v, const struct vcpu_regs *regs);
	/* Not cr8, xcr0, apic_base. */
	void (*get_sregs)(struct vcpu *v, struct vcpu_sregs *sregs);
	/* -EINVAL: a state that no CPU can be in; nothing changed. */
	int (*set_sregs)(struct vcpu *v, const struct vcpu_sregs *sregs);
	void (*get_debug)(struct vcpu *v, uint64_t *dr6, uint64_t *dr7);
	void (*set_debug)(struct vcpu *v, uint64_t dr6, uint64_t dr7);
	/* Flags that belong to events: interrupt shadow, NMIs masked until IRET. */
	void (*get_blocking)(struct vcpu *v, uint8_t *shadow, uint8_t *nmi_masked);
	void (*set_blocking)(struct vcpu *v, uint8_t shadow, uint8_t nmi_masked);

	/* The VMM has answered v->io, an IN with `data`: RAX, RIP, and the shadow's end. */
	void (*finish_io)(struct vcpu *v, uint32_t data);
	/*
	 * MSRs that the hardware switches: FS/GS/KERNEL_GS base, STAR, LSTAR, CSTAR, SFMASK,
	 * SYSENTER_*, PAT, DEBUGCTL, SPEC_CTRL; PRED_CMD's command is done. false: not one of
	 * these. Values are the caller's to check.
	 */
	bool (*read_msr)(struct vcpu *v, uint32_t index, uint64_t *value);
	bool (*write_msr)(struct vcpu *v, uint32_t index, uint64_t value);
	uint64_t (*get_efer)(struct vcpu *v);
	int (*set_efer)(struct vcpu *v, uint64_t efer); /* -EINVAL: #GP */
	uint64_t (*get_cr4)(struct vcpu *v);            /* fit for the fast context */
	unsigned (*cpl)(struct vcpu *v);                /* fit for the fast context */
	/* Whether RFLAGS.IF is set and no shadow blocks; fit for the fast context. */
	bool (*irqs_open)(struct vcpu *v);
	/* Whether something waits that ends HLT; fit for the fast context. */
	bool (*has_event)(struct vcpu *v);
	void (*tsc_offset_changed)(struct vcpu *v);
	/* v->lapic's TPR was written otherwise than by the guest's CR8. */
	void (*tpr_changed)(struct vcpu *v);
	/* How the guest translates addresses now, for gmem.h. */
	void (*get_paging)(struct vcpu *v, struct guest_paging *p);
	/* Whether each guest has a SPEC_CTRL of its own; PRED_CMD it has where the CPU has. */
	bool (*has_spec_ctrl)(void);
	/* Whether exits and injections go into the CPUs' rings (cpu/tracing.h, which has them
	 * then). While they do not, exits cost no instruction more. Any context. */
	void (*set_tracing)(bool on);
};

/* Bound once at boot; NULL when the machine has no virtualization. */
extern const struct virt_ops *virt;

/* Boot CPU, after mem, thread, proc. false: no virtualization, *why says why. */
bool virt_init(const char **why);
/* Every CPU, the boot CPU too, after virt_init. */
void virt_init_cpu(void);
/* What the backend's set_tracing does, and posted events. One caller at a time. */
void virt_set_tracing(bool on);
