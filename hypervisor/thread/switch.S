/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch of stacks. It is an ordinary call, so only the registers that a function preserves are kept; flags are the same
 * on both sides (interrupts off, AC clear). A new thread's stack looks as if it had called it: six registers and a return address.
 */
	.text
	.globl	thread_switch_stack
	.type	thread_switch_stack, @function
thread_switch_stack:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	thread_switch_stack, . - thread_switch_stack

	.globl	thread_first_return
	.type	thread_first_return, @function
thread_first_return:
	/* The end of the chain of frames, for backtraces. */
	xor	%ebp, %ebp
	push	$0
	jmp	thread_begin
	.size	thread_first_return, . - thread_first_return

	.section .note.GNU-stack, "", @progbits
