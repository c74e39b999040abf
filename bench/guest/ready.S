# SPDX-License-Identifier: GPL-2.0-or-later
# A multiboot guest that says `ready` on COM1 with its first instructions and then spins: how long it takes until a VM
# runs, and what memory there is beside the guest's while it does.
	.code32
	.section .text
	.balign	4
	.long	0x1badb002, 0, -0x1badb002
	.globl	_start
_start:
	movl	$text, %esi
	movl	$(end - text), %ecx
	movw	$0x3f8, %dx
	cld
	rep outsb
1:	jmp	1b
text:	.ascii	"ready\r\n"
end:
