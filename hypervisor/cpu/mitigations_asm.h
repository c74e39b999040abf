/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of cpu/mitigations.h for assembly, as macros. Each looks by itself at what is in force.
 * A CPU may run past the branch by which it looks, so LFENCE follows before the next indirect
 * branch or RET: the caller's.
 */
#pragma once

#include "cpu/entry_regs.h"
#include "cpu/mitigations.h"

#ifdef __ASSEMBLER__

/* SPEC_CTRL := a field of `mitigations`. Takes RAX, RCX, RDX. */
.macro	MIT_SET_SPEC_CTRL field
	mov	mitigations + \field(%rip), %eax
	xor	%edx, %edx
	mov	$MSR_SPEC_CTRL, %ecx
	wrmsr
	.endm

	/* From ring 3, and back to it: before its registers are loaded. Take RAX, RCX, RDX. */
	.macro	MIT_ENTER_KERNEL
	testl	$MIT_SPEC_CTRL_RING3, mitigations + MITIGATIONS_USE(%rip)
	jz	.Lmit\@
	MIT_SET_SPEC_CTRL MITIGATIONS_SPEC_CTRL
.Lmit\@:
	.endm

	.macro	MIT_LEAVE_KERNEL
	testl	$MIT_SPEC_CTRL_RING3, mitigations + MITIGATIONS_USE(%rip)
	jz	.Lmit\@
	MIT_SET_SPEC_CTRL MITIGATIONS_SPEC_CTRL_RING3
.Lmit\@:
	.endm

	/* From anywhere: \save := SPEC_CTRL as it is found, and back. Take RAX, RCX, RDX. */
	.macro	MIT_ENTER_SAVING save
	testl	$MIT_SPEC_CTRL_RING3, mitigations + MITIGATIONS_USE(%rip)
	jz	.Lmit\@
	mov	$MSR_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, \save
	MIT_SET_SPEC_CTRL MITIGATIONS_SPEC_CTRL
.Lmit\@:
	.endm

	.macro	MIT_LEAVE_RESTORING save
	testl	$MIT_SPEC_CTRL_RING3, mitigations + MITIGATIONS_USE(%rip)
	jz	.Lmit\@
	mov	$MSR_SPEC_CTRL, %ecx
	mov	\save, %eax
	xor	%edx, %edx
	wrmsr
.Lmit\@:
	.endm

	/* The last thing before what is not to see our data: VERW with a memory operand overwrites the CPU's buffers (Intel, "Microarchitectural
	 * Data Sampling"; AMD, "Transient Scheduler Attacks"). Changes flags only. */
	.macro	MIT_CLEAR_BUFFERS flag
	testl	$\flag, mitigations + MITIGATIONS_USE(%rip)
	jz	.Lmit\@
	verw	mitigations_selector(%rip)
.Lmit\@:
	.endm

	/* 32 entries of the return predictor lead to a place that waits. Takes \count. */
	.macro	MIT_FILL_RSB count
	mov	$16, \count
.Lnext\@:
	call	.Lone\@
.Ltrap\@:
	pause
	lfence
	jmp	.Ltrap\@
.Lone\@:
	call	.Ltwo\@
	jmp	.Ltrap\@
.Ltwo\@:
	add	$16, %rsp
	dec	\count
	jnz	.Lnext\@
	lfence
	.endm

#endif
