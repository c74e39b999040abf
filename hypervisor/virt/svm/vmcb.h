/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine control block and the codes of AMD SVM, named as in AMD APM volume 2,
 * appendix B "VMCB Layout", and appendix C "SVM Intercept Exit Codes". Layout only: no state, no
 * code beyond accessors.
 */
#pragma once

#include "lib/bits.h"

/* ---- intercepts: one 32-bit word each, in the order of the VMCB ---- */

/* Word 3, "vector 3" at 00Ch. */
#define INTERCEPT_INTR        BIT(0)
#define INTERCEPT_NMI         BIT(1)
#define INTERCEPT_SMI         BIT(2)
#define INTERCEPT_INIT        BIT(3)
#define INTERCEPT_VINTR       BIT(4)
#define INTERCEPT_CR0_SEL     BIT(5)
#define INTERCEPT_RDPMC       BIT(15)
#define INTERCEPT_CPUID       BIT(18)
#define INTERCEPT_RSM         BIT(19)
#define INTERCEPT_IRET        BIT(20)
#define INTERCEPT_INVD        BIT(22)
#define INTERCEPT_PAUSE       BIT(23)
#define INTERCEPT_HLT         BIT(24)
#define INTERCEPT_INVLPGA     BIT(26)
#define INTERCEPT_IOIO        BIT(27)
#define INTERCEPT_MSR         BIT(28)
#define INTERCEPT_TASK_SWITCH BIT(29)
#define INTERCEPT_FERR_FREEZE BIT(30)
#define INTERCEPT_SHUTDOWN    BIT(31)

/* Word 4, at 010h. */
#define INTERCEPT_VMRUN   BIT(0)
#define INTERCEPT_VMMCALL BIT(1)
#define INTERCEPT_VMLOAD  BIT(2)
#define INTERCEPT_VMSAVE  BIT(3)
#define INTERCEPT_STGI    BIT(4)
#define INTERCEPT_CLGI    BIT(5)
#define INTERCEPT_SKINIT  BIT(6)
#define INTERCEPT_WBINVD  BIT(9)
#define INTERCEPT_MONITOR BIT(10)
#define INTERCEPT_MWAIT   BIT(11)
#define INTERCEPT_XSETBV  BIT(13)
#define INTERCEPT_RDPRU   BIT(14)

#define INTERCEPT_DR_ALL 0x00ff00ffu /* reads of DR0-7 in the low half, writes in the high half */

/* ---- virtual interrupt control, at 060h ---- */
#define V_TPR_MASK       0x0fu
#define V_IRQ            BIT(8)
#define V_INTR_PRIO(p)   ((uint64_t)(p) << 16)
#define V_IGN_TPR        BIT(20)
#define V_INTR_MASKING   BIT(24)
#define V_INTR_VECTOR(v) ((uint64_t)(v) << 32)
#define V_IRQ_FIELDS     (V_IRQ | V_INTR_PRIO(0xf) | V_IGN_TPR | V_INTR_VECTOR(0xff))

#define INTERRUPT_SHADOW BIT(0) /* at 068h */

#define TLB_CONTROL_NONE      0
#define TLB_CONTROL_ALL       1
#define TLB_CONTROL_THIS_ASID 3

#define NP_ENABLE BIT(0) /* at 090h */

/* ---- EVENTINJ and EXITINTINFO ---- */
#define EVENT_VECTOR(e)   ((uint8_t)(e))
#define EVENT_TYPE(e)     ((unsigned)((e) >> 8) & 7)
#define EVENT_TYPE_SET(t) ((uint64_t)(t) << 8)
#define EVENT_HAS_ERROR   BIT(11)
#define EVENT_VALID       BIT(31)

/* ---- clean bits, at 0C0h; their groups in APM 2 "VMCB Clean Field" ---- */
enum vmcb_group {
	CLEAN_INTERCEPTS = 0, /* intercept vectors, TSC offset, pause filter */
	CLEAN_IOPM = 1,
	CLEAN_ASID = 2,
	CLEAN_TPR = 3, /* V_TPR .. V_INTR_VECTOR */
	CLEAN_NP = 4,  /* nested paging: N_CR3, G_PAT */
	CLEAN_CR = 5,  /* CR0 CR3 CR4 EFER */
	CLEAN_DR = 6,  /* DR6 DR7 */
	CLEAN_DT = 7,  /* GDTR IDTR */
	CLEAN_SEG = 8, /* CS DS SS ES CPL */
	CLEAN_CR2 = 9,
	CLEAN_LBR = 10, /* DBGCTL and the last-branch registers */
	CLEAN_COUNT,
};
#define CLEAN_ALL (BIT(CLEAN_COUNT) - 1)

/* ---- exit codes ---- */
enum svm_exit_code {
	EXIT_CR_READ = 0x00,
	EXIT_CR_WRITE = 0x10,
	EXIT_DR_READ = 0x20,
	EXIT_DR_WRITE = 0x30,
	EXIT_EXCEPTION = 0x40,
	EXIT_INTR = 0x60,
	EXIT_NMI = 0x61,
	EXIT_SMI = 0x62,
	EXIT_INIT = 0x63,
	EXIT_VINTR = 0x64,
	EXIT_CR0_SEL = 0x65,
	EXIT_RDPMC = 0x6f,
	EXIT_CPUID = 0x72,
	EXIT_RSM = 0x73,
	EXIT_IRET = 0x74,
	EXIT_INVD = 0x76,
	EXIT_PAUSE = 0x77,
	EXIT_HLT = 0x78,
	EXIT_INVLPGA = 0x7a,
	EXIT_IOIO = 0x7b,
	EXIT_MSR = 0x7c,
	EXIT_TASK_SWITCH = 0x7d,
	EXIT_FERR_FREEZE = 0x7e,
	EXIT_SHUTDOWN = 0x7f,
	EXIT_VMRUN = 0x80,
	EXIT_VMMCALL = 0x81,
	EXIT_VMLOAD = 0x82,
	EXIT_VMSAVE = 0x83,
	EXIT_STGI = 0x84,
	EXIT_CLGI = 0x85,
	EXIT_SKINIT = 0x86,
	EXIT_WBINVD = 0x89,
	EXIT_MONITOR = 0x8a,
	EXIT_MWAIT = 0x8b,
	EXIT_MWAIT_ARMED = 0x8c,
	EXIT_XSETBV = 0x8d,
	EXIT_RDPRU = 0x8e,
	EXIT_TABLE_SIZE = 0xa5,
	EXIT_NPF = 0x400,
};
#define EXIT_INVALID 0xffffffffu /* low half of VMEXIT_INVALID; emulators write 32 bits of it */

