# SPDX-License-Identifier: GPL-2.0-or-later
# A multiboot guest that ends at once by the debug-exit port: what it takes to start a VM and to end it.
	.code32
	.section .text
	.balign	4
	.long	0x1badb002, 0, -0x1badb002
	.globl	_start
_start:
	xorl	%eax, %eax
	movw	$0xf4, %dx
	outl	%eax, %dx
1:	hlt
	jmp	1b
