/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt and exception entry: 256 stubs of 16 bytes, each making the stack alike (error code, vector), and two ways on. The
 * ordinary way tells from the saved CS whether GS is the user's. NMI, #DF and #MC may come between an entry and its SWAPGS: they
 * look at GS base itself, and leave it as they found it. Layout of the frame: struct trap_frame.
 */
#define MSR_GS_BASE 0xc0000101
#define FRAME_CS    (18 * 8)

	.text
	.balign	16
	.globl	intr_stubs
intr_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	/* These push an error code: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX. */
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	.if	vector == 2 || vector == 8 || vector == 18
	jmp	entry_paranoid
	.else
	jmp	entry_common
	.endif
	.set	vector, vector + 1
	.endr

	.macro	SAVE_REGS
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	/* Nothing of the interrupted code's stays in registers that C might speculate on. */
	xor	%ebp, %ebp
	cld
	.endm

	.macro	RESTORE_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	.endm

entry_common:
	SAVE_REGS
	testb	$3, FRAME_CS(%rsp)
	jz	1f
	swapgs
1:	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	intr_dispatch
	mov	%rbx, %rsp
	testb	$3, FRAME_CS(%rsp)
	jz	2f
	swapgs
2:	RESTORE_REGS
	iretq

entry_paranoid:
	SAVE_REGS
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	/* The kernel's GS base is in the upper half, a user's never. %r12 is kept by C. */
	xor	%r12d, %r12d
	test	%edx, %edx
	js	1f
	inc	%r12d
	swapgs
1:	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	intr_dispatch
	mov	%rbx, %rsp
	test	%r12d, %r12d
	jz	2f
	swapgs
2:	RESTORE_REGS
	iretq

	.section .note.GNU-stack, "", @progbits
