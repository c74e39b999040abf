/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What C cannot: its own CALLs and RETs would be in the way. */
#include "cpu/mitigations_asm.h"

	.text
	.balign	64
	.globl	mitigations_fill_rsb
mitigations_fill_rsb:
	MIT_FILL_RSB %eax
	ret

	.section .rodata
	.balign	2
	.globl	mitigations_selector
mitigations_selector:
	.word	SEL_KERNEL_DS

	.section .note.GNU-stack, "", @progbits
