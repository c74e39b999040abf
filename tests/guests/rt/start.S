/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a multiboot loader (32-bit, no paging) or from a start-up IPI (16-bit) to rt_start() or
 * rt_ap_start() in long mode, with the first 4 GiB mapped one to one by 2 MiB pages.
 */
#include "tests/guests/rt/layout.h"

#define CR0_PE_NE_WP_PG 0x80010021
#define CR4_PAE_OSFXSR  0x620 /* PAE, OSFXSR, OSXMMEXCPT */
#define EFER_SCE_LME_NX 0x901

	.section .multiboot, "ax"
	.code32
	.balign 4
	.long 0x1badb002, 0x00000003, -(0x1badb002 + 0x00000003)

	.globl _start
_start:
	cli
	cld
	movl $boot_stack_end, %esp
	movl %eax, %ebp		/* magic and information: kept until rt_start */
	movl %ebx, %esi

	/* Four page directories of 2 MiB pages. */
	movl $page_directories, %edi
	xorl %ecx, %ecx
1:	movl %ecx, %eax
	shll $21, %eax
	orl $0x83, %eax
	movl %eax, (%edi, %ecx, 8)
	movl $0, 4(%edi, %ecx, 8)
	incl %ecx
	cmpl $2048, %ecx
	jne 1b
	movl $page_directories + 3, %eax
	movl %eax, page_pointers
	addl $4096, %eax
	movl %eax, page_pointers + 8
	addl $4096, %eax
	movl %eax, page_pointers + 16
	addl $4096, %eax
	movl %eax, page_pointers + 24
	movl $page_pointers + 3, page_root

	lgdt gdt_pointer
	call enable_long_mode
	ljmpl $SEL_CODE64, $1f
	.code64
1:	call load_data_segments
	movl %ebp, %edi
	movl %esi, %esi
	xorl %ebp, %ebp
	call rt_start
2:	hlt
	jmp 2b

	.text
	.code32
enable_long_mode:
	movl $CR4_PAE_OSFXSR, %eax
	movl %eax, %cr4
	movl $page_root, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	movl $EFER_SCE_LME_NX, %eax
	xorl %edx, %edx
	wrmsr
	movl $CR0_PE_NE_WP_PG, %eax
	movl %eax, %cr0
	ret

	.code64
load_data_segments:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	ret

/* ---- other CPUs: copied to AP_START, entered in real mode with CS = AP_START / 16 ---- */
	.code16
	.globl ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl (ap_gdt_pointer - ap_trampoline)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $SEL_CODE32, $ap_protected
	.balign 4
ap_gdt_pointer:
	.word GDT_SIZE - 1
	.long gdt
ap_trampoline_end:

	.code32
ap_protected:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl ap_stack, %esp
	call enable_long_mode
	ljmpl $SEL_CODE64, $1f
	.code64
1:	call load_data_segments
	xorl %ebp, %ebp
	call rt_ap_start
2:	hlt
	jmp 2b

/* ---- exceptions and interrupts ---- */
	.altmacro
	.macro stub n
	.balign 16
	.if (\n == 8) || (\n >= 10 && \n <= 14) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30)
	.else
	pushq $0
	.endif
	pushq $\n
	jmp stub_common
	.endm
	.balign 16
	.globl idt_stubs
idt_stubs:
	.set i, 0
	.rept 256
	stub %i
	.set i, i + 1
	.endr

stub_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	cld
	/* The handler's stack is aligned however the stack was before. */
	movq %rsp, %rbx
	andq $-16, %rsp
	call rt_trap
	movq %rbx, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

/*
 * int catch_call(fn, arg, uint64_t *resume_rsp): calls fn(arg); 0 when it returned. rt_trap returns
 * to catch_resume, with RSP as it was saved and the vector in EAX, when an exception came.
 */
	.globl catch_call, catch_resume
catch_call:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rdx
	movq %rsp, (%rdx)
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	movl $-1, %eax
catch_resume:
	popq %rdx
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.data
	.balign 16
	.globl gdt
gdt:	.quad 0
	.quad 0x00af9b000000ffff	/* SEL_CODE64 */
	.quad 0x00cf93000000ffff	/* SEL_DATA */
	.quad 0x00cf9b000000ffff	/* SEL_CODE32 */
	.quad 0x00009b012000ffff	/* SEL_CODE16: base REAL_START */
	.quad 0x000093012000ffff	/* SEL_DATA16: the same */
	.quad 0x00cff3000000ffff	/* SEL_USER_DATA */
	.quad 0x00affb000000ffff	/* SEL_USER_CODE */
	.fill (GDT_SIZE - (. - gdt)) / 8, 8, 0	/* SEL_TSS on: one for each CPU */
	.globl gdt_pointer
gdt_pointer:
	.word GDT_SIZE - 1
	.quad gdt
	.globl ap_stack
	.balign 8
ap_stack:
	.quad 0

	.bss
	.balign 4096
	.globl page_root, page_pointers, page_directories
page_root:	.skip 4096
page_pointers:	.skip 4096
page_directories: .skip 4 * 4096
	.globl boot_stack_end
	.skip 16384
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
