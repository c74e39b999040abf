// SPDX-License-Identifier: GPL-2.0-or-later
// Real mode: from long mode down to 16-bit code without a BIOS, which runs its checks (segment
// arithmetic, interrupts through its own table, string instructions, exceptions, an unreal-mode
// segment) and comes back to long mode with a word of result bits. Several round trips.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "real";

/* Bits of the result. */
#define OK_STARTED  0x0001
#define OK_SEGMENTS 0x0002
#define OK_INT      0x0004
#define OK_DIVIDE   0x0008
#define OK_STRING   0x0010
#define OK_FAR_CALL 0x0020
#define OK_FLAGS    0x0040
#define OK_UNREAL   0x0080
#define OK_PORT     0x0100
#define OK_CPUID    0x0200
#define OK_TIMER    0x0400
#define OK_WRAP     0x0800

#define RESULT 0x13ff0 /* a word in low memory */

/*
 * The blob runs at REAL_START (segment 0x1200). DS = ES = SS = CS there; the interrupt table is at
 * 0. go_real is called in long mode.
 */
__asm__(".text\n"
	"	.globl go_real\n"
	"go_real:\n"
	"	pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
	"	movq %rsp, saved_rsp\n"
	"	sidt saved_idt\n"
	"	ljmp *to_compat\n"
	"to_compat: .long in_compat; .word 0x18\n"
	"	.code32\n"
	"in_compat:\n"
	"	movl %cr0, %eax\n"
	"	andl $0x7fffffff, %eax\n"
	"	movl %eax, %cr0\n" /* paging off: long mode is left */
	"	movl $0xc0000080, %ecx\n"
	"	rdmsr\n"
	"	andl $~0x100, %eax\n"
	"	wrmsr\n"
	"	movl $0x28, %eax\n" /* SEL_DATA16 */
	"	movl %eax, %ds; movl %eax, %es; movl %eax, %ss\n"
	"	ljmpl $0x20, $(real16 - real_blob)\n" /* SEL_CODE16 */
	"	.code64\n"
	"	.code32\n"
	"back32:\n"
	"	movl $0x10, %eax\n"
	"	movl %eax, %ds; movl %eax, %es; movl %eax, %ss\n"
	"	movl $0xc0000080, %ecx\n"
	"	rdmsr\n"
	"	orl $0x100, %eax\n"
	"	wrmsr\n"
	"	movl %cr0, %eax\n"
	"	orl $0x80000000, %eax\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $0x08, $back64\n"
	"	.code64\n"
	"back64:\n"
	"	movq saved_rsp, %rsp\n"
	"	lidt saved_idt\n"
	"	popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
	"	ret\n"

	"	.code16\n"
	"	.globl real_blob, real_blob_end\n"
	"real_blob:\n"
	"real16:\n"
	"	movl %cr0, %eax\n"
	"	andl $0xfffffffe, %eax\n"
	"	movl %eax, %cr0\n"
	"	ljmp $0x1200, $(real_cs - real_blob)\n"
	"real_cs:\n"
	"	movw %cs, %ax\n"
	"	movw %ax, %ds; movw %ax, %es; movw %ax, %ss\n"
	"	movw $0x1f00, %sp\n"
	"	lidtl %cs:(real_idt - real_blob)\n"
	"	movw $0x0001, %bp\n" /* OK_STARTED; BP collects */

	/* Segment arithmetic: 0x1000:0x3000 is 0x1300:0x0000. */
	"	movw $0x1000, %ax; movw %ax, %fs\n"
	"	movw $0x1300, %ax; movw %ax, %gs\n"
	"	movw $0xbeef, %fs:0x3000\n"
	"	cmpw $0xbeef, %gs:0x0000\n"
	"	jne 1f\n"
	"	orw $0x0002, %bp\n"
	"1:\n"
	/* A wrap at 1 MiB does not happen with A20 on: 0xffff:0x0010 is 0x100000. */
	"	movw $0xffff, %ax; movw %ax, %fs\n"
	"	xorw %ax, %ax; movw %ax, %gs\n"
	"	movw $0x1234, %gs:0x0300\n"
	"	movw %fs:0x0310, %ax\n"
	"	movw $0x4321, %gs:0x0300\n"
	"	cmpw %fs:0x0310, %ax\n"
	"	jne 1f\n"
	"	orw $0x0800, %bp\n"
	"1:\n"
	/* INT through the table at 0, IRET. */
	"	xorw %ax, %ax; movw %ax, %fs\n"
	"	movw $(on_int - real_blob), %fs:(0x40 * 4)\n"
	"	movw %cs, %fs:(0x40 * 4 + 2)\n"
	"	movw $(on_divide - real_blob), %fs:0\n"
	"	movw %cs, %fs:2\n"
	"	movw $(on_timer - real_blob), %fs:(0x20 * 4)\n"
	"	movw %cs, %fs:(0x20 * 4 + 2)\n"
	"	xorw %dx, %dx\n"
	"	int $0x40\n"
	"	cmpw $0x1d1d, %dx\n"
	"	jne 1f\n"
	"	orw $0x0004, %bp\n"
	"1:\n"
	/* A divide error: the handler skips the instruction. */
	"	xorw %cx, %cx\n"
	"	movw $5, %ax; xorw %dx, %dx\n"
	"	divw %cx\n"
	"	cmpw $0xdddd, %dx\n"
	"	jne 1f\n"
	"	orw $0x0008, %bp\n"
	"1:\n"
	/* String instructions, both directions. */
	"	cld\n"
	"	movw $(text - real_blob), %si\n"
	"	movw $0x1c00, %di\n"
	"	movw $(text_end - text), %cx\n"
	"	rep movsb\n"
	"	std\n"
	"	movw $(text_end - real_blob - 1), %si\n"
	"	movw $(0x1c00 + text_end - text - 1), %di\n"
	"	movw $(text_end - text), %cx\n"
	"	repe cmpsb\n"
	"	cld\n"
	"	jne 1f\n"
	"	orw $0x0010, %bp\n"
	"1:\n"
	/* A far call to another segment that means the same place. */
	"	lcall $0x1100, $(far_function - real_blob + 0x1000)\n"
	"	cmpw $0x1100, %ax\n"
	"	jne 1f\n"
	"	orw $0x0020, %bp\n"
	"1:\n"
	"	pushw $0x0ed7\n" /* DF, OF, arithmetic flags */
	"	popfw\n"
	"	pushfw\n"
	"	popw %ax\n"
	"	cld\n"
	"	cli\n"
	"	andw $0x0cd5, %ax\n"
	"	cmpw $0x0cd5, %ax\n"
	"	jne 1f\n"
	"	orw $0x0040, %bp\n"
	"1:\n"
	/* An access beyond a limit of 64 KiB: DS as loaded in protected mode has 4 GiB. */
	"	movl %cr0, %eax\n"
	"	lgdtl %cs:(real_gdt - real_blob)\n"
	"	orb $1, %al\n"
	"	movl %eax, %cr0\n"
	"	movw $0x10, %bx\n"
	"	movw %bx, %fs\n"
	"	andb $0xfe, %al\n"
	"	movl %eax, %cr0\n"
	"	movl $0x200000, %ebx\n"
	"	movl $0xcafe0001, %fs:(%ebx)\n"
	"	cmpl $0xcafe0001, %fs:(%ebx)\n"
	"	jne 1f\n"
	"	orw $0x0080, %bp\n"
	"1:\n"
	/* A port that the kernel serves, and an exit. */
	"	inb $0x21, %al\n"
	"	cmpb $0xff, %al\n"
	"	jne 1f\n"
	"	orw $0x0100, %bp\n"
	"1:\n"
	"	xorl %eax, %eax\n"
	"	cpuid\n"
	"	cmpl $1, %eax\n"
	"	jb 1f\n"
	"	orw $0x0200, %bp\n"
	"1:\n"
	/* A timer interrupt through the PIC in real mode, out of HLT. */
	"	movb $0x30, %al; outb %al, $0x43\n"
	"	movb $0x00, %al; outb %al, $0x40\n"
	"	movb $0x08, %al; outb %al, $0x40\n"
	"	movb $0xfe, %al; outb %al, $0x21\n"
	"	xorw %dx, %dx\n"
	"2:	sti\n"
	"	hlt\n"
	"	cli\n"
	"	cmpw $0x7171, %dx\n"
	"	jne 2b\n"
	"	orw $0x0400, %bp\n"
	"	movb $0xff, %al; outb %al, $0x21\n"

	"	movw %bp, 0x1ff0\n" /* RESULT */
	"	movl %cr0, %eax\n"
	"	orb $1, %al\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $0x18, $back32\n"
	"on_int:\n"
	"	movw $0x1d1d, %dx\n"
	"	iretw\n"
	"on_divide:\n"
	"	movw $0xdddd, %dx\n"
	"	movw %sp, %bx\n"
	"	addw $2, %ss:(%bx)\n" /* over the DIV */
	"	iretw\n"
	"on_timer:\n"
	"	movw $0x7171, %dx\n"
	"	movb $0x20, %al\n"
	"	outb %al, $0x20\n"
	"	iretw\n"
	"far_function:\n"
	"	movw %cs, %ax\n"
	"	lretw\n"
	"	.balign 4\n"
	"real_idt: .word 0x3ff; .long 0\n"
	"	.balign 4\n"
	"real_gdt: .word 0x2f; .long gdt\n" /* the runtime's own: 0x10 is flat data */
	"text:	.ascii \"real mode copies and compares this\"\n"
	"text_end:\n"
	"real_blob_end:\n"
	"	.code64\n"
	"	.data\n"
	"	.balign 8\n"
	"saved_rsp: .quad 0\n"
	"saved_idt: .word 0; .quad 0\n"
	"	.text\n");
extern const uint8_t real_blob[], real_blob_end[];
void go_real(void);

static const struct {
	uint16_t bit;
	const char *name;
} results[] = {
	{ OK_STARTED, "real-started" },   { OK_SEGMENTS, "real-segments" },
	{ OK_WRAP, "real-a20" },          { OK_INT, "real-int" },
	{ OK_DIVIDE, "real-divide" },     { OK_STRING, "real-string" },
	{ OK_FAR_CALL, "real-far-call" }, { OK_FLAGS, "real-flags" },
	{ OK_UNREAL, "real-unreal" },     { OK_PORT, "real-port" },
	{ OK_CPUID, "real-cpuid" },       { OK_TIMER, "real-timer" },
};

void guest_main(void)
{
	volatile uint16_t *result = (volatile uint16_t *)RESULT;
	uint64_t gs = rdmsr(MSR_GS_BASE);
	unsigned rounds = 0;

	memcpy((void *)REAL_START, real_blob, (size_t)(real_blob_end - real_blob));
	*result = 0;
	go_real();
	wrmsr(MSR_GS_BASE, gs);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		check(*result & results[i].bit, results[i].name, "result 0x%x", *result);
	for (; rounds < 50; rounds++) {
		uint16_t first = *result;

		*result = 0;
		go_real();
		wrmsr(MSR_GS_BASE, gs);
		if (*result != first)
			break;
	}
	CHECK_EQ("real-round-trips", rounds, 50);
}
