/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done against attacks through speculation. Boot decides once, by tables of CPU models and
 * features (mitigations_decide), and the boundaries of the kernel do what was decided: cpu/entry.S
 * from and to ring 3, mem/ between address spaces, virt/ around a guest with the functions below.
 *
 * Not done, whatever the CPU: separate page tables for ring 3 (Meltdown), SMT siblings kept apart,
 * retpolines, return thunks. docs/limits.md says what follows from that.
 *
 * Assembled (the flags) as well as compiled.
 */
#pragma once

/* On the way in from ring 3: SPEC_CTRL of the kernel; on the way back: of ring 3. */
#define MIT_SPEC_CTRL_RING3 (1 << 0)
#define MIT_VERW_RING3      (1 << 1) /* before returning to ring 3 */
/* Around a guest. */
#define MIT_SPEC_CTRL_GUEST (1 << 2) /* guests have their own SPEC_CTRL */
#define MIT_VERW_GUEST      (1 << 3) /* before entering */
#define MIT_L1D_FLUSH_GUEST (1 << 4) /* before entering */
#define MIT_RSB_ON_EXIT     (1 << 5) /* the return predictor is filled with our own */
#define MIT_IBPB_ON_EXIT    (1 << 6) /* SRSO, Retbleed: costs a microsecond or more */
/* Between those who do not trust each other. */
#define MIT_IBPB_ON_VCPU_SWITCH (1 << 7)
#define MIT_IBPB_ON_AS_SWITCH   (1 << 8)
/* Once for each CPU. */
#define MIT_AUTO_IBRS (1 << 9)
#define MIT_SPEC_CTRL (1 << 10) /* SPEC_CTRL is set and stays, in ring 3 as well */

#define MIT_GUEST_ENTER (MIT_SPEC_CTRL_GUEST | MIT_L1D_FLUSH_GUEST)
#define MIT_GUEST_EXIT  (MIT_SPEC_CTRL_GUEST | MIT_RSB_ON_EXIT | MIT_IBPB_ON_EXIT)

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define MSR_FLUSH_CMD 0x10b

#define SPEC_CTRL_IBRS      (1 << 0)
#define SPEC_CTRL_STIBP     (1 << 1)
#define SPEC_CTRL_SSBD      (1 << 2)
#define SPEC_CTRL_BHI_DIS_S (1 << 10)

#ifndef __ASSEMBLER__

#include "cpu/msr.h"

#define MITIGATIONS_TEXT 128

enum cpu_vendor {
	CPU_VENDOR_OTHER,
	CPU_VENDOR_INTEL,
	CPU_VENDOR_AMD, /* and Hygon */
};

/* What CPUID and ARCH_CAPABILITIES say. */
struct cpu_facts {
	enum cpu_vendor vendor;
	unsigned family, model;
	uint32_t leaf7_ebx, leaf7_edx; /* 7.0 */
	uint32_t leaf7_2_edx;          /* 7.2 */
	uint32_t ext8_ebx;             /* 8000_0008 */
	uint32_t ext21_eax, ext21_ecx; /* 8000_0021 */
	uint64_t arch_cap;             /* 0: no such MSR */
	bool smt;
};

struct mitigations {
	uint32_t use;                /* MIT_* */
	uint32_t spec_ctrl;          /* in the kernel */
	uint32_t spec_ctrl_ring3;    /* in ring 3 */
	uint32_t spec_ctrl_guest;    /* set for guests, whatever they ask for */
	char text[MITIGATIONS_TEXT]; /* `NAME: what is done`, by `; `; only what the CPU is open to
				      */
};

/* In force; immutable after start. */
extern struct mitigations mitigations;

/* Pure. `off`: nothing is used, and the text says so. */
void mitigations_decide(const struct cpu_facts *facts, bool off, struct mitigations *out);

/* Boot CPU, once, before others start: command line word mitigations=off|auto. Sets this CPU up. */
void mitigations_init(bool off);
/* Every other CPU. */
void mitigations_init_cpu(void);

/* ---- for the world switch; interrupts off ---- */

static inline bool mitigations_use(uint32_t flags)
{
	return mitigations.use & flags;
}

/* This CPU goes over to a vCPU, or to an address space, that is not the one it ran before. */
static inline void mitigations_vcpu_switch(void)
{
	if (mitigations_use(MIT_IBPB_ON_VCPU_SWITCH))
		msr_write(MSR_PRED_CMD, 1);
}

static inline void mitigations_as_switch(void)
{
	if (mitigations_use(MIT_IBPB_ON_AS_SWITCH))
		msr_write(MSR_PRED_CMD, 1);
}

/* Among the last things before the guest runs; `spec_ctrl` is the guest's value (0 if it has none).
 * MIT_VERW_GUEST is for the backend's assembly, behind the last access to secrets. */
static __always_inline void mitigations_guest_enter(uint64_t spec_ctrl)
{
	if (likely(!mitigations_use(MIT_GUEST_ENTER)))
		return;
	if (mitigations_use(MIT_L1D_FLUSH_GUEST))
		msr_write(MSR_FLUSH_CMD, 1);
	spec_ctrl |= mitigations.spec_ctrl_guest;
	if (mitigations_use(MIT_SPEC_CTRL_GUEST) && spec_ctrl != mitigations.spec_ctrl)
		msr_write(MSR_SPEC_CTRL, spec_ctrl);
}

/* Fills the return stack buffer with addresses that lead nowhere. */
static __always_inline void mitigations_fill_rsb(void)
{
	uint64_t loops = 16;

	__asm__ volatile("1:	call 2f\n"
			 "3:	pause\n"
			 "	lfence\n"
			 "	jmp 3b\n"
			 "2:	call 4f\n"
			 "5:	pause\n"
			 "	lfence\n"
			 "	jmp 5b\n"
			 "4:	addq $16, %%rsp\n"
			 "	decq %0\n"
			 "	jnz 1b\n"
			 "	lfence\n"
			 : "+r"(loops)
			 :
			 : "memory", "cc");
}

/* The first thing after a guest has run, before any RET; *spec_ctrl becomes the guest's value. */
static __always_inline void mitigations_guest_exit(uint64_t *spec_ctrl)
{
	if (likely(!mitigations_use(MIT_GUEST_EXIT)))
		return;
	if (mitigations_use(MIT_RSB_ON_EXIT))
		mitigations_fill_rsb();
	if (mitigations_use(MIT_SPEC_CTRL_GUEST)) {
		*spec_ctrl = msr_read(MSR_SPEC_CTRL);
		if (*spec_ctrl != mitigations.spec_ctrl)
			msr_write(MSR_SPEC_CTRL, mitigations.spec_ctrl);
	}
	if (mitigations_use(MIT_IBPB_ON_EXIT))
		msr_write(MSR_PRED_CMD, 1);
}

#endif
