/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 32-bit and 64-bit entries of the boot protocol, at offsets 0 and 0x200 of the image. Both run
 * where the loader put the image (any 4K-aligned address) and meet in the 64-bit one, which builds
 * the early page tables and continues in C at the linked address:
 *
 *   image          4K pages, each group of sections with its own rights (W^X)
 *   direct map     the first 4 GiB, 2M pages, no execution
 *   identity       one 2M page around the code that switches; boot_entry() removes it
 *
 * Manual: "The Linux/x86 Boot Protocol", sections "32-bit BOOT PROTOCOL" and "64-bit BOOT
 * PROTOCOL".
 */
#include "boot/layout.h"

#define PTE_P		0x001
#define PTE_W		0x002
#define PTE_PS		0x080
#define PTE_NX_BIT	63
#define PAGE		4096

#define CR0_PE		(1 << 0)
#define CR0_MP		(1 << 1)
#define CR0_ET		(1 << 4)
#define CR0_NE		(1 << 5)
#define CR0_WP		(1 << 16)
#define CR0_PG		(1 << 31)
#define CR4_PAE		(1 << 5)
#define CR4_LA57	(1 << 12)
#define MSR_EFER	0xc0000080
#define EFER_LME	(1 << 8)
#define EFER_NXE	(1 << 11)

#define COM1		0x3f8

/* The distance of a symbol from the start of the image. */
#define OFF(sym)	((sym) - startup_32)

	.section .head.text, "ax"
	.code32
	.globl	startup_32
/* %esi = boot_params, flat segments, paging off. */
startup_32:
	cli
	cld
	/* Where are we? The protocol leaves no stack: borrow 4 bytes of boot_params' scratch. */
	lea	0x1e8(%esi), %esp
	call	1f
1:	pop	%ebp
	sub	$OFF(1b), %ebp

	lea	OFF(boot_stack_top)(%ebp), %esp
	call	check_long_mode

	/* The pointer stands on the stack: the image must stay as it is until it has been summed up. */
	lea	OFF(boot_gdt)(%ebp), %eax
	push	%eax
	pushw	$(boot_gdt_end - boot_gdt - 1)
	lgdt	(%esp)
	add	$6, %esp

	/*
	 * Identity for the first 4 GiB: the direct map's own tables below a top level of its own.
	 * They are filled once more, with the same values, at startup_64.
	 */
	lea	OFF(boot32_pml4)(%ebp), %edi
	xor	%eax, %eax
	mov	$(PAGE / 4), %ecx
	rep stosl
	lea	OFF(direct_pdpt)(%ebp), %edi
	mov	$(PAGE / 4), %ecx
	rep stosl

	lea	OFF(direct_pdpt) + PTE_P + PTE_W(%ebp), %eax
	mov	%eax, OFF(boot32_pml4)(%ebp)

	lea	OFF(direct_pds) + PTE_P + PTE_W(%ebp), %eax
	lea	OFF(direct_pdpt)(%ebp), %edi
	mov	$4, %ecx
2:	mov	%eax, (%edi)
	add	$PAGE, %eax
	add	$8, %edi
	loop	2b

	mov	$(PTE_P | PTE_W | PTE_PS), %eax
	lea	OFF(direct_pds)(%ebp), %edi
	mov	$2048, %ecx
3:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	3b

	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	lea	OFF(boot32_pml4)(%ebp), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	lea	OFF(startup_64)(%ebp), %eax
	push	$BOOT_CS64
	push	%eax
	mov	$(CR0_PG | CR0_PE | CR0_ET | CR0_NE), %eax
	mov	%eax, %cr0
	lret

	/* pack.py makes the sum of all 8-byte words of the image's file part zero. */
	.org	0x1f8
	.globl	image_checksum
image_checksum:
	.quad	0

	/* The 64-bit entry has a fixed place. */
	.org	0x200
	.code64
	.globl	startup_64
