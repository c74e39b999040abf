/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world switch (AMD APM 2, "VMRUN Instruction" and "#VMEXIT"). VMRUN and #VMEXIT change CS SS DS ES, GDTR, IDTR, the control
 * registers, RIP, RSP, RAX; VMLOAD and VMSAVE what is left of the hidden state, which costs more and is only done at the ends of a
 * session. Between, the kernel's C code runs with its own GS base, swapped by hand, and with GIF clear: no interrupt, NMI or
 * machine check can find the guest's TSS.
 *
 * The mitigated forms do around VMRUN what cpu/mitigations.h decided. Between the guest's SPEC_CTRL and VMRUN, and between #VMEXIT and
 * the LFENCE behind the steps, there is no RET and no indirect branch. The guest's value is in the VMCB and the guest cannot change it
 * without an exit, unless the CPU keeps one for it (SvmSpecCtrl): then the steps leave the register alone.
 *
 * enum svm_fast svm_switch_*(struct svm_vcpu *s, phys_t vmcb_pa, struct vmcb *vmcb, phys_t host_save)
 */
#include "cpu/mitigations_asm.h"

#define GPR_RCX 8
#define GPR_RDX 16
#define GPR_RBX 24
#define GPR_RBP 40
#define GPR_RSI 48
#define GPR_RDI 56
#define GPR_R8	64
#define GPR_R9	72
#define GPR_R10 80
#define GPR_R11 88
#define GPR_R12 96
#define GPR_R13 104
#define GPR_R14 112
#define GPR_R15 120

#define VMCB_GS_BASE   0x458
#define VMCB_RAX       0x5f8
#define VMCB_SPEC_CTRL 0x6e0

/* The frame. */
#define S	  0
#define PA	  8
#define VMCB	  16
#define HOST_SAVE 24
#define HOST_GS	  32
#define FRAME	  40 /* makes the stack aligned at the call */
#define SAVED_RBP (FRAME + 40)

#define MSR_GS_BASE 0xc0000101

	/* GS base := \reg. */
	.macro	SET_GS reg, fsgsbase
	.if	\fsgsbase
	wrgsbase \reg
	.else
	mov	\reg, %rax
	mov	\reg, %rdx
	shr	$32, %rdx
	mov	$MSR_GS_BASE, %ecx
	wrmsr
	.endif
	.endm

	/* %r8 := GS base. */
	.macro	GET_GS fsgsbase
	.if	\fsgsbase
	rdgsbase %r8
	.else
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %r8
	.endif
	.endm

	/* SPEC_CTRL := the kernel's or the guest's, where they differ; the VMCB is at %rsi. %eax: the guest's. */
	.macro	SET_SPEC_CTRL of
	testl	$MIT_SPEC_CTRL_GUEST, svm_mitigations(%rip)
	jz	.Lspec\@
	mov	VMCB_SPEC_CTRL(%rsi), %eax
	or	mitigations + MITIGATIONS_SPEC_CTRL_GUEST(%rip), %eax
	cmp	mitigations + MITIGATIONS_SPEC_CTRL(%rip), %eax
	je	.Lspec\@
	.ifc	\of, kernel
	mov	mitigations + MITIGATIONS_SPEC_CTRL(%rip), %eax
	.endif
	xor	%edx, %edx
	mov	$MSR_SPEC_CTRL, %ecx
	wrmsr
.Lspec\@:
	.endm

	/* One WRMSR of 1 to \msr, where that is in force. */
	.macro	COMMAND flag, msr
	testl	$\flag, svm_mitigations(%rip)
	jz	.Lcommand\@
	mov	$\msr, %ecx
	mov	$1, %eax
	xor	%edx, %edx
	wrmsr
.Lcommand\@:
	.endm

	.macro	GUEST_ENTER
	COMMAND	MIT_L1D_FLUSH_GUEST, MSR_FLUSH_CMD
	SET_SPEC_CTRL guest
	.endm

	.macro	GUEST_EXIT
	testl	$MIT_RSB_ON_EXIT, svm_mitigations(%rip)
	jz	.Lrsb\@
	MIT_FILL_RSB %eax
.Lrsb\@:
	SET_SPEC_CTRL kernel
	COMMAND	MIT_IBPB_ON_EXIT, MSR_PRED_CMD
	lfence
	.endm

	.macro	SVM_SWITCH name, fsgsbase, mitigated, exit
	.globl	\name
	.balign	64
\name:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$FRAME, %rsp
	mov	%rdi, S(%rsp)
	mov	%rsi, PA(%rsp)
	mov	%rdx, VMCB(%rsp)
	mov	%rcx, HOST_SAVE(%rsp)
	mov	%gs:0, %rax
	mov	%rax, HOST_GS(%rsp)
	/* Kept by C in these: s and its VMCB. */
	mov	%rdi, %rbx
	mov	%rdx, %r12

	clgi
	mov	%rcx, %rax
	vmsave
	mov	%rsi, %rax
	vmload

1:	/* With GIF clear STI opens nothing yet; VMRUN passes it on: physical interrupts exit. */
	sti
	mov	VMCB_GS_BASE(%r12), %r8
	SET_GS	%r8, \fsgsbase
	.if	\mitigated
	mov	%r12, %rsi
	GUEST_ENTER
	.endif
	mov	(%rbx), %rax
	mov	%rax, VMCB_RAX(%r12)
	mov	GPR_RCX(%rbx), %rcx
	mov	GPR_RDX(%rbx), %rdx
	mov	GPR_RBP(%rbx), %rbp
	mov	GPR_RSI(%rbx), %rsi
	mov	GPR_RDI(%rbx), %rdi
	mov	GPR_R8(%rbx), %r8
	mov	GPR_R9(%rbx), %r9
	mov	GPR_R10(%rbx), %r10
	mov	GPR_R11(%rbx), %r11
	mov	GPR_R12(%rbx), %r12
	mov	GPR_R13(%rbx), %r13
	mov	GPR_R14(%rbx), %r14
	mov	GPR_R15(%rbx), %r15
	mov	GPR_RBX(%rbx), %rbx
	mov	PA(%rsp), %rax
	.if	\mitigated
	MIT_CLEAR_BUFFERS MIT_VERW_GUEST
	.endif
	vmrun
	cli
	mov	S(%rsp), %rax
	mov	%rdi, GPR_RDI(%rax)
	mov	%rcx, GPR_RCX(%rax)
	mov	%rdx, GPR_RDX(%rax)
	mov	%rbx, GPR_RBX(%rax)
	mov	%rbp, GPR_RBP(%rax)
	mov	%rsi, GPR_RSI(%rax)
	mov	%r8, GPR_R8(%rax)
	mov	%r9, GPR_R9(%rax)
	mov	%r10, GPR_R10(%rax)
	mov	%r11, GPR_R11(%rax)
	mov	%r12, GPR_R12(%rax)
	mov	%r13, GPR_R13(%rax)
	mov	%r14, GPR_R14(%rax)
	mov	%r15, GPR_R15(%rax)
	mov	%rax, %rdi
	mov	%rax, %rbx
	mov	VMCB(%rsp), %r12
	mov	VMCB_RAX(%r12), %r8
	mov	%r8, (%rbx)
	.if	\mitigated
	mov	%r12, %rsi
	GUEST_EXIT
	.endif
	GET_GS	\fsgsbase
	mov	%r8, VMCB_GS_BASE(%r12)
	mov	HOST_GS(%rsp), %r8
	SET_GS	%r8, \fsgsbase
	/* No value of the guest's stays for C to speculate on; RAX, RBX, RDI, R8 and R12 are ours by now. */
	.if	\mitigated
	xor	%eax, %eax
	.endif
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	lea	SAVED_RBP(%rsp), %rbp
	call	\exit
	test	%eax, %eax
	jz	1b

	mov	%eax, %ebx
	mov	VMCB_GS_BASE(%r12), %r8
	SET_GS	%r8, \fsgsbase
	mov	PA(%rsp), %rax
	vmsave
	mov	HOST_SAVE(%rsp), %rax
	vmload
	stgi
	mov	%ebx, %eax
	add	$FRAME, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.endm

	.text
	SVM_SWITCH svm_switch_fsgsbase, 1, 0, svm_fast_exit
	SVM_SWITCH svm_switch_msr, 0, 0, svm_fast_exit
	SVM_SWITCH svm_switch_fsgsbase_mitigated, 1, 1, svm_fast_exit
	SVM_SWITCH svm_switch_msr_mitigated, 0, 1, svm_fast_exit
	/* Entered instead while tracing is on: the others need not ask. */
	SVM_SWITCH svm_switch_fsgsbase_traced, 1, 1, svm_traced_exit
	SVM_SWITCH svm_switch_msr_traced, 0, 1, svm_traced_exit

	.section .note.GNU-stack, "", @progbits
