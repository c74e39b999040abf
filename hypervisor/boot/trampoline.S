/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a started CPU begins: real mode, at the start of a page below 1 MiB that holds a copy of
 * this. It goes to long mode in one step on the kernel's page tables, takes the stack that was left
 * for it and calls C. A CPU that comes when none is expected (it was given up on) halts.
 *
 * Manual: "Long-Mode Initialization Example" in volume 2 of the AMD64 manual.
 */
#include "boot/layout.h"
#include "boot/trampoline.h"

#define CR0_PE	  (1 << 0)
#define CR0_MP	  (1 << 1)
#define CR0_ET	  (1 << 4)
#define CR0_NE	  (1 << 5)
#define CR0_WP	  (1 << 16)
#define CR0_PG	  (1 << 31)
#define CR4_PAE	  (1 << 5)
#define CR4_PGE	  (1 << 7)
#define MSR_EFER  0xc0000080
#define EFER_LME  (1 << 8)
#define EFER_NXE  (1 << 11)

#define OFF(label) ((label) - trampoline_start)
#define PARAM(off) (TRAMPOLINE_PARAMS + (off))

	.section .rodata.trampoline, "a"
	.balign	16
	.globl	trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	xor	%ebx, %ebx
	mov	%ax, %bx
	shl	$4, %ebx		/* our physical address */

	xor	%eax, %eax
	lock xchg %eax, PARAM(TRAMPOLINE_ARMED)
	test	%eax, %eax
	jz	not_expected

	lea	OFF(gdt)(%ebx), %eax
	mov	%eax, OFF(gdt_ptr) + 2
	lgdtl	OFF(gdt_ptr)
	lea	OFF(in_long_mode)(%ebx), %eax
	mov	%eax, OFF(far_target)

	mov	$(CR4_PAE | CR4_PGE), %eax
	mov	%eax, %cr4
	mov	PARAM(TRAMPOLINE_CR3), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	mov	$(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	mov	%eax, %cr0
	ljmpl	*OFF(far_target)

not_expected:
	cli
	hlt
	jmp	not_expected

	.code64
in_long_mode:
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	PARAM(TRAMPOLINE_STACK)(%rbx), %rsp
	mov	PARAM(TRAMPOLINE_ENTRY)(%rbx), %rax
	xor	%ebp, %ebp
	push	%rbp
	push	%rbp			/* ends a backtrace, keeps the stack aligned */
	call	*%rax
	ud2

	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* BOOT_CS64 */
	.quad	0x00cf93000000ffff	/* BOOT_DS */
gdt_end:
gdt_ptr:
	.word	gdt_end - gdt - 1
	.long	0
far_target:
	.long	0
	.word	BOOT_CS64
trampoline_end:
