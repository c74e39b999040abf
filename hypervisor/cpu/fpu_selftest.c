// SPDX-License-Identifier: GPL-2.0-or-later
// States keep their registers apart; what a guest may do with XCR0 and with an area's contents
// harms nobody.
#include "cpu/cpu.h"
#include "cpu/fpu.h"
#include "cpu/lapic.h"
#include "cpu/msr.h"
#include "cpu/selftest.h"
#include "lib/string.h"

#define AREA_SIZE 4096
#define MXCSR_OWN 0x1fa0 /* precision exceptions noted: not the initial value */
#define XSTATE_BV 512

#define STATES 4

static char areas[STATES][AREA_SIZE] __aligned(64);
static struct fpu_state states[STATES];

static void init_states(void)
{
	for (int i = 0; i < STATES; i++)
		fpu_state_init(&states[i], areas[i]);
}

static void release_states(void)
{
	for (int i = 0; i < STATES; i++)
		fpu_release(&states[i]);
}

static void set_xmm(uint64_t a, uint64_t b)
{
	const uint32_t mxcsr = MXCSR_OWN;

	__asm__ volatile("movq %0, %%xmm0\n\tmovq %1, %%xmm15\n\tldmxcsr %2"
			 :
			 : "r"(a), "r"(b), "m"(mxcsr));
}

static bool xmm_is(uint64_t a, uint64_t b)
{
	uint64_t x, y;

	__asm__ volatile("movq %%xmm0, %0\n\tmovq %%xmm15, %1" : "=r"(x), "=r"(y));
	return x == a && y == b;
}

static uint32_t mxcsr(void)
{
	uint32_t v;

	__asm__ volatile("stmxcsr %0" : "=m"(v));
	return v;
}

static void set_ymm(const uint64_t *v)
{
	__asm__ volatile("vmovdqu (%0), %%ymm7" : : "r"(v), "m"(*(const uint64_t(*)[4])v));
}

static void get_ymm(uint64_t *v)
{
	__asm__ volatile("vmovdqu %%ymm7, (%0)" : : "r"(v) : "memory");
}

SELFTEST(fpu_states_are_kept_apart)
{
	init_states();
	fpu_load(&states[0]);
	SELFTEST_CHECK(xmm_is(0, 0) && mxcsr() == 0x1f80);
	set_xmm(0x1111, 0xaaaa);
	fpu_load(&states[1]);
	SELFTEST_CHECK(xmm_is(0, 0) && mxcsr() == 0x1f80);
	set_xmm(0x2222, 0xbbbb);
	for (int i = 0; i < 3; i++) {
		fpu_load(&states[0]);
		SELFTEST_CHECK(xmm_is(0x1111, 0xaaaa) && mxcsr() == MXCSR_OWN);
		fpu_load(&states[1]);
		SELFTEST_CHECK(xmm_is(0x2222, 0xbbbb));
	}
	SELFTEST_CHECK(states[0].cpu == -1 && states[1].cpu == this_cpu_id().n);
	release_states();
	SELFTEST_CHECK(states[1].cpu == -1);
	set_xmm(0, 0);
	fpu_load(&states[1]);
	SELFTEST_CHECK(xmm_is(0x2222, 0xbbbb));
	release_states();
}

static uint64_t xcr0_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

SELFTEST(fpu_keeps_avx_that_a_guest_switched_off)
{
	uint64_t a[4] = { 1, 2, 3, 4 }, b[4] = { 5, 6, 7, 8 }, got[4];

	if (!(fpu_host_xcr0() & XCR0_AVX))
		return;
	init_states();
	fpu_load(&states[0]);
	set_ymm(a);
	fpu_set_xcr0(&states[0], XCR0_X87 | XCR0_SSE);
	SELFTEST_CHECK(xcr0_now() == (XCR0_X87 | XCR0_SSE));
	fpu_load(&states[1]);
	get_ymm(got);
	SELFTEST_CHECK(got[0] == 0 && got[3] == 0);
	set_ymm(b);
	states[0].xcr0 = fpu_host_xcr0();
	fpu_load(&states[0]);
	get_ymm(got);
	SELFTEST_CHECK(!memcmp(got, a, sizeof(a)));
	fpu_load(&states[1]);
	get_ymm(got);
	SELFTEST_CHECK(!memcmp(got, b, sizeof(b)));
	release_states();
}

