// SPDX-License-Identifier: GPL-2.0-or-later
// Floating-point, SSE and AVX state over exits, interrupts and other vCPUs: each CPU fills all
// registers with a pattern of its own, computes with them while timers and exits disturb it, and
// compares. A timer is armed again by what it disturbed: one with a rate of its own leaves a guest
// on a slow host nothing but its interrupts. Also MXCSR, XCR0, XSAVE/XRSTOR and the lazy-FPU trap.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "fpu";

#define CR0_MP            BIT(1)
#define CR0_EM            BIT(2)
#define CR0_TS            BIT(3)
#define CR4_OSXSAVE       BIT(18)
#define TIMER_VECTOR(cpu) (0x60 + (cpu))
#define TIMER_TICKS       20000 /* of 16 ns in a VM */
#define INTERRUPTS        10    /* on each CPU, at least */

struct vectors {
	uint8_t ymm[16][32];
} __aligned(64);

static bool has_avx;

static uint64_t xgetbv(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

#define EACH(op)                                                                                \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define LOAD_XMM(n)  "movdqu 32*" #n "(%0), %%xmm" #n "\n"
#define STORE_XMM(n) "movdqu %%xmm" #n ", 32*" #n "(%0)\n"
#define LOAD_YMM(n)  "vmovdqu 32*" #n "(%0), %%ymm" #n "\n"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", 32*" #n "(%0)\n"

static void load_vectors(const struct vectors *v)
{
	if (has_avx)
		__asm__ volatile(EACH(LOAD_YMM)::"r"(v) : "memory");
	else
		__asm__ volatile(EACH(LOAD_XMM)::"r"(v) : "memory");
}

static void store_vectors(struct vectors *v)
{
	if (has_avx)
		__asm__ volatile(EACH(STORE_YMM)::"r"(v) : "memory");
	else
		__asm__ volatile(EACH(STORE_XMM)::"r"(v) : "memory");
}

static void fill(struct vectors *v, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	memset(v, 0, sizeof(*v));
	for (unsigned r = 0; r < 16; r++) {
		for (unsigned i = 0; i < (has_avx ? 32 : 16); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			v->ymm[r][i] = (uint8_t)x;
		}
	}
}

/* Sum of 1/k² for k up to n on the x87 stack, in units of 2^-40: another form of state. */
static uint64_t x87_sum(uint32_t n)
{
	uint64_t out;
	uint32_t k;
	uint64_t scale = 1ull << 40;

	__asm__ volatile("fninit; fldz");
	for (k = 1; k <= n; k++)
		__asm__ volatile("fild%z0 %0; fmul %%st(0), %%st(0); fld1; fdivp; faddp" ::"m"(k));
	__asm__ volatile("fild%z1 %1; fmulp; fistp%z0 %0" : "=m"(out) : "m"(scale));
	return out;
}

static void enable_fpu(void)
{
	struct cpuid features = cpuid(1, 0);

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP);
	__asm__ volatile("fninit");
	if (features.ecx & BIT(26)) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		has_avx = features.ecx & BIT(28);
		xsetbv(has_avx ? 7 : 3);
	}
}

static void disturb(unsigned i)
{
	cpuid(0, 0);
	if (i % 64 == 0)
		inb(0x71); /* a visit to the VMM */
}

struct result {
	uint64_t seed, sum;
	unsigned wrong_vectors, wrong_sums, rounds;
};

static void churn(void *arg)
{
	struct result *r = arg;
	struct vectors want, got;
	uint32_t came = 0, armed = 0;

	enable_fpu();
	fill(&want, r->seed);
	lapic_write(LAPIC_TDCR, 0x3);
	lapic_write(LAPIC_TIMER, TIMER_VECTOR(this_cpu()->id));
	sti();
	for (unsigned i = 0; i < r->rounds || came < INTERRUPTS; i++) {
		came = vector_count[TIMER_VECTOR(this_cpu()->id)];
		if (came == armed) {
			armed++;
			lapic_write(LAPIC_TMICT, TIMER_TICKS);
		}
		load_vectors(&want);
		for (unsigned j = 0; j < 20; j++)
			disturb(i * 20 + j);
		store_vectors(&got);
		r->wrong_vectors += memcmp(&got, &want, sizeof(got)) != 0;
		r->wrong_sums += x87_sum(200) != r->sum;
	}
	cli();
	lapic_write(LAPIC_TMICT, 0);
	lapic_write(LAPIC_TIMER, LVT_MASKED);
}

