/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-mode part of the image: the Linux/x86 boot protocol's header and the code behind it.
 *
 * A BIOS loader puts this at some segment X, fills in the header and jumps to X:0x200. The code
 * collects what only the BIOS knows (the E820 map), opens A20, enters protected mode and jumps to
 * code32_start with %esi = boot_params, exactly as a loader that uses the 32-bit entry does.
 * The first 0x1f1 bytes hold the PE/COFF headers of the EFI image, written by pack.py.
 *
 * Manual: "The Linux/x86 Boot Protocol", sections "The Real-Mode Kernel Header" and "Running the
 * Kernel".
 */

#define SETUP_MAGIC	0x5a5aaa55
#define LOADED_HIGH	0x01
#define XLF_KERNEL_64	0x0001
#define XLF_ABOVE_4G	0x0002
#define XLF_HANDOVER_64	0x0008

/* Offsets in boot_params ("zero page"). */
#define BP_HDR		0x1f1
#define BP_E820_ENTRIES 0x1e8
#define BP_E820_TABLE	0x2d0
#define BP_SIZE		4096
#define E820_MAX	128
#define E820_ENTRY_SIZE 20
#define HDR_CODE32	0x214

#define BOOT_CS		0x10
#define BOOT_DS		0x18

	.code16
	.section .header, "ax"
	.globl	_start
_start:
	.org	BP_HDR - 2
	.byte	0xff, 0xff		/* sentinel: a loader that copies this did not zero boot_params */
	.globl	hdr, hdr_end
hdr:
setup_sects:	.byte	0		/* pack.py */
root_flags:	.word	0
syssize:	.long	0		/* pack.py */
ram_size:	.word	0
vid_mode:	.word	0xffff
root_dev:	.word	0
boot_flag:	.word	0xaa55
	/* 0x200: the loader jumps here; two bytes, the displacement tells the header's size. */
	.byte	0xeb, hdr_end - 1f
1:
magic:		.ascii	"HdrS"
version:	.word	0x020f
realmode_swtch:	.long	0
start_sys_seg:	.word	0
kernel_version:	.word	version_string - 0x200
type_of_loader:	.byte	0
loadflags:	.byte	LOADED_HIGH
setup_move_size: .word	0x8000
code32_start:	.long	0x100000
ramdisk_image:	.long	0
ramdisk_size:	.long	0
bootsect_kludge: .long	0
heap_end_ptr:	.word	setup_end + 1024 - 0x200
ext_loader_ver:	.byte	0
ext_loader_type: .byte	0
cmd_line_ptr:	.long	0
initrd_addr_max: .long	0x7fffffff
kernel_alignment: .long	0x1000
relocatable_kernel: .byte 1
min_alignment:	.byte	12		/* 2^12: any page */
xloadflags:	.word	XLF_KERNEL_64 | XLF_ABOVE_4G | XLF_HANDOVER_64
cmdline_size:	.long	2047
hardware_subarch: .long	0
hardware_subarch_data: .quad 0
payload_offset:	.long	0
payload_length:	.long	0
setup_data:	.quad	0
pref_address:	.quad	0x1000000
init_size:	.long	0		/* pack.py */
handover_offset: .long	0		/* pack.py */
kernel_info_offset: .long 0
hdr_end:

	.section .text16, "ax"
	.globl	setup_start
setup_start:
	jmp	start_of_setup

version_string:
	.asciz	"Strata"

/*
 * %ds is the segment the loader put us in (X), %cs is X + 0x20. Our labels are relative to X.
 */
start_of_setup:
	cli
	cld
	mov	%ds, %ax
	mov	%ax, %es
	mov	%ax, %ss
	mov	$setup_stack_top, %esp
	sti
	/* Continue with %cs = %ds, so that labels are the same in both. */
	push	%ax
	push	$1f
	lretw
1:
	cmpl	$SETUP_MAGIC, setup_sig
	mov	$msg_truncated, %si
	jne	die

	mov	$setup_bss, %di
	mov	$setup_bss_words, %cx
	xor	%ax, %ax
	rep stosw

	mov	$hdr, %si
	mov	$boot_params + BP_HDR, %di
	mov	$hdr_end - hdr, %cx
	rep movsb

	call	read_e820
	call	open_a20
	mov	$msg_a20, %si
	jc	die
	jmp	enter_protected_mode

/* System memory map, "INT 15h, AX=E820h". What the BIOS answers is judged later, in C. */
read_e820:
	mov	$boot_params + BP_E820_TABLE, %di
	xor	%ebx, %ebx
	xor	%bp, %bp
1:
	mov	$0xe820, %eax
	mov	$E820_ENTRY_SIZE, %ecx
	mov	$0x534d4150, %edx	/* 'SMAP' */
	push	%bp
	push	%di
	int	$0x15
	pop	%di
	pop	%bp
	cld
	jc	2f
	cmp	$0x534d4150, %eax
	jne	2f
	inc	%bp
	add	$E820_ENTRY_SIZE, %di
	test	%ebx, %ebx
	jz	2f
	cmp	$E820_MAX, %bp
	jb	1b
2:
	mov	%bp, %ax
	mov	%al, boot_params + BP_E820_ENTRIES
	ret

/* Opens A20 by the BIOS, the system control port and the keyboard controller, in this order. */
open_a20:
	call	a20_open
	jnc	9f
	mov	$0x2401, %ax
	int	$0x15
	cli
	call	a20_open
	jnc	9f
	in	$0x92, %al
	or	$0x02, %al
	and	$0xfe, %al
	out	%al, $0x92
	call	a20_open
	jnc	9f
	call	kbc_wait
	mov	$0xd1, %al		/* write output port */
	out	%al, $0x64
	call	kbc_wait
	mov	$0xdf, %al		/* A20 on */
	out	%al, $0x60
	call	kbc_wait
	call	a20_open
9:
	ret

/* Waits until the keyboard controller takes a byte; bounded, as it may not exist. */
kbc_wait:
	mov	$0xffff, %cx
1:
	in	$0x64, %al
	test	$0x02, %al
	loopnz	1b
	ret

/* CF clear when 0000:0200 and ffff:0210 are different memory. Tries a while: A20 can be slow. */
a20_open:
	push	%ds
	push	%es
	xor	%ax, %ax
	mov	%ax, %ds
	dec	%ax
	mov	%ax, %es
	mov	$0x1000, %cx
	mov	0x200, %dx
	mov	%dx, %ax
1:
	inc	%ax
	mov	%ax, 0x200
	out	%al, $0x80		/* a short delay */
	cmp	%es:0x210, %ax
	jne	2f
	loop	1b
	mov	%dx, 0x200
	stc
	jmp	3f
2:
	mov	%dx, 0x200
	clc
3:
	pop	%es
	pop	%ds
	ret

enter_protected_mode:
	cli
	mov	$0x80, %al		/* NMI off until the kernel has an IDT */
	out	%al, $0x70
	mov	$0xff, %al		/* both PICs masked */
	out	%al, $0xa1
	out	%al, $0x21

	xor	%ebx, %ebx
	mov	%ds, %bx
	shl	$4, %ebx		/* our linear base */
	lea	gdt(%ebx), %eax
	mov	%eax, gdt_ptr + 2
	lgdtl	gdt_ptr
	lidtl	idt_ptr
	lea	boot_params(%ebx), %esi
	lea	in_protected_mode(%ebx), %eax
	mov	%eax, far_target
	mov	code32_start, %edx
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	*far_target

	.code32
in_protected_mode:
	mov	$BOOT_DS, %ecx
	mov	%ecx, %ds
	mov	%ecx, %es
	mov	%ecx, %fs
	mov	%ecx, %gs
	mov	%ecx, %ss
	lea	setup_stack_top(%ebx), %esp
	xor	%ebx, %ebx
	xor	%edi, %edi
	xor	%ebp, %ebp
	jmp	*%edx

	.code16
/* %si = message. No console of ours exists yet: the BIOS prints. */
die:
	lodsb
	test	%al, %al
	jz	1f
	mov	$0x0e, %ah
	mov	$7, %bx
	int	$0x10
	jmp	die
1:
	cli
	hlt
	jmp	1b

msg_truncated:	.asciz	"strata: the loader read too little of the image\r\n"
msg_a20:	.asciz	"strata: cannot open address line A20\r\n"

	.section .data16, "aw"
	.balign	8
gdt:
	.quad	0
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x10: flat code */
	.quad	0x00cf93000000ffff	/* 0x18: flat data */
gdt_end:
gdt_ptr:
	.word	gdt_end - gdt - 1
	.long	0
idt_ptr:
	.word	0
	.long	0
far_target:
	.long	0
	.word	BOOT_CS

	.section .signature, "a"
setup_sig:
	.long	SETUP_MAGIC

	.section .bss16, "aw", @nobits
	.balign	16
boot_params:
	.space	BP_SIZE
	.space	1024
setup_stack_top:
