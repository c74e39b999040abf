/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step of the stub.
 */
	.section .text.jump, "ax"
	.code64
	/* Within one page, whatever that page is: handoff.c maps one. */
	.balign	64
	.globl	stub_jump
/* %rdi = page tables, %rsi = entry, %rdx = boot_params. */
stub_jump:
	cli
	cld
	mov	%rdi, %cr3
	mov	%rsi, %rax
	mov	%rdx, %rsi
	jmp	*%rax