/* %rsi = boot_params, a loader's identity map over the image and boot_params, interrupts off. */
startup_64:
	cli
	cld
	mov	%rsi, %r15
	lea	startup_32(%rip), %rbp
	lea	boot_stack_top(%rip), %rsp

	/* Is all of us here? A loader or a network may have cut or changed the image. */
	mov	%rbp, %rsi
	lea	image_file_end(%rip), %rcx
	sub	%rbp, %rcx
	shr	$3, %rcx
	xor	%edx, %edx
1:	add	(%rsi), %rdx
	add	$8, %rsi
	dec	%rcx
	jnz	1b
	test	%rdx, %rdx
	jnz	damaged_image

	lea	bss_start(%rip), %rdi
	lea	bss_end(%rip), %rcx
	call	clear_pages
	lea	boot_tables_start(%rip), %rdi
	lea	boot_tables_end(%rip), %rcx
	call	clear_pages

	/* Image: the page-table entries, then the two levels above them. */
	lea	text_start(%rip), %rax
	lea	text_end(%rip), %rdx
	mov	$PTE_P, %ecx
	call	map_image
	lea	rodata_start(%rip), %rax
	lea	rodata_end(%rip), %rdx
	mov	$PTE_P, %ecx
	bts	$PTE_NX_BIT, %rcx
	call	map_image
	lea	data_start(%rip), %rax
	lea	data_end(%rip), %rdx
	mov	$(PTE_P | PTE_W), %ecx
	bts	$PTE_NX_BIT, %rcx
	call	map_image

	lea	image_pts + PTE_P + PTE_W(%rip), %rax
	lea	image_pd(%rip), %rdi
	mov	$BOOT_IMAGE_PTS, %ecx
	call	fill_table
	lea	image_pd + PTE_P + PTE_W(%rip), %rax
	mov	%rax, image_pdpt + 510 * 8(%rip)
	lea	image_pdpt + PTE_P + PTE_W(%rip), %rax
	mov	%rax, boot_pml4 + 511 * 8(%rip)

	/*
	 * Direct map. Behind the 32-bit entry these tables are live and hold the same already: only
	 * the rest of the PDPT is cleared.
	 */
	lea	direct_pdpt + 4 * 8(%rip), %rdi
	lea	direct_pdpt + PAGE(%rip), %rcx
	call	clear_pages
	/* NX at the top level covers all of it. */
	mov	$(PTE_P | PTE_W | PTE_PS), %eax
	lea	direct_pds(%rip), %rdi
	mov	$2048, %ecx
1:	mov	%rax, (%rdi)
	add	$0x200000, %rax
	add	$8, %rdi
	loop	1b
	lea	direct_pds + PTE_P + PTE_W(%rip), %rax
	lea	direct_pdpt(%rip), %rdi
	mov	$4, %ecx
	call	fill_table
	lea	direct_pdpt + PTE_P + PTE_W(%rip), %rax
	bts	$PTE_NX_BIT, %rax
	mov	%rax, boot_pml4 + 256 * 8(%rip)

	/* Identity: one 2M page, wherever we are. */
	mov	%rbp, %rdx
	call	map_identity

	/* A known machine state, then the switch; this code lies in the image's first page. */
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	mov	%cr4, %rax
	bt	$12, %eax
	jc	five_levels
four_levels:
	mov	$CR4_PAE, %eax
	mov	%rax, %cr4
	lea	boot_pml4(%rip), %rax
	mov	%rax, %cr3
	mov	$(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	mov	%rax, %cr0
	mov	$at_linked_address, %rax
	jmp	*%rax
at_linked_address:
	mov	$boot_stack_top, %rsp
	mov	$boot_gdt, %rax
	push	%rax
	pushw	$(boot_gdt_end - boot_gdt - 1)
	lgdt	(%rsp)
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	lldt	%ax
	mov	$boot_stack_top, %rsp
	pushq	$BOOT_CS64
	pushq	$1f
	lretq
1:
	mov	%r15, %rdi
	mov	%rbp, %rsi
	xor	%ebp, %ebp
	push	%rbp			/* ends a backtrace */
	push	%rbp
	call	boot_entry
2:	hlt
	jmp	2b

/* Clears [%rdi, %rcx). */
clear_pages:
	sub	%rdi, %rcx
	shr	$3, %rcx
	xor	%eax, %eax
	rep stosq
	ret

/* Maps the image's pages [%rax, %rdx) (where they are now) with the rights in %rcx. */
map_image:
	lea	image_pts(%rip), %rdi
	mov	%rax, %rbx
	sub	%rbp, %rbx
	shr	$12, %rbx
1:	cmp	%rdx, %rax
	jae	2f
	mov	%rax, %r8
	or	%rcx, %r8
	mov	%r8, (%rdi, %rbx, 8)
	inc	%rbx
	add	$PAGE, %rax
	jmp	1b
2:	ret

/* %ecx entries at %rdi for consecutive tables, the first one in %rax. */
fill_table:
	mov	%rax, (%rdi)
	add	$PAGE, %rax
	add	$8, %rdi
	loop	fill_table
	ret

/* The 2M page around %rdx, in the tables' identity map, which has room for pages on both sides of a 1G border. */
map_identity:
	mov	%rdx, %rcx
	shr	$39, %rcx
	and	$511, %ecx
	lea	identity_pdpt + PTE_P + PTE_W(%rip), %rax
	lea	boot_pml4(%rip), %rdi
	mov	%rax, (%rdi, %rcx, 8)
	mov	%rdx, %rcx
	shr	$30, %rcx
	and	$511, %ecx
	lea	identity_pd + PTE_P + PTE_W(%rip), %rax
	lea	identity_pdpt(%rip), %rdi
	mov	%rax, (%rdi, %rcx, 8)
	shr	$21, %rdx
	mov	%rdx, %rax
	and	$511, %edx
	shl	$21, %rax
	or	$(PTE_P | PTE_PS), %rax
	lea	identity_pd(%rip), %rdi
	mov	%rax, (%rdi, %rdx, 8)
	ret

/*
 * Firmware has left five-level paging on, which cannot be switched off in 64-bit mode: to compatibility
 * mode, paging off, CR4.LA57 clear, paging on by our own tables. Nothing but the stack survives that: the
 * upper halves of registers, and R8 to R15, are undefined after it (Intel SDM volume 1, "General-Purpose
 * Registers in 64-Bit Mode"). CR4's other bits go first: paging cannot be switched off under PCIDE.
 * Everything here must lie below 4 GiB.
 */
five_levels:
	lea	boot_tables_end(%rip), %rax
	lea	msg_five_levels(%rip), %rbx
	shr	$32, %rax
	jnz	no_start
	/* The stack is used on both sides. */
	lea	boot_stack_top - 8(%rip), %rdx
	call	map_identity
	push	%r15
	push	%rbp
	mov	$(CR4_PAE | CR4_LA57), %eax
	mov	%rax, %cr4
	lea	boot_gdt(%rip), %rax
	push	%rax
	pushw	$(boot_gdt_end - boot_gdt - 1)
	lgdt	(%rsp)
	add	$10, %rsp
	mov	$BOOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	lea	boot_pml4(%rip), %rbx
	lea	five_levels_off(%rip), %rax
	lea	five_levels_gone(%rip), %rdi
	pushq	$BOOT_CS32
	push	%rax
	lretq
five_levels_gone:
	mov	%esp, %esp
	pop	%rbp
	pop	%r15
	jmp	four_levels

	.code32
/* %ebx = tables, %edi = where to go on. */
five_levels_off:
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	%ebx, %cr3
	mov	$(CR0_PG | CR0_PE | CR0_ET | CR0_NE), %eax
	push	$BOOT_CS64
	push	%edi
	mov	%eax, %cr0
	lret
	.code64

/* No console yet, and nothing of the rest may be trusted: this lies in the first page, as the check does. */
damaged_image:
	lea	msg_damaged(%rip), %rbx
/* %rbx = what to say; identity or the loader's map, before the linked address. */
no_start:
	lea	uart_init_table(%rip), %rsi
	mov	$((uart_init_end - uart_init_table) / 2), %ecx
1:	movzbl	(%rsi), %edx
	add	$COM1, %edx
	mov	1(%rsi), %al
	out	%al, %dx
	add	$2, %rsi
	loop	1b
	mov	%rbx, %rsi
2:	mov	$0x100000, %ecx		/* bounded: the UART may not exist */
3:	mov	$(COM1 + 5), %edx
	in	%dx, %al
	test	$0x20, %al
	jnz	4f
	loop	3b
4:	lodsb
	test	%al, %al
	jz	5f
	mov	$COM1, %edx
	out	%al, %dx
	jmp	2b
5:	hlt
	jmp	5b
msg_five_levels:
	.asciz	"strata: cannot start: five-level paging is on, and the image lies above 4 GiB\r\n"
msg_damaged:
	.asciz	"strata: cannot start: the image is damaged or was not loaded whole (wrong checksum)\r\n"

	.code32
/* Returns on a CPU with CPUID and long mode; else one line on COM1 and the end. */
check_long_mode:
	pushfl
	pop	%eax
	mov	%eax, %ecx
	xor	$(1 << 21), %eax	/* ID flag: CPUID exists */
	push	%eax
	popfl
	pushfl
	pop	%eax
	push	%ecx
	popfl
	cmp	%ecx, %eax
	je	no_long_mode
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	bt	$29, %edx		/* LM */
	jnc	no_long_mode
	bt	$20, %edx		/* NX */
	jnc	no_long_mode
	ret

/* No console yet, and C is 64-bit: bring the UART to 115200 8n1 by hand and print. */
no_long_mode:
	lea	OFF(uart_init_table)(%ebp), %esi
	mov	$((uart_init_end - uart_init_table) / 2), %ecx
1:	movzbl	(%esi), %edx
	add	$COM1, %edx
	mov	1(%esi), %al
	out	%al, %dx
	add	$2, %esi
	loop	1b

	lea	OFF(msg_no_long_mode)(%ebp), %esi
2:	mov	$0x100000, %ecx		/* bounded: the UART may not exist */
3:	mov	$(COM1 + 5), %edx
	in	%dx, %al
	test	$0x20, %al
	jnz	4f
	loop	3b
4:	lodsb
	test	%al, %al
	jz	5f
	mov	$COM1, %edx
	out	%al, %dx
	jmp	2b
5:	hlt
	jmp	5b

/* Register, value. */
uart_init_table:
	.byte	1, 0x00, 3, 0x80, 0, 0x01, 1, 0x00, 3, 0x03, 2, 0x07, 4, 0x03
uart_init_end:
msg_no_long_mode:
	.asciz	"strata: this CPU has no 64-bit mode with NX: cannot run\r\n"

/* In the first page too; the accessed bits are set, so that nothing ever writes here. */
	.balign	16
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* BOOT_CS64 */
	.quad	0x00cf93000000ffff	/* BOOT_DS */
	.quad	0x00cf9b000000ffff	/* BOOT_CS32 */
boot_gdt_end:
	.org	0x1000			/* the assembler refuses when the first page is too small */

	.section .boot_tables, "aw", @nobits
	.balign	4096
/* In use while startup_64 clears the rest: the stack, and the tables the 32-bit entry runs on. */
	.globl	boot_stack
boot_stack:
	.space	BOOT_STACK_SIZE
	.globl	boot_stack_top
boot_stack_top:
boot32_pml4:	.space	PAGE
	.globl	direct_pdpt
direct_pdpt:	.space	PAGE
direct_pds:	.space	4 * PAGE
boot_tables_start:
	.globl	boot_pml4
boot_pml4:	.space	PAGE
image_pdpt:	.space	PAGE
image_pd:	.space	PAGE
	.globl	image_pts
image_pts:	.space	BOOT_IMAGE_PTS * PAGE
identity_pdpt:	.space	PAGE
identity_pd:	.space	PAGE
	.globl	boot_spare_tables
boot_spare_tables: .space BOOT_SPARE_PTS * PAGE
boot_tables_end:
