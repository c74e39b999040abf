// SPDX-License-Identifier: GPL-2.0-or-later
// Clocks against each other: PIT (modes 0 and 2, read back), PM timer, TSC, local APIC timer
// (one-shot, periodic, TSC deadline), RTC (time, update and periodic interrupts). The machine may
// be an emulated one that shares its processor: nothing that comes late is wrong, only what comes
// early.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "timer";

#define LAPIC_VECTOR 0x58

/* What `hz` counts from one moment to another, by the TSC. */
static uint64_t expected(struct moment start, struct moment end, uint64_t hz)
{
	return (end.tsc - start.tsc) * hz / tsc_hz();
}

/* Whether a is within `percent` of b. */
static bool near(uint64_t a, uint64_t b, unsigned percent)
{
	uint64_t d = a > b ? a - b : b - a;

	return d * 100 <= b * percent;
}

static void test_tsc(void)
{
	uint64_t last = rdtsc(), hz = tsc_hz();
	bool forward = true;

	check(hz > 100000000, "tsc-rate", "%lu Hz", hz);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t now = rdtsc();

		forward &= now >= last;
		last = now;
	}
	check(forward, "tsc-forward", "it went back");
}

static void test_pm_timer(void)
{
	struct moment start = moment_of(pm_ticks), end;
	uint64_t ticks;

	delay_us(100000);
	end = moment_of(pm_ticks);
	ticks = (end.value - start.value) & 0xffffff;
	check(near(ticks, expected(start, end, PM_TIMER_HZ) & 0xffffff, 10), "pm-timer",
	      "%lu ticks, not %lu", ticks, expected(start, end, PM_TIMER_HZ));
}

static uint32_t pit_value(void)
{
	return pit_read();
}

/* Channel 0 counts down from 65536 in 54.9 ms, and again. */
static void test_pit_count(void)
{
	struct moment start, end;
	uint64_t ticks, want;

	pit_periodic(0);
	delay_us(1000);
	start = moment_of(pit_value);
	delay_us(20000);
	end = moment_of(pit_value);
	want = expected(start, end, PIT_HZ);
	ticks = (want & ~0xffffull) + ((start.value - end.value) & 0xffff);
	if (ticks + 0x8000 < want)
		ticks += 0x10000;
	check(near(ticks, want, 10), "pit-count", "%lu ticks, not %lu", ticks, want);
}

/* Take what the PIC has latched while it was masked. */
static void drain_pit(void)
{
	pit_oneshot(0);
	pic_mask(0, false);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

static void test_pit_oneshot(void)
{
	uint64_t start, us;

	drain_pit();
	vector_count[PIC_BASE] = 0;
	start = rdtsc();
	pit_oneshot(11932); /* 10 ms */
	wait_count("pit-oneshot", &vector_count[PIC_BASE], 1);
	us = (rdtsc() - start) / (tsc_hz() / 1000000);
	check(us >= 9000, "pit-oneshot-not-early", "after %lu us", us);
	sti();
	delay_us(30000);
	cli();
	CHECK_EQ("pit-oneshot-once", vector_count[PIC_BASE], 1);
	pic_mask(0, true);
}

static void test_pit_periodic(void)
{
	uint64_t start, us;

	vector_count[PIC_BASE] = 0;
	pit_periodic(1193); /* 1 ms */
	pic_mask(0, false);
	start = rdtsc();
	wait_count("pit-periodic", &vector_count[PIC_BASE], 100);
	us = (rdtsc() - start) / (tsc_hz() / 1000000);
	check(us >= 90000, "pit-periodic-not-fast", "100 periods in %lu us", us);
	pic_mask(0, true);
	pit_oneshot(1);
}

/* Channel 2 and port 0x61, as kernels calibrate with it. */
static void test_pit_channel2(void)
{
	uint64_t start, us;

	outb(0x61, (inb(0x61) & ~2u) | 1);
	outb(0x43, 0xb0);
	start = rdtsc();
	outb(0x42, 0x9c); /* 11932: 10 ms */
	outb(0x42, 0x2e);
	while (!(inb(0x61) & 0x20))
		cpu_pause();
	us = (rdtsc() - start) / (tsc_hz() / 1000000);
	check(us >= 9000, "pit-channel-2", "OUT rose after %lu us", us);
}

/* ---- local APIC ---- */

static uint32_t lapic_count(void)
{
	return lapic_read(LAPIC_TMCCT);
}

static uint64_t lapic_hz(void)
{
	struct moment start, end;

	lapic_write(LAPIC_TDCR, 0x3); /* by 16 */
	lapic_write(LAPIC_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TMICT, 0xffffffff);
	start = moment_of(lapic_count);
	delay_us(20000);
	end = moment_of(lapic_count);
	lapic_write(LAPIC_TMICT, 0);
	return (uint64_t)(start.value - end.value) * tsc_hz() / (end.tsc - start.tsc);
}

static void test_lapic_oneshot(uint64_t hz)
{
	uint64_t start, us;

	vector_count[LAPIC_VECTOR] = 0;
	lapic_write(LAPIC_TIMER, LAPIC_VECTOR);
	start = rdtsc();
	lapic_write(LAPIC_TMICT, (uint32_t)(hz / 100));
	wait_count("lapic-oneshot", &vector_count[LAPIC_VECTOR], 1);
	us = (rdtsc() - start) / (tsc_hz() / 1000000);
	check(us >= 9000, "lapic-oneshot-not-early", "after %lu us", us);
	sti();
	delay_us(30000);
	cli();
	CHECK_EQ("lapic-oneshot-once", vector_count[LAPIC_VECTOR], 1);
	CHECK_EQ("lapic-oneshot-count", lapic_read(LAPIC_TMCCT), 0);
}

static void test_lapic_periodic(uint64_t hz)
{
	uint64_t start, us;
	uint32_t now;

	vector_count[LAPIC_VECTOR] = 0;
	lapic_write(LAPIC_TIMER, TIMER_PERIODIC | LAPIC_VECTOR);
	start = rdtsc();
	lapic_write(LAPIC_TMICT, (uint32_t)(hz / 1000));
	wait_count("lapic-periodic", &vector_count[LAPIC_VECTOR], 100);
	us = (rdtsc() - start) / (tsc_hz() / 1000000);
	check(us >= 90000, "lapic-periodic-not-fast", "100 periods in %lu us", us);
	lapic_write(LAPIC_TMICT, 0);
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	now = vector_count[LAPIC_VECTOR];
	sti();
	delay_us(5000);
	cli();
	CHECK_EQ("lapic-stopped", vector_count[LAPIC_VECTOR], now);
	lapic_write(LAPIC_TIMER, LVT_MASKED);
}

/* Armed and taken back before it is due: tried again when the host lets the moment pass. */
static void test_deadline_taken_back(void)
{
	uint64_t deadline;

	for (unsigned i = 0; i < 100; i++) {
		vector_count[LAPIC_VECTOR] = 0;
		deadline = rdtsc() + tsc_hz() / 50;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		wrmsr(MSR_TSC_DEADLINE, 0);
		if (rdtsc() < deadline)
			break;
		__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	}
	sti();
	delay_us(50000);
	cli();
	CHECK_EQ("deadline-disarmed", vector_count[LAPIC_VECTOR], 0);
}

static void test_deadline(void)
{
	uint64_t deadline;

	if (!(cpuid(1, 0).ecx & BIT(24)))
		return;
	vector_count[LAPIC_VECTOR] = 0;
	lapic_write(LAPIC_TIMER, TIMER_DEADLINE | LAPIC_VECTOR);
	__asm__ volatile("mfence" ::: "memory");
	deadline = rdtsc() + 100 * tsc_hz();
	wrmsr(MSR_TSC_DEADLINE, deadline);
	CHECK_EQ("deadline-reads", rdmsr(MSR_TSC_DEADLINE), deadline);
	deadline = rdtsc() + tsc_hz() / 100;
	wrmsr(MSR_TSC_DEADLINE, deadline);
	wait_count("deadline", &vector_count[LAPIC_VECTOR], 1);
	check(rdtsc() >= deadline, "deadline-not-early", "it was");
	CHECK_EQ("deadline-cleared", rdmsr(MSR_TSC_DEADLINE), 0);
	/* In the past: at once. */
	wrmsr(MSR_TSC_DEADLINE, 1);
	wait_count("deadline-past", &vector_count[LAPIC_VECTOR], 2);
	test_deadline_taken_back();
	vector_count[LAPIC_VECTOR] = 2;
	/* Out of HLT, many times. */
	for (unsigned i = 0; i < 100; i++) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_hz() / 10000);
		wait_for_interrupt();
	}
	CHECK_EQ("deadline-halt", vector_count[LAPIC_VECTOR], 102);
	lapic_write(LAPIC_TIMER, LVT_MASKED);
}