static void test_churn(unsigned nr)
{
	static struct result results[CPUS_MAX];
	unsigned vectors = 0, sums = 0;
	uint64_t sum = x87_sum(200);

	check(sum > 1ull << 40 && sum < 2ull << 40, "x87", "0x%lx", sum);
	for (unsigned i = 0; i < nr; i++)
		results[i] = (struct result){ .seed = i + 1,
					      .sum = sum,
					      .rounds = (unsigned)option("rounds", 300) };
	for (unsigned i = 1; i < nr; i++)
		cpu_run(i, churn, &results[i]);
	churn(&results[0]);
	for (unsigned i = 1; i < nr; i++)
		cpu_wait(i);
	for (unsigned i = 0; i < nr; i++) {
		vectors += results[i].wrong_vectors;
		sums += results[i].wrong_sums;
	}
	CHECK_EQ("vectors-kept", vectors, 0);
	CHECK_EQ("x87-kept", sums, 0);
}

static void test_mxcsr(void)
{
	uint32_t want = 0x7f80, got = 0;

	__asm__ volatile("ldmxcsr %0" ::"m"(want));
	cpuid(0, 0);
	inb(0x71);
	__asm__ volatile("stmxcsr %0" : "=m"(got));
	CHECK_EQ("mxcsr", got, want);
	want = 0x1f80;
	__asm__ volatile("ldmxcsr %0" ::"m"(want));
}

static void use_fpu(void *arg)
{
	(void)arg;
	__asm__ volatile("fldz; fstp %st(0)");
}

static void test_task_switched(void)
{
	write_cr0(read_cr0() | CR0_TS);
	CHECK_EQ("ts-traps", catch (use_fpu, NULL, NULL), EXC_NM);
	__asm__ volatile("clts");
	CHECK_EQ("clts", catch (use_fpu, NULL, NULL), EXC_NONE);
}

static void set_bad_xcr0(void *arg)
{
	xsetbv((uintptr_t)arg);
}

static void test_xsave(void)
{
	static uint8_t area[4096] __aligned(64);
	struct vectors want, zero, got;

	if (!(cpuid(1, 0).ecx & BIT(26)))
		return;
	CHECK_EQ("osxsave-in-cpuid", cpuid(1, 0).ecx & BIT(27), BIT(27));
	CHECK_EQ("xcr0", xgetbv(), has_avx ? 7 : 3);
	CHECK_EQ("xcr0-without-x87", catch (set_bad_xcr0, (void *)6ul, NULL), EXC_GP);
	CHECK_EQ("xcr0-unknown-bit", catch (set_bad_xcr0, (void *)(3ul | BIT(62)), NULL), EXC_GP);
	xsetbv(3);
	cpuid(0, 0);
	CHECK_EQ("xcr0-smaller", xgetbv(), 3);
	CHECK_EQ("xsave-size-smaller", cpuid(0xd, 0).ebx, 576);
	xsetbv(has_avx ? 7 : 3);
	fill(&want, 99);
	memset(&zero, 0, sizeof(zero));
	load_vectors(&want);
	__asm__ volatile("xsave (%0)" ::"r"(area), "a"(7), "d"(0) : "memory");
	load_vectors(&zero);
	cpuid(0, 0);
	__asm__ volatile("xrstor (%0)" ::"r"(area), "a"(7), "d"(0) : "memory");
	store_vectors(&got);
	check(!memcmp(&got, &want, sizeof(got)), "xsave-xrstor", "registers differ");
}

void guest_main(void)
{
	unsigned nr = smp_start(machine.nr_cpus);

	CHECK_EQ("start", nr, machine.nr_cpus);
	enable_fpu();
	test_mxcsr();
	test_task_switched();
	test_xsave();
	test_churn(nr);
}