/* EXITINFO1 of IOIO, APM 2 "IOIO Intercept Information". */
#define IOIO_IN      BIT(0)
#define IOIO_STR     BIT(2)
#define IOIO_REP     BIT(3)
#define IOIO_SIZE(i) ((unsigned)((i) >> 4) & 7)       /* bytes: 1, 2 or 4 */
#define IOIO_ADDR(i) (((unsigned)((i) >> 7) & 7) * 2) /* bytes: 2, 4 or 8 */
#define IOIO_SEG(i)  ((unsigned)((i) >> 10) & 7)
#define IOIO_PORT(i) ((uint16_t)((i) >> 16))

/* EXITINFO1 of NPF: page-fault error code, and which access it was. */
#define NPF_PRESENT BIT(0)
#define NPF_WRITE   BIT(1)
#define NPF_EXEC    BIT(4)
#define NPF_FINAL   BIT(32) /* the guest's final physical address */
#define NPF_TABLES  BIT(33) /* a page of the guest's own tables */

struct vmcb_seg {
	uint16_t selector;
	uint16_t attrib;
	uint32_t limit;
	uint64_t base;
} __packed;

struct vmcb {
	/* Control area, 000h. */
	uint32_t intercept_cr; /* reads 15:0, writes 31:16 */
	uint32_t intercept_dr;
	uint32_t intercept_exceptions;
	uint32_t intercept3, intercept4, intercept5;
	uint8_t reserved_018[0x3c - 0x18];
	uint16_t pause_filter_threshold, pause_filter_count;
	uint64_t iopm_base_pa, msrpm_base_pa, tsc_offset;
	uint32_t guest_asid;
	uint8_t tlb_control, reserved_05d[3];
	uint64_t int_ctl;   /* 060h: V_TPR, V_IRQ ... */
	uint64_t int_state; /* 068h: INTERRUPT_SHADOW */
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
	uint64_t np_control; /* 090h */
	uint64_t avic_apic_bar, ghcb_pa;
	uint64_t event_inj; /* 0A8h */
	uint64_t n_cr3;
	uint64_t lbr_control;
	uint32_t clean, reserved_0c4;
	uint64_t nrip;
	uint8_t fetched, insn[15]; /* 0D0h */
	uint8_t reserved_0e0[0x400 - 0xe0];

	/* State-save area, 400h. */
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved_4a0[0x4cb - 0x4a0];
	uint8_t cpl, reserved_4cc[4];
	uint64_t efer;
	uint8_t reserved_4d8[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp;
	uint64_t s_cet, ssp, isst_addr;
	uint64_t rax;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t cr2;
	uint8_t reserved_648[0x668 - 0x648];
	uint64_t g_pat, dbgctl, br_from, br_to, last_excp_from, last_excp_to;
	uint8_t reserved_698[0x6e0 - 0x698];
	uint64_t spec_ctrl;
	uint8_t reserved_6e8[0x1000 - 0x6e8];
} __packed __aligned(4096);

static_assert_size(struct vmcb_seg, 16);
static_assert_size(struct vmcb, 4096);
static_assert_offset(struct vmcb, intercept4, 0x10);
static_assert_offset(struct vmcb, pause_filter_threshold, 0x3c);
static_assert_offset(struct vmcb, iopm_base_pa, 0x40);
static_assert_offset(struct vmcb, guest_asid, 0x58);
static_assert_offset(struct vmcb, tlb_control, 0x5c);
static_assert_offset(struct vmcb, int_ctl, 0x60);
static_assert_offset(struct vmcb, exit_code, 0x70);
static_assert_offset(struct vmcb, exit_int_info, 0x88);
static_assert_offset(struct vmcb, np_control, 0x90);
static_assert_offset(struct vmcb, event_inj, 0xa8);
static_assert_offset(struct vmcb, n_cr3, 0xb0);
static_assert_offset(struct vmcb, clean, 0xc0);
static_assert_offset(struct vmcb, nrip, 0xc8);
static_assert_offset(struct vmcb, fetched, 0xd0);
static_assert_offset(struct vmcb, es, 0x400);
static_assert_offset(struct vmcb, tr, 0x490);
static_assert_offset(struct vmcb, cpl, 0x4cb);
static_assert_offset(struct vmcb, efer, 0x4d0);
static_assert_offset(struct vmcb, cr4, 0x548);
static_assert_offset(struct vmcb, rip, 0x578);
static_assert_offset(struct vmcb, rsp, 0x5d8);
static_assert_offset(struct vmcb, rax, 0x5f8);
static_assert_offset(struct vmcb, star, 0x600);
static_assert_offset(struct vmcb, cr2, 0x640);
static_assert_offset(struct vmcb, g_pat, 0x668);
static_assert_offset(struct vmcb, spec_ctrl, 0x6e0);
