// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/emu/emu.c mgmt/vmm/emu/paging.c mgmt/vmm/emu/access.c mgmt/vmm/emu/decode.c
// TEST-WITH: mgmt/vmm/emu/alu.c mgmt/vmm/emu/string.c mgmt/vmm/emu/execute.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/emu/capstone_x86.c
// TEST-LIBS: -lcapstone
// Each instruction runs on this CPU and in the emulator, from the same random registers and memory,
// over memory, over a device and across the border of both: registers, flags and bytes must agree.

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "lib/types.h"
#include "tests/host/rand.h"
#include "vmm/emu/machine_test.h"

#define ROUNDS 300

/* Flags that an instruction leaves undefined. */
#define ALL_DEFINED 0
#define NO_AF       0x010
#define NO_BITS     0x894 /* OF SF AF PF */

/*
 * In each instruction rbx points into the data, rdx is an index of 0..7, rsi and rdi point into the
 * data, rcx counts up to 15, rax and the others are random.
 */
#define INSTRUCTIONS(X)                       \
	X("movb %al, (%rbx)", 0)              \
	X("movb %ah, 5(%rbx)", 0)             \
	X("movw %ax, (%rbx,%rdx,2)", 0)       \
	X("movl %r9d, -8(%rbx,%rdx,4)", 0)    \
	X("movq %r15, (%rbx,%rdx,8)", 0)      \
	X("movb (%rbx), %al", 0)              \
	X("movb (%rbx), %ch", 0)              \
	X("movb (%rbx), %sil", 0)             \
	X("movw (%rbx), %r10w", 0)            \
	X("movl (%rbx), %eax", 0)             \
	X("movq (%rbx), %r8", 0)              \
	X("movq (%ebx), %r8", 0)              \
	X("movb $0x80, (%rbx)", 0)            \
	X("movw $0x8081, (%rbx)", 0)          \
	X("movl $0x80818283, (%rbx)", 0)      \
	X("movq $-0x12345678, (%rbx)", 0)     \
	X("movabsb 0x20000010, %al", 0)       \
	X("movabsq %rax, 0x20000013", 0)      \
	X("movnti %rax, (%rbx)", 0)           \
	X("movnti %eax, (%rbx)", 0)           \
	X("movzbl (%rbx), %eax", 0)           \
	X("movzbw (%rbx), %ax", 0)            \
	X("movzwl (%rbx), %r11d", 0)          \
	X("movzwq (%rbx), %rax", 0)           \
	X("movsbw (%rbx), %ax", 0)            \
	X("movsbl (%rbx), %eax", 0)           \
	X("movsbq (%rbx), %rax", 0)           \
	X("movswl (%rbx), %eax", 0)           \
	X("movswq (%rbx), %r12", 0)           \
	X("movslq (%rbx), %rax", 0)           \
	X("movbe (%rbx), %ax", 0)             \
	X("movbe (%rbx), %eax", 0)            \
	X("movbe %rax, (%rbx)", 0)            \
	X("addb %al, (%rbx)", 0)              \
	X("addw $0x1234, (%rbx)", 0)          \
	X("addl $-2, (%rbx)", 0)              \
	X("lock addq %rax, (%rbx)", 0)        \
	X("addq (%rbx), %rax", 0)             \
	X("addb (%rbx), %ah", 0)              \
	X("adcl %eax, (%rbx)", 0)             \
	X("adcw (%rbx), %ax", 0)              \
	X("adcq $0x7f, (%rbx)", 0)            \
	X("sbbb %al, (%rbx)", 0)              \
	X("sbbq %rax, (%rbx)", 0)             \
	X("subl %eax, (%rbx)", 0)             \
	X("subq (%rbx), %rax", 0)             \
	X("subb $0x80, (%rbx)", 0)            \
	X("andl %eax, (%rbx)", NO_AF)         \
	X("andq $-16, (%rbx)", NO_AF)         \
	X("andb (%rbx), %al", NO_AF)          \
	X("lock orl $0x40, (%rbx)", NO_AF)    \
	X("orw %ax, (%rbx)", NO_AF)           \
	X("orq (%rbx), %rax", NO_AF)          \
	X("xorb %al, (%rbx)", NO_AF)          \
	X("xorq %rax, (%rbx)", NO_AF)         \
	X("xorl (%rbx), %eax", NO_AF)         \
	X("cmpb $0x7f, (%rbx)", 0)            \
	X("cmpl $-1, (%rbx)", 0)              \
	X("cmpq %rax, (%rbx)", 0)             \
	X("cmpw (%rbx), %ax", 0)              \
	X("testb $1, (%rbx)", NO_AF)          \
	X("testl $0x80000000, (%rbx)", NO_AF) \
	X("testq $-1, (%rbx)", NO_AF)         \
	X("testq %rax, (%rbx)", NO_AF)        \
	X("incb (%rbx)", 0)                   \
	X("incq (%rbx)", 0)                   \
	X("decl (%rbx)", 0)                   \
	X("decw (%rbx)", 0)                   \
	X("negl (%rbx)", 0)                   \
	X("negb (%rbx)", 0)                   \
	X("notq (%rbx)", 0)                   \
	X("notw (%rbx)", 0)                   \
	X("xchgb %al, (%rbx)", 0)             \
	X("xchgl %eax, (%rbx)", 0)            \
	X("xchgq %r13, (%rbx)", 0)            \
	X("lock xaddl %eax, (%rbx)", 0)       \
	X("xaddq %r9, (%rbx)", 0)             \
	X("xaddb %ah, (%rbx)", 0)             \
	X("lock cmpxchgl %r9d, (%rbx)", 0)    \
	X("cmpxchgq %r9, (%rbx)", 0)          \
	X("cmpxchgb %dl, (%rbx)", 0)          \
	X("btl $5, (%rbx)", NO_BITS)          \
	X("btsw $15, (%rbx)", NO_BITS)        \
	X("lock btsl $31, (%rbx)", NO_BITS)   \
	X("btrq $63, (%rbx)", NO_BITS)        \
	X("btcq $33, (%rbx)", NO_BITS)        \
	X("btl %ebp, (%rbx)", NO_BITS)        \
	X("btsw %bp, (%rbx)", NO_BITS)        \
	X("btrl %ebp, (%rbx)", NO_BITS)       \
	X("lock btcq %rbp, (%rbx)", NO_BITS)  \
	X("mov %ds, (%rbx)", 0)               \
	X("movsb", 0)                         \
	X("movsw", 0)                         \
	X("movsl", 0)                         \
	X("movsq", 0)                         \
	X("rep movsb", 0)                     \
	X("rep movsl", 0)                     \
	X("rep movsq", 0)                     \
	X("rep movsb (%esi), (%edi)", 0)      \
	X("stosb", 0)                         \
	X("rep stosb", 0)                     \
	X("rep stosw", 0)                     \
	X("rep stosl", 0)                     \
	X("rep stosq", 0)                     \
	X("lodsb", 0)                         \
	X("lodsw", 0)                         \
	X("lodsl", 0)                         \
	X("lodsq", 0)                         \
	X("rep lodsb", 0)                     \
	X("cmpsb", 0)                         \
	X("cmpsq", 0)                         \
	X("repe cmpsb", 0)                    \
	X("repne cmpsb", 0)                   \
	X("repe cmpsw", 0)                    \
	X("scasb", 0)                         \
	X("scasl", 0)                         \
	X("repne scasb", 0)                   \
	X("repe scasb", 0)                    \
	X("repne scasq", 0)

/* Each entry: length, up to 15 bytes. */
#define ASSEMBLE(text, undefined) \
	".byte 2f - 1f\n"         \
	"1: " text "\n"           \
	"2: .fill 15 - (2b - 1b), 1, 0x90\n"
__asm__(".pushsection .rodata\n"
	"instructions:\n" INSTRUCTIONS(ASSEMBLE) ".popsection\n");
extern const uint8_t instructions[][16] __asm__("instructions");

static const struct {
	const char *text;
	uint64_t undefined;
} names[] = {
#define NAME(text, undefined) { text, undefined },
	INSTRUCTIONS(NAME)
};

/* ---- on this CPU ---- */

struct native {
	uint64_t gpr[GPR_COUNT]; /* RSP is not touched */
	uint64_t flags;
	void *code;
	uint64_t rsp;
};
extern struct native native_state;
struct native native_state;
void native_run(void);
extern const char native_back[];

#define FOR_REGISTERS(op)                                                                      \
	op(0, rax) op(1, rcx) op(2, rdx) op(3, rbx) op(5, rbp) op(6, rsi) op(7, rdi) op(8, r8) \
		op(9, r9) op(10, r10) op(11, r11) op(12, r12) op(13, r13) op(14, r14) op(15, r15)
#define LOAD(n, reg) "mov native_state + 8 * " #n "(%rip), %" #reg "\n"
#define SAVE(n, reg) "mov %" #reg ", native_state + 8 * " #n "(%rip)\n"

