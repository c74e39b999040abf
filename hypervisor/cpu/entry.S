/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways into the kernel and back. 256 stubs of 16 bytes make the stack alike (error code, vector) and go one of two ways. The
 * ordinary way tells from the saved CS whether GS is the user's. NMI, #DF and #MC may come between an entry and its SWAPGS: they
 * compare GS base itself with what stands above their stacks, and leave it as they found it. System calls build the same frame (struct trap_frame) and go back by
 * SYSRET when it still says what SYSCALL left. While the kernel runs, the user's GS base is in KERNEL_GS_BASE.
 *
 * There are two sets of ways, without and with the steps against speculation (cpu/mitigations.h): intr_use_mitigated chooses.
 *
 * Stacks are aligned without a word about it: the CPU aligns RSP before it pushes, stack tops are aligned, and a frame is 22 words.
 */
#include "cpu/mitigations_asm.h"

#define MSR_GS_BASE 0xc0000101

	.text
	.macro	SAVE_REGS
	push	%rax
	push	%rbx
	push	%rcx
	push	%rbp
	push	%r9
	push	%r8
	push	%r10
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	/* Nothing of the interrupted code's stays in registers that C might speculate on. */
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	cld
	.endm

	.macro	RESTORE_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%r10
	pop	%r8
	pop	%r9
	pop	%rbp
	pop	%rcx
	pop	%rbx
	pop	%rax
	.endm

	/* An interrupt leaves AC as it was, and AC lifts SMAP. */
	.macro	CLEAR_AC
	cmpb	$0, cpu_has_smap(%rip)
	je	.Lac\@
	clac
.Lac\@:
	.endm

	/* All ways in and out: \mit: with the steps of cpu/mitigations_asm.h. */
	.macro	ENTRIES mit, sfx
	.balign	16
	.globl	intr_stubs\sfx
intr_stubs\sfx:
	.set	vector, 0
	.rept	256
	.balign	16
	/* These push an error code: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX. */
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	.if	vector == 2 || vector == 8 || vector == 18
	jmp	entry_paranoid\sfx
	.else
	jmp	entry_common\sfx
	.endif
	.set	vector, vector + 1
	.endr

	.balign	16
entry_common\sfx:
	SAVE_REGS
	testb	$3, FRAME_CS(%rsp)
	jz	entry_from_kernel\sfx
	swapgs
	.globl	entry_from_user\sfx
entry_from_user\sfx:
	.if	\mit
	MIT_ENTER_KERNEL
	.endif
	/* Nothing may run ahead with the wrong GS base, on either side of the test above. */
	lfence
	CLEAR_AC
	mov	%rsp, %rdi
	call	intr_dispatch
	call	*intr_return_hook(%rip)
	jmp	exit_to_user\sfx

entry_from_kernel\sfx:
	/* The IRET to ring 3 itself faulted: GS is the user's already, and so is SPEC_CTRL. */
	cmpq	$iret_to_user\sfx, FRAME_RIP(%rsp)
	jne	1f
	swapgs
	.if	\mit
	MIT_ENTER_KERNEL
	.endif
1:	lfence
	CLEAR_AC
	mov	%rsp, %rdi
	call	intr_dispatch
	RESTORE_REGS
	add	$16, %rsp
	iretq

	/* Back to ring 3 with all of the frame. */
	.globl	exit_to_user\sfx
exit_to_user\sfx:
	.if	\mit
	MIT_LEAVE_KERNEL
	.endif
	RESTORE_REGS
	add	$16, %rsp
	.if	\mit
	MIT_CLEAR_BUFFERS MIT_VERW_RING3
	.endif
	swapgs
iret_to_user\sfx:
	iretq
	.pushsection .extable, "a"
	.balign	8
	.quad	iret_to_user\sfx, iret_failed\sfx
	.popsection
	/*
	 * The frame asks for what the CPU refuses (RIP is no address). RSP is where IRET found it, the registers are the user's, GS
	 * is the kernel's: as if the program had raised #GP there.
	 */
iret_failed\sfx:
	pushq	$0
	pushq	$VECTOR_GP
	SAVE_REGS
	jmp	entry_from_user\sfx

	.globl	intr_enter_frame\sfx
intr_enter_frame\sfx:
	and	$-16, %rsp
	mov	%rdi, %rbx
	call	*intr_return_hook(%rip)
	mov	%rbx, %rsp
	jmp	exit_to_user\sfx

	/* RCX: RIP; R11: RFLAGS; interrupts off by SFMASK. */
	.balign	64
	.globl	entry_syscall\sfx
entry_syscall\sfx:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	mov	%gs:CPU_KERNEL_RSP, %rsp
	pushq	$SEL_USER_DS
	pushq	%gs:CPU_USER_RSP
	push	%r11
	pushq	$SEL_USER_CS
	push	%rcx
	pushq	$0
	pushq	$VECTOR_SYSCALL
	SAVE_REGS
	.if	\mit
	MIT_ENTER_KERNEL
	lfence
	.endif
	mov	%rsp, %rdi
	call	*intr_syscall_handler(%rip)
	call	*intr_return_hook(%rip)
	/*
	 * SYSRET takes RIP from RCX and RFLAGS from R11, and loads fixed selectors. With an RIP that is no address it would fault in
	 * ring 0 with the user's RSP (Intel), and with TF or RF set it does not do what IRET does.
	 */
	mov	FRAME_RIP(%rsp), %rcx
	mov	FRAME_RFLAGS(%rsp), %r11
	cmp	FRAME_RCX(%rsp), %rcx
	jne	exit_to_user\sfx
	cmp	FRAME_R11(%rsp), %r11
	jne	exit_to_user\sfx
	mov	%rcx, %rax
	shr	$47, %rax
	jnz	exit_to_user\sfx
	test	$(RFLAGS_TF | RFLAGS_RF), %r11d
	jnz	exit_to_user\sfx
	cmpl	$VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
	jne	exit_to_user\sfx
	.if	\mit
	MIT_LEAVE_KERNEL
	.endif
	RESTORE_REGS
	mov	FRAME_RSP - FRAME_VECTOR(%rsp), %rsp
	.if	\mit
	MIT_CLEAR_BUFFERS MIT_VERW_RING3
	.endif
	swapgs
	sysretq

	.balign	16
entry_paranoid\sfx:
	SAVE_REGS
	CLEAR_AC
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	/* Ring 3 has any GS base it likes, but the kernel's is this CPU's area. %r12 and %r13 are kept by C. */
	cmp	FRAME_SIZE(%rsp), %rax
	je	1f
	inc	%r12d
	swapgs
1:
	.if	\mit
	MIT_ENTER_SAVING %r13d
	.endif
	lfence
	mov	%rsp, %rdi
	call	intr_dispatch
	.if	\mit
	MIT_LEAVE_RESTORING %r13d
	.endif
	test	%r12d, %r12d
	jz	2f
	swapgs
2:	RESTORE_REGS
	add	$16, %rsp
	.if	\mit
	MIT_CLEAR_BUFFERS MIT_VERW_RING3
	.endif
	iretq

	.endm

	ENTRIES	0,
	ENTRIES	1, _mitigated

	/* SYSCALL from 32-bit code, which no descriptor of ours allows: nothing happens. */
	.globl	entry_syscall32
entry_syscall32:
	mov	$-38, %eax
	sysretl

	.section .note.GNU-stack, "", @progbits
