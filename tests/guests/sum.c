// SPDX-License-Identifier: GPL-2.0-or-later
// A long computation that shows whatever disturbs its machine: each round sums up memory, general
// registers, x87 and vectors, while a timer and its own interrupts and NMIs come in; what must come
// exactly once is counted, and all registers that a round does not touch must stay as they are. All
// rounds give the same sum. rounds=N: so many; without, until a key on COM1.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "sum";

#define CR0_MP      BIT(1)
#define CR0_EM      BIT(2)
#define CR0_TS      BIT(3)
#define CR4_OSXSAVE BIT(18)

#define COM1        0x3f8
#define IPI         0x61
#define TIMER       0x62
#define TIMER_COUNT 200000 /* by 16: some milliseconds */
#define WORDS       4096
#define STEPS       3000

static uint64_t words[WORDS];
static bool has_avx;

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* ---- the parts of a sum ---- */

static uint64_t sum_memory(uint64_t seed)
{
	uint64_t h = seed;

	for (unsigned i = 0; i < WORDS; i++)
		words[i] = h = mix(h, i);
	for (unsigned i = WORDS; i-- > 0;)
		h = mix(h, words[i] + words[(i * 7 + 1) % WORDS]);
	return h;
}

static uint64_t sum_registers(uint64_t seed)
{
	uint64_t h = seed, steps = STEPS;

	__asm__ volatile(
		"pushq %%rbp\n"
		"movq %0, %%rax; movq %0, %%rbx; movq %0, %%rdx; movq %0, %%rsi\n"
		"movq %0, %%rbp; movq %0, %%r8; movq %0, %%r9; movq %0, %%r10\n"
		"movq %0, %%r11; movq %0, %%r12; movq %0, %%r13; movq %0, %%r14\n"
		"1: addq %%rax, %%rbx; rolq $7, %%rbx; xorq %%rbx, %%rdx; imulq $77, %%rdx\n"
		"leaq 3(%%rsi,%%rdx), %%rsi; xorq %%rsi, %%rbp; rorq $11, %%rbp\n"
		"subq %%rbp, %%r8; xorq %%r8, %%r9; bswapq %%r9; addq %%r9, %%r10\n"
		"xorq %%r10, %%r11; rolq $3, %%r11; addq %%r11, %%r12; xorq %%r12, %%r13\n"
		"leaq 1(%%r13,%%r14,4), %%r14; xorq %%r14, %%rax; decq %%rcx; jnz 1b\n"
		"xorq %%rbx, %%rax; xorq %%rdx, %%rax; addq %%rsi, %%rax; xorq %%rbp, %%rax\n"
		"addq %%r8, %%rax; xorq %%r9, %%rax; addq %%r10, %%rax; xorq %%r11, %%rax\n"
		"addq %%r12, %%rax; xorq %%r13, %%rax; movq %%rax, %0\n"
		"popq %%rbp\n"
		: "+D"(h), "+c"(steps)::"rax", "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "cc", "memory");
	return h;
}

/* Sum of k * k for k up to n, exact in x87's 64 bits. */
static uint64_t sum_x87(uint32_t n)
{
	uint64_t out;

	__asm__ volatile("fldz");
	for (uint32_t k = 1; k <= n; k++)
		__asm__ volatile("fildl %0; fmul %%st(0), %%st(0); faddp" ::"m"(k));
	__asm__ volatile("fistpll %0" : "=m"(out));
	return out;
}

static uint64_t sum_vectors(uint64_t seed)
{
	uint64_t in[4] = { seed, mix(seed, 1), mix(seed, 2), mix(seed, 3) }, out[4] = { 0 };
	uint32_t steps = STEPS;

	if (has_avx)
		__asm__ volatile(
			"vmovdqu (%1), %%ymm0; vpaddq %%ymm0, %%ymm0, %%ymm5\n"
			"vmovdqa %%ymm0, %%ymm15\n"
			"1: vpaddq %%ymm5, %%ymm15, %%ymm15; vpxor %%ymm15, %%ymm0, %%ymm5\n"
			"vpsllq $1, %%ymm5, %%ymm9; vpaddq %%ymm9, %%ymm0, %%ymm0\n"
			"decl %0; jnz 1b\n"
			"vpxor %%ymm5, %%ymm0, %%ymm0; vpxor %%ymm15, %%ymm0, %%ymm0\n"
			"vmovdqu %%ymm0, (%2)"
			: "+r"(steps)
			: "r"(in), "r"(out)
			: "memory", "cc");
	else
		__asm__ volatile(
			"movdqu (%1), %%xmm0; movdqu 16(%1), %%xmm15\n"
			"1: paddq %%xmm15, %%xmm0; movdqa %%xmm0, %%xmm9; psllq $1, %%xmm9\n"
			"pxor %%xmm9, %%xmm15; decl %0; jnz 1b\n"
			"movdqu %%xmm0, (%2); movdqu %%xmm15, 16(%2)"
			: "+r"(steps)
			: "r"(in), "r"(out)
			: "memory", "cc");
	return mix(mix(out[0], out[1]), mix(out[2], out[3]));
}

/* ---- registers that stay as they are ---- */

/* Not armed: QEMU keeps no breakpoints over VMRUN on another CPU (docs/limits.md). */
#define DR0_VALUE 0x23456789abcdull
#define DR3_VALUE 0x123456789abcull

static const struct {
	uint32_t index;
	uint64_t value;
} msrs[] = {
	{ MSR_KERNEL_GS, 0x123456789000ull },
	{ MSR_LSTAR, 0xffff800012345000ull },
	{ MSR_STAR, 0x0023001000000000ull },
	{ MSR_SFMASK, 0x47700 },
	{ MSR_PAT, 0x0006040600070106ull },
	{ MSR_FS_BASE, 0x7fff12345678ull },
	{ 0x174, 0x10 },
	{ 0x175, 0xffff800000001000ull },
	{ 0x176, 0xffff800000002000ull },
	{ 0x200, 0xe0000000 | 6 },
	{ 0x201, 0xf0000800 },
};

static void set_registers(void)
{
	struct cpuid features = cpuid(1, 0);

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP);
	__asm__ volatile("fninit");
	if (features.ecx & BIT(26)) {
		has_avx = features.ecx & BIT(28);
		write_cr4(read_cr4() | CR4_OSXSAVE);
		__asm__ volatile("xsetbv" ::"c"(0), "a"(has_avx ? 7 : 3), "d"(0));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		wrmsr(msrs[i].index, msrs[i].value);
	__asm__ volatile("movq %0, %%db0; movq %1, %%db3" ::"r"(DR0_VALUE), "r"(DR3_VALUE));
	write_cr8(2);
}

static const char *changed_register(void)
{
	uint64_t dr0, dr3;
	uint32_t xcr0, high;

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (rdmsr(msrs[i].index) != msrs[i].value)
			return "MSR";
	__asm__ volatile("movq %%db0, %0; movq %%db3, %1" : "=r"(dr0), "=r"(dr3));
	if (dr0 != DR0_VALUE || dr3 != DR3_VALUE)
		return "debug register";
	if (read_cr8() != 2)
		return "CR8";
	if (has_avx) {
		__asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
		if (xcr0 != 7)
			return "XCR0";
	}
	return NULL;
}

/* ---- events ---- */

static uint64_t last_tsc;
static bool tsc_went_back;

static void on_step(struct frame *f)
{
	f->rflags &= ~FLAG_TF;
	__asm__ volatile("movq %0, %%db6" ::"r"(0xffff0ff0ull));
}

static void single_step(void)
{
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop; nop" ::"r"(FLAG_TF)
			 : "memory", "cc");
}

static void look_at_tsc(void)
{
	uint64_t now = rdtsc();

	tsc_went_back |= now < last_tsc;
	last_tsc = now;
}

static void start_timer(void)
{
	lapic_write(LAPIC_TDCR, 0x3); /* by 16 */
	lapic_write(LAPIC_TIMER, TIMER_PERIODIC | TIMER);
	lapic_write(LAPIC_TMICT, TIMER_COUNT);
}

/* One of each, and a nap until the timer comes. */
static void raise_events(void)
{
	uint32_t ticks = vector_count[TIMER];

	single_step();
	lapic_ipi(lapic_id(), ICR_NMI | ICR_ASSERT);
	lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | IPI);
	while (vector_count[TIMER] == ticks)
		wait_for_interrupt();
}

/* ---- rounds ---- */

static uint64_t one_round(void)
{
	uint64_t h;

	sti();
	h = sum_memory(0x5eed);
	h = mix(h, sum_registers(h));
	h = mix(h, sum_x87(1000));
	h = mix(h, sum_vectors(h));
	cli();
	raise_events();
	look_at_tsc();
	return h;
}

static bool key_pressed(void)
{
	return inb(COM1 + 5) & 1;
}

static bool go_on(uint64_t rounds, uint64_t done)
{
	return rounds ? done < rounds : !key_pressed();
}

/* What was wrong in a round, NULL: nothing. */
static const char *wrong(uint64_t got, uint64_t want, uint64_t done)
{
	if (got != want)
		return "another sum";
	if (vector_count[EXC_NMI] != done || vector_count[IPI] != done ||
	    vector_count[EXC_DB] != done)
		return "an event came not or twice";
	if (tsc_went_back)
		return "the TSC went back";
	return changed_register();
}

void guest_main(void)
{
	uint64_t rounds = option("rounds", 0), done, want, got;
	const char *why;

	set_handler(EXC_DB, on_step);
	set_registers();
	start_timer();
	want = got = one_round();
	done = 1;
	while ((why = wrong(got, want, done)) == NULL && go_on(rounds, done)) {
		got = one_round();
		done++;
		if (!rounds)
			print("round %lu\n", done);
	}
	check(!why, "rounds", "round %lu: %s (sum 0x%lx, not 0x%lx; NMI %u, IPI %u, #DB %u)", done,
	      why ? why : "", got, want, vector_count[EXC_NMI], vector_count[IPI],
	      vector_count[EXC_DB]);
	print("sum 0x%lx after %lu rounds\n", want, done);
}