__asm__(".pushsection .text\n"
	"native_run:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
	"mov %rsp, native_state + 144(%rip)\n"
	"pushq native_state + 128(%rip)\n"
	"popfq\n" FOR_REGISTERS(LOAD) "jmp *native_state + 136(%rip)\n"
				      "native_back:\n"
				      "mov native_state + 144(%rip), %rsp\n" FOR_REGISTERS(
					      SAVE) "pushfq\n"
						    "popq native_state + 128(%rip)\n"
						    "cld\n"
						    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n "
						    "pop %rbp\n pop %rbx\n"
						    "ret\n"
						    ".popsection\n");
_Static_assert(offsetof(struct native, flags) == 128 && offsetof(struct native, code) == 136 &&
		       offsetof(struct native, rsp) == 144,
	       "what the assembly above says");

static uint8_t *native_code, *native_data;

static void make_native(const uint8_t *insn)
{
	uint64_t back = (uint64_t)(uintptr_t)native_back;
	uint8_t *p = native_code;

	memcpy(p, insn + 1, insn[0]);
	p += insn[0];
	memcpy(p, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
	memcpy(p + 6, &back, 8);
	native_state.code = native_code;
}

static void *map_fixed(uint64_t at, size_t size, int prot)
{
	void *p = mmap((void *)(uintptr_t)at, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* ---- both ---- */

static struct test_guest guest;
static uint64_t rng = 1;

static int start(void **state)
{
	(void)state;
	native_code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	native_data = map_fixed(TEST_DATA, TEST_PAGES * 4096, PROT_READ | PROT_WRITE);
	if (!native_data || native_code == MAP_FAILED)
		return -1;
	return guest_create(&guest);
}

static int finish(void **state)
{
	(void)state;
	guest_destroy(&guest);
	return 0;
}

/* What backs each page of the data in the guest. */
static const bool is_device[][TEST_PAGES] = {
	{ false, false, false }, { true, true, true }, { false, true, false }, { true, false, true }
};

static uint8_t *backing(unsigned kind, unsigned page)
{
	return is_device[kind][page] ? guest.device + 4096 * page
				     : (uint8_t *)guest_at(&guest, GPA_DATA + 4096 * page);
}

static void set_up(unsigned kind, const uint8_t *insn)
{
	guest_long_mode(&guest);
	for (unsigned n = 0; n < TEST_PAGES; n++) {
		uint64_t gpa = (is_device[kind][n] ? TEST_DEVICE : GPA_DATA) + 4096 * n;

		map_data(&guest, n, gpa, 7);
		for (unsigned i = 0; i < 4096; i++)
			native_data[4096 * n + i] = (uint8_t)host_rand(&rng);
		/* Some likeness, so that comparisons go on for a while. */
		if (host_rand_below(&rng, 2))
			memset(native_data + 4096 * n, (int)host_rand_below(&rng, 2), 4096);
		memcpy(backing(kind, n), native_data + 4096 * n, 4096);
	}
	memcpy(guest_at(&guest, GPA_CODE), insn + 1, insn[0]);
}

/* Near the border of two pages, or anywhere in the middle. */
static uint64_t random_pointer(void)
{
	static const unsigned places[] = { 4096, 8192, 6000 };

	return TEST_DATA + places[host_rand_below(&rng, 3)] - 24 + host_rand_below(&rng, 48);
}

static void random_registers(void)
{
	struct native *s = &native_state;

	for (unsigned i = 0; i < GPR_COUNT; i++)
		s->gpr[i] = host_rand(&rng);
	s->gpr[GPR_RBX] = random_pointer();
	s->gpr[GPR_RSI] = random_pointer();
	s->gpr[GPR_RDI] = random_pointer();
	s->gpr[GPR_RDX] = host_rand_below(&rng, 8);
	s->gpr[GPR_RCX] = host_rand_below(&rng, 16);
	s->gpr[GPR_RBP] = (uint64_t)((int64_t)host_rand_below(&rng, 512) - 256);
	s->gpr[GPR_RSP] = 0;
	if (host_rand_below(&rng, 4) == 0) /* CMPXCHG and SCAS sometimes find what they look for */
		memcpy(&s->gpr[GPR_RAX], (const void *)(uintptr_t)s->gpr[GPR_RBX], 8);
	s->flags = (host_rand(&rng) & ARITHMETIC) | 0x202;
	if (host_rand_below(&rng, 3) == 0)
		s->flags |= RFLAGS_DF;
}

static uint16_t own_ds(void)
{
	uint16_t ds;

	__asm__("mov %%ds, %0" : "=r"(ds));
	return ds;
}

static void one_round(unsigned n, unsigned kind)
{
	const uint8_t *insn = instructions[n];
	struct emu *e = &guest.emu;
	uint64_t known = ~names[n].undefined & (ARITHMETIC | RFLAGS_DF);

	set_up(kind, insn);
	random_registers();
	memcpy(e->regs.gpr, native_state.gpr, sizeof(e->regs.gpr));
	e->regs.rflags = native_state.flags;
	e->regs.rip = TEST_CODE;
	e->sregs.seg[SEG_DS].selector = own_ds();
	make_native(insn);
	native_run();
	if (emu_run(e, NULL, 0) != EMU_DONE)
		fail_msg("%s: %s, vector %u", names[n].text, e->reason, e->fault.vector);
	if (e->regs.rip != TEST_CODE + insn[0])
		fail_msg("%s: rip 0x%lx", names[n].text, e->regs.rip);
	for (unsigned i = 0; i < GPR_COUNT; i++) {
		if (e->regs.gpr[i] != native_state.gpr[i])
			fail_msg("%s: register %u: 0x%lx, the CPU has 0x%lx", names[n].text, i,
				 e->regs.gpr[i], native_state.gpr[i]);
	}
	if ((e->regs.rflags ^ native_state.flags) & known)
		fail_msg("%s: flags 0x%lx, the CPU has 0x%lx", names[n].text, e->regs.rflags,
			 native_state.flags);
	for (unsigned i = 0; i < TEST_PAGES; i++) {
		if (memcmp(backing(kind, i), native_data + 4096 * i, 4096))
			fail_msg("%s: page %u differs", names[n].text, i);
	}
}

static void as_this_cpu(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
		for (unsigned round = 0; round < ROUNDS; round++)
			one_round(n, round % ARRAY_SIZE(is_device));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_this_cpu),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
