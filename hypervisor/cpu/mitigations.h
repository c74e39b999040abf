/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done against attacks through speculation. Boot decides once, by tables of CPU models and
 * features (mitigations_decide), and the boundaries of the kernel do what was decided: cpu/entry.S
 * from and to ring 3, mem/as_switch.c between address spaces, the world switch around a guest.
 * Where a boundary has nothing to do it runs code without these steps.
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
#define MIT_IBPB_TO_VMM         (1 << 11) /* from a guest to its own VMM */
#define MIT_RSB_ON_AS_SWITCH    (1 << 12)
/* Once for each CPU. */
#define MIT_AUTO_IBRS      (1 << 9)
#define MIT_SPEC_CTRL      (1 << 10) /* SPEC_CTRL is set and stays, in ring 3 as well */
#define MIT_BP_SPEC_REDUCE (1 << 13) /* AMD's own switch against SRSO */

/* Which boundaries have anything to do: the rest takes its plain path. */
#define MIT_RING3 (MIT_SPEC_CTRL_RING3 | MIT_VERW_RING3)
#define MIT_GUEST                                                                       \
	(MIT_SPEC_CTRL_GUEST | MIT_VERW_GUEST | MIT_L1D_FLUSH_GUEST | MIT_RSB_ON_EXIT | \
	 MIT_IBPB_ON_EXIT)

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define MSR_FLUSH_CMD 0x10b

/* struct mitigations, for assembly. */
#define MITIGATIONS_USE             0
#define MITIGATIONS_SPEC_CTRL       4
#define MITIGATIONS_SPEC_CTRL_RING3 8
#define MITIGATIONS_SPEC_CTRL_GUEST 12

#define SPEC_CTRL_IBRS      (1 << 0)
#define SPEC_CTRL_STIBP     (1 << 1)
#define SPEC_CTRL_SSBD      (1 << 2)
#define SPEC_CTRL_BHI_DIS_S (1 << 10)

#ifndef __ASSEMBLER__

#include "cpu/cpu.h"

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

static_assert_offset(struct mitigations, use, MITIGATIONS_USE);
static_assert_offset(struct mitigations, spec_ctrl, MITIGATIONS_SPEC_CTRL);
static_assert_offset(struct mitigations, spec_ctrl_ring3, MITIGATIONS_SPEC_CTRL_RING3);
static_assert_offset(struct mitigations, spec_ctrl_guest, MITIGATIONS_SPEC_CTRL_GUEST);

/* Pure. `off`: nothing is used, and the text says so. */
void mitigations_decide(const struct cpu_facts *facts, bool off, struct mitigations *out);

/* Boot CPU, once, before others start: command line word mitigations=off|auto. Sets this CPU up. */
void mitigations_init(bool off);
/* Every other CPU. Fatal where it lacks what is in force: the boundaries would raise #GP on it. */
void mitigations_init_cpu(void);

/* What is done on that CPU, for people: never NULL. Any context. */
const char *mitigations_text(cpu_id_t cpu);

/* ---- for the boundaries; interrupts off ---- */

static inline bool mitigations_use(uint32_t flags)
{
	return mitigations.use & flags;
}

/*
 * IBPB: branches that ran before no longer lead those that follow. mitigations_barriers() counts
 * them on this CPU, so that whoever wants one can see that there was one meanwhile.
 */
void mitigations_barrier(void);
uint64_t mitigations_barriers(void);

/* Fills the return predictor with addresses that lead nowhere. Changes nothing else. */
void mitigations_fill_rsb(void);

/* This CPU goes over to ring 3 of an address space that is not the one it was in last. */
static inline void mitigations_as_switch(void)
{
	if (unlikely(mitigations_use(MIT_IBPB_ON_AS_SWITCH)))
		mitigations_barrier();
	if (unlikely(mitigations_use(MIT_RSB_ON_AS_SWITCH)))
		mitigations_fill_rsb();
}

/* A thread that ran a guest goes back to its VMM. */
static inline void mitigations_to_vmm(void)
{
	if (unlikely(mitigations_use(MIT_IBPB_TO_VMM)))
		mitigations_barrier();
}

#endif