/* ---- RTC ---- */

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void set_cmos(uint8_t reg, uint8_t v)
{
	outb(0x70, reg);
	outb(0x71, v);
}

static unsigned from_bcd(uint8_t v)
{
	return (v >> 4) * 10u + (v & 15u);
}

static void test_rtc_time(void)
{
	unsigned year;

	while (cmos(0x0a) & 0x80)
		cpu_pause();
	check(!(cmos(0x0b) & 4), "rtc-bcd", "register B 0x%x", cmos(0x0b));
	year = from_bcd(cmos(0x32)) * 100 + from_bcd(cmos(9));
	check(year >= 2020 && year < 2100, "rtc-year", "%u", year);
	check(from_bcd(cmos(8)) >= 1 && from_bcd(cmos(8)) <= 12, "rtc-month", "0x%x", cmos(8));
	check(from_bcd(cmos(7)) >= 1 && from_bcd(cmos(7)) <= 31, "rtc-day", "0x%x", cmos(7));
	check(from_bcd(cmos(4)) <= 23, "rtc-hour", "0x%x", cmos(4));
	CHECK_EQ("rtc-valid", cmos(0x0d) & 0x80, 0x80);
}

static void on_rtc(struct frame *f)
{
	(void)f;
	cmos(0x0c);
	pic_eoi(8);
}

static void test_rtc_interrupt(void)
{
	set_handler(PIC_BASE + 8, on_rtc);
	vector_count[PIC_BASE + 8] = 0;
	set_cmos(0x0a, 0x26); /* 1024 Hz */
	set_cmos(0x0b, (cmos(0x0b) & ~0x30u) | 0x40);
	cmos(0x0c);
	pic_mask(8, false);
	wait_count("rtc-periodic", &vector_count[PIC_BASE + 8], 50);
	set_cmos(0x0b, (cmos(0x0b) & ~0x70u) | 0x10);
	cmos(0x0c);
	vector_count[PIC_BASE + 8] = 0;
	wait_count("rtc-update", &vector_count[PIC_BASE + 8], 1);
	set_cmos(0x0b, cmos(0x0b) & ~0x70u);
	pic_mask(8, true);
	set_handler(PIC_BASE + 8, NULL);
}

void guest_main(void)
{
	uint64_t hz;

	test_tsc();
	test_pm_timer();
	test_pit_count();
	test_pit_oneshot();
	test_pit_periodic();
	test_pit_channel2();
	hz = lapic_hz();
	check(hz > 1000000, "lapic-rate", "%lu Hz", hz);
	test_lapic_oneshot(hz);
	test_lapic_periodic(hz);
	test_deadline();
	test_rtc_time();
	test_rtc_interrupt();
}