SELFTEST(fpu_xcr0_follows_the_state)
{
	if (!fpu_has_xsave())
		return;
	init_states();
	states[0].xcr0 = XCR0_X87;
	fpu_load(&states[0]);
	SELFTEST_CHECK(xcr0_now() == XCR0_X87);
	fpu_load(&states[1]);
	SELFTEST_CHECK(xcr0_now() == fpu_host_xcr0());
	/* As a guest does it where nothing intercepts. */
	__asm__ volatile("xsetbv" : : "c"(0), "a"(XCR0_X87 | XCR0_SSE), "d"(0));
	fpu_read_xcr0(&states[1]);
	SELFTEST_CHECK(states[1].xcr0 == (XCR0_X87 | XCR0_SSE));
	fpu_load(&states[0]);
	SELFTEST_CHECK(xcr0_now() == XCR0_X87);
	/* No x87; AVX without SSE; half of AVX-512; bits that do not exist. */
	const uint64_t bad[] = { 0, XCR0_SSE, XCR0_X87 | XCR0_AVX, XCR0_X87 | 0x20,
				 1ull << 62 | 3 };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		SELFTEST_CHECK(!fpu_xcr0_valid(bad[i]));
		states[1].xcr0 = bad[i];
		fpu_load(&states[1]);
		SELFTEST_CHECK(xcr0_now() == fpu_host_xcr0());
		fpu_load(&states[0]);
	}
	release_states();
	states[1].xcr0 = fpu_host_xcr0();
	fpu_load(&states[1]);
	release_states();
}

#define CPUID_HYPERVISOR 0x40000000u
#define CPUID_TCG_EBX    0x54474354u /* "TCGT" */

/* Where XSETBV does not exit a guest may have hidden it from whoever looks at its CR4. */
SELFTEST(fpu_xcr0_that_changed_unseen)
{
	uint64_t a[4] = { 1, 2, 3, 4 }, b[4] = { 5, 6, 7, 8 }, got[4];

	if (cpuid(CPUID_HYPERVISOR, 0).ebx != CPUID_TCG_EBX || !(fpu_host_xcr0() & XCR0_AVX))
		return;
	init_states();
	fpu_load(&states[0]);
	set_ymm(a);
	fpu_load(&states[1]);
	set_ymm(b);
	__asm__ volatile("xsetbv" : : "c"(0), "a"(XCR0_X87), "d"(0));
	fpu_load(&states[0]);
	SELFTEST_CHECK(xcr0_now() == fpu_host_xcr0());
	get_ymm(got);
	SELFTEST_CHECK(!memcmp(got, a, sizeof(a)));
	fpu_load(&states[1]);
	SELFTEST_CHECK(xcr0_now() == XCR0_X87);
	fpu_set_xcr0(&states[1], fpu_host_xcr0());
	get_ymm(got);
	SELFTEST_CHECK(!memcmp(got, b, sizeof(b)));
	release_states();
}

SELFTEST(fpu_bad_area_becomes_initial)
{
	if (!fpu_has_xsave())
		return;
	init_states();
	fpu_load(&states[0]);
	set_xmm(0x3333, 0x4444);
	fpu_release(&states[0]);
	*(uint64_t *)(areas[0] + XSTATE_BV) = 1ull << 62; /* no such feature: #GP */
	fpu_load(&states[0]);
	SELFTEST_CHECK(mxcsr() == 0x1f80 && xmm_is(0, 0));
	release_states();
}

static void set_fcw(uint16_t fcw)
{
	__asm__ volatile("fldcw %0" : : "m"(fcw));
}

static uint16_t fcw(void)
{
	uint16_t v;

	__asm__ volatile("fnstcw %0" : "=m"(v));
	return v;
}

/* 0xffff: empty. */
static uint16_t x87_tags(void)
{
	uint16_t env[14];

	__asm__ volatile("fnstenv %0" : "=m"(env));
	return env[4];
}

#define FCW_OWN 0x27f /* 53 bits: not the initial value */

/* The callee, a guest, has its registers in each call; the caller its control words after each. */
SELFTEST(fpu_call_keeps_control_words)
{
	init_states();
	states[1].xcr0 = fpu_has_xsave() ? XCR0_X87 : states[1].xcr0;
	fpu_load(&states[0]);
	set_fcw(FCW_OWN);
	set_xmm(0x1111, 0xaaaa);
	for (int i = 0; i < 3; i++) {
		fpu_begin_call(&states[0], &states[1]);
		SELFTEST_CHECK(i ? xmm_is(0x2222, 0xbbbb) : xmm_is(0, 0));
		SELFTEST_CHECK(fcw() == 0x37f && states[0].cpu == -1 && states[1].cpu >= 0);
		SELFTEST_CHECK(!fpu_has_xsave() || xcr0_now() == XCR0_X87);
		set_xmm(0x2222, 0xbbbb);
		__asm__ volatile("fld1");
		fpu_end_call_now(&states[0], &states[1]);
		SELFTEST_CHECK(fcw() == FCW_OWN && mxcsr() == MXCSR_OWN && x87_tags() == 0xffff);
		SELFTEST_CHECK(states[0].cpu >= 0 && states[1].cpu == -1);
		SELFTEST_CHECK(!fpu_has_xsave() || xcr0_now() == fpu_host_xcr0());
		set_xmm(0x3333, 0xcccc);
	}
	/* What is in the registers is the caller's and moves with it. */
	fpu_release(&states[0]);
	set_xmm(0, 0);
	fpu_load(&states[0]);
	SELFTEST_CHECK(xmm_is(0x3333, 0xcccc) && fcw() == FCW_OWN);
	release_states();
}

/* Most CPUs do not write registers that are as they were at first, and what is there is old. */
SELFTEST(fpu_call_of_one_saved_as_initial)
{
	if (!fpu_has_xsave())
		return;
	init_states();
	*(uint16_t *)areas[0] = FCW_OWN;
	*(uint64_t *)(areas[0] + XSTATE_BV) = 0;
	fpu_begin_call(&states[0], &states[1]);
	fpu_end_call_now(&states[0], &states[1]);
	SELFTEST_CHECK(fcw() == 0x37f && mxcsr() == 0x1f80);
	release_states();
}

/* A guest that slept in the call is not loaded at its end, nor the caller at its begin. */
SELFTEST(fpu_call_with_a_sleep_in_it)
{
	init_states();
	fpu_load(&states[0]);
	set_fcw(FCW_OWN);
	set_xmm(0x1111, 0xaaaa);
	fpu_release(&states[0]);
	fpu_begin_call(&states[0], &states[1]);
	set_xmm(0x2222, 0xbbbb);
	fpu_release(&states[1]);
	fpu_end_call(&states[0], &states[1]);
	SELFTEST_CHECK(states[0].cpu == -1 && states[1].cpu == -1);
	fpu_load(&states[0]);
	SELFTEST_CHECK(xmm_is(0x1111, 0xaaaa) && fcw() == FCW_OWN && mxcsr() == MXCSR_OWN);
	fpu_begin_call(&states[0], &states[1]);
	SELFTEST_CHECK(xmm_is(0x2222, 0xbbbb));
	fpu_release(&states[1]);
	fpu_end_call(&states[0], &states[1]);
	fpu_load(&states[0]);
	SELFTEST_CHECK(fcw() == FCW_OWN && mxcsr() == MXCSR_OWN);
	release_states();
}

/* ---- a callee that stays in the registers ---- */

#define CR0_TS 8u

static bool ts(void)
{
	uint64_t cr0;

	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	return cr0 & CR0_TS;
}

/* What a guest, whose CR0 is its own, finds in the registers. */
static bool guest_xmm_is(uint64_t a, uint64_t b)
{
	uint64_t cr0;
	bool same;

	__asm__ volatile("movq %%cr0, %0\n\tclts" : "=r"(cr0));
	same = xmm_is(a, b);
	__asm__ volatile("movq %0, %%cr0" : : "r"(cr0));
	return same;
}

static bool is_lent(const struct fpu_state *s, const struct fpu_state *callee)
{
	return ts() && s->cpu == this_cpu_id().n && callee->cpu == s->cpu;
}

/* states[1] has been called by states[0] and stays: 0x1111, 0xaaaa are its registers. */
static void lend(void)
{
	init_states();
	states[1].xcr0 = fpu_has_xsave() ? XCR0_X87 : states[1].xcr0;
	fpu_load(&states[0]);
	set_fcw(FCW_OWN);
	fpu_begin_call(&states[0], &states[1]);
	set_xmm(0x1111, 0xaaaa);
	fpu_end_call(&states[0], &states[1]);
}

static bool saved_as_lent(struct fpu_state *callee)
{
	bool same = callee->cpu == -1 && !ts();

	fpu_load(callee);
	same = same && xmm_is(0x1111, 0xaaaa);
	return same && (!fpu_has_xsave() || xcr0_now() == callee->xcr0);
}

/* The caller's, after its loan. */
static bool caller_whole(struct fpu_state *s)
{
	fpu_load(s);
	return !ts() && fcw() == FCW_OWN && mxcsr() == 0x1f80 &&
	       (!fpu_has_xsave() || xcr0_now() == fpu_host_xcr0());
}

SELFTEST(fpu_callee_stays_until_the_caller_uses_a_register)
{
	lend();
	for (int i = 0; i < 3; i++) {
		SELFTEST_CHECK(is_lent(&states[0], &states[1]));
		SELFTEST_CHECK(!fpu_has_xsave() || xcr0_now() == XCR0_X87);
		fpu_begin_call(&states[0], &states[1]);
		SELFTEST_CHECK(guest_xmm_is(0x1111, 0xaaaa));
		fpu_end_call(&states[0], &states[1]);
	}
	SELFTEST_CHECK(!fpu_use(&states[2]) && !fpu_use(NULL) && !fpu_use(&states[1]));
	SELFTEST_CHECK(fpu_use(&states[0]) && !ts());
	SELFTEST_CHECK(fcw() == FCW_OWN && mxcsr() == 0x1f80 && x87_tags() == 0xffff);
	SELFTEST_CHECK(states[0].cpu >= 0 && states[1].cpu == -1);
	SELFTEST_CHECK(!fpu_has_xsave() || xcr0_now() == fpu_host_xcr0());
	SELFTEST_CHECK(!fpu_use(&states[0]));
	set_xmm(0x3333, 0xcccc);
	SELFTEST_CHECK(saved_as_lent(&states[1]));
	fpu_load(&states[0]);
	SELFTEST_CHECK(xmm_is(0x3333, 0xcccc));
	release_states();
}

/* Who has used them once is taken to do so again, for a while. */
SELFTEST(fpu_caller_that_uses_registers_has_them_at_once)
{
	unsigned eager = 0;

	lend();
	SELFTEST_CHECK(fpu_use(&states[0]));
	do {
		fpu_begin_call(&states[0], &states[1]);
		SELFTEST_CHECK(!ts() && xmm_is(0x1111, 0xaaaa) && mxcsr() == MXCSR_OWN);
		fpu_end_call(&states[0], &states[1]);
		SELFTEST_CHECK(ts() || fcw() == FCW_OWN);
	} while (!ts() && ++eager < 100);
	SELFTEST_CHECK(eager > 0 && eager < 100 && is_lent(&states[0], &states[1]));
	/* One that says so has them, lent or not. */
	fpu_begin_call(&states[0], &states[1]);
	fpu_end_call_now(&states[0], &states[1]);
	SELFTEST_CHECK(!ts() && fcw() == FCW_OWN && states[1].cpu == -1);
	release_states();
}

SELFTEST(fpu_loan_ends_with_what_is_loaded_or_released)
{
	lend();
	fpu_load(&states[2]);
	SELFTEST_CHECK(states[0].cpu == -1 && xmm_is(0, 0));
	SELFTEST_CHECK(saved_as_lent(&states[1]) && caller_whole(&states[0]));
	release_states();
	/* The caller is about to move or to end. */
	lend();
	fpu_release(&states[0]);
	SELFTEST_CHECK(states[0].cpu == -1);
	SELFTEST_CHECK(saved_as_lent(&states[1]) && caller_whole(&states[0]));
	release_states();
	/* The callee sleeps, in its next call. */
	lend();
	fpu_begin_call(&states[0], &states[1]);
	fpu_release(&states[1]);
	SELFTEST_CHECK(states[0].cpu == -1 && states[1].cpu == -1 && !ts());
	fpu_load(&states[1]);
	SELFTEST_CHECK(xmm_is(0x1111, 0xaaaa));
	fpu_end_call(&states[0], &states[1]);
	SELFTEST_CHECK(is_lent(&states[0], &states[1]));
	release_states();
}

SELFTEST(fpu_loan_to_another_caller_or_callee)
{
	/* Another thread calls the same guest: its registers need not move. */
	lend();
	fpu_begin_call(&states[2], &states[1]);
	SELFTEST_CHECK(!ts() && states[0].cpu == -1 && xmm_is(0x1111, 0xaaaa));
	fpu_end_call(&states[2], &states[1]);
	SELFTEST_CHECK(is_lent(&states[2], &states[1]) && !fpu_use(&states[0]));
	SELFTEST_CHECK(fpu_use(&states[2]) && caller_whole(&states[0]));
	SELFTEST_CHECK(saved_as_lent(&states[1]));
	release_states();
	/* The same thread calls another guest, and the first again. */
	lend();
	for (int i = 0; i < 2; i++) {
		fpu_begin_call(&states[0], &states[2]);
		SELFTEST_CHECK(!ts() && (i ? xmm_is(0x2222, 0xbbbb) : xmm_is(0, 0)));
		set_xmm(0x2222, 0xbbbb);
		fpu_end_call(&states[0], &states[2]);
		SELFTEST_CHECK(is_lent(&states[0], &states[2]) && states[1].cpu == -1);
		fpu_begin_call(&states[0], &states[1]);
		SELFTEST_CHECK(!ts() && xmm_is(0x1111, 0xaaaa) && mxcsr() == MXCSR_OWN);
		fpu_end_call(&states[0], &states[1]);
	}
	SELFTEST_CHECK(fpu_use(&states[0]) && caller_whole(&states[0]));
	release_states();
}

/* While a thread's guest is in the registers another thread's slept through its call. */
SELFTEST(fpu_loan_outlives_the_end_of_another_call)
{
	lend();
	fpu_end_call_now(&states[2], &states[3]);
	SELFTEST_CHECK(is_lent(&states[0], &states[1]) && guest_xmm_is(0x1111, 0xaaaa));
	/* The thread ends: its guest's registers must not stay behind. */
	fpu_release(&states[0]);
	SELFTEST_CHECK(states[0].cpu == -1);
	SELFTEST_CHECK(saved_as_lent(&states[1]) && caller_whole(&states[0]));
	release_states();
}

static void lend_here(void *arg)
{
	(void)arg;
	lend();
}

/* Lent on the last CPU, fetched from this one. */
SELFTEST(fpu_fetch_from_another_cpu)
{
	struct cpu_set last = { 0 };

	cpu_set_add(&last, CPU_ID(cpu_count() - 1));
	for (int i = 0; i < 3; i++) {
		ipi_call(&last, lend_here, NULL);
		SELFTEST_CHECK(states[1].cpu == (int)cpu_count() - 1);
		if (i == 0) {
			fpu_fetch(&states[1]);
			fpu_release(&states[1]);
			SELFTEST_CHECK(states[0].cpu == -1 && saved_as_lent(&states[1]));
		} else if (i == 1) {
			fpu_begin_call(&states[2], &states[1]);
			SELFTEST_CHECK(states[0].cpu == -1 && xmm_is(0x1111, 0xaaaa));
			fpu_end_call(&states[2], &states[1]);
			SELFTEST_CHECK(fpu_use(&states[2]));
		} else {
			fpu_fetch(&states[0]);
			fpu_release(&states[0]);
			SELFTEST_CHECK(states[1].cpu == -1);
		}
		SELFTEST_CHECK(caller_whole(&states[0]));
		release_states();
		fpu_fetch(&states[1]); /* nothing to fetch */
	}
}
