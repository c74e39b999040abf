/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A multiboot kernel that plays a 64-bit boot loader (see loader64.c): goes to long mode with an
 * identity map of the first 512 GiB in 1G pages and calls loader_main(multiboot information). On a
 * CPU with five-level paging it is on.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x2 /* with a memory map */

	.section .multiboot, "a"
	.balign	4
	.long	MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.text
	.code32
	.globl	_start
_start:
	cli
	mov	$stack_top, %esp
	mov	%ebx, %edi
	/* pml4[0] -> pdpt; pdpt[i] = i GiB */
	movl	$(pdpt + 3), pml4
	mov	$0x83, %eax
	xor	%edx, %edx
	xor	%ecx, %ecx
1:	mov	%eax, pdpt(, %ecx, 8)
	mov	%edx, pdpt + 4(, %ecx, 8)
	add	$0x40000000, %eax
	adc	$0, %edx
	inc	%ecx
	cmp	$512, %ecx
	jb	1b
	movl	$(pml4 + 3), pml5
	mov	$0x20, %esi		/* CR4.PAE */
	mov	$pml4, %ebp
	xor	%eax, %eax
	cpuid
	cmp	$7, %eax
	jb	2f
	mov	$7, %eax
	xor	%ecx, %ecx
	cpuid
	bt	$16, %ecx		/* LA57 */
	jnc	2f
	or	$0x1000, %esi
	mov	$pml5, %ebp
2:	mov	%esi, %cr4
	mov	%ebp, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	$0x80000011, %eax
	mov	%eax, %cr0
	lgdt	gdt_ptr
	ljmp	$8, $3f
	.code64
3:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%edi, %edi
	call	loader_main
4:	hlt
	jmp	4b

	.globl	jump_to_kernel
/* jump_to_kernel(entry, boot_params): %rsi is in place. */
jump_to_kernel:
	jmp	*%rdi

	.data
	.balign	8
gdt:	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_ptr: .word	23
	.long	gdt

	.bss
	.balign	4096
pml5:	.space	4096
pml4:	.space	4096
pdpt:	.space	4096
	.space	16384
stack_top:
