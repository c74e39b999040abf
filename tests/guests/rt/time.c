// SPDX-License-Identifier: GPL-2.0-or-later
// The TSC's rate is measured once, over 50 ms of the PM timer (24 bits). Whoever compares two
// clocks reads both at one moment: between two reads a busy host may let any time pass.

#include "tests/guests/rt/private.h"

#define READS 200

uint32_t pm_ticks(void)
{
	return inl(PM_TIMER) & 0xffffff;
}

/* The tightest of many pairs of reads around it. */
static struct moment tightest(uint32_t (*read)(void), uint64_t good_enough)
{
	struct moment best = { 0 };
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < READS && least > good_enough; i++) {
		uint64_t before = rdtsc();
		uint32_t value = read();
		uint64_t around = rdtsc() - before;

		if (around < least) {
			least = around;
			best = (struct moment){ before + around / 2, value };
		}
	}
	return best;
}

uint64_t tsc_hz(void)
{
	static uint64_t hz;
	struct moment start, end;
	uint32_t passed;

	if (hz)
		return hz;
	start = tightest(pm_ticks, 0);
	while (((pm_ticks() - start.value) & 0xffffff) < PM_TIMER_HZ / 20)
		cpu_pause();
	end = tightest(pm_ticks, 0);
	passed = (end.value - start.value) & 0xffffff;
	hz = (end.tsc - start.tsc) * PM_TIMER_HZ / passed;
	return hz;
}

struct moment moment_of(uint32_t (*read)(void))
{
	return tightest(read, tsc_hz() / 2000);
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * (tsc_hz() / 1000) / 1000;

	while (rdtsc() < end)
		cpu_pause();
}

static void pit_load(uint8_t mode, uint16_t count)
{
	outb(0x43, (uint8_t)(0x30 | mode << 1));
	outb(0x40, (uint8_t)count);
	outb(0x40, (uint8_t)(count >> 8));
}

void pit_periodic(uint16_t count)
{
	pit_load(2, count);
}

void pit_oneshot(uint16_t count)
{
	pit_load(0, count);
}

uint16_t pit_read(void)
{
	uint16_t low;

	outb(0x43, 0);
	low = inb(0x40);
	return (uint16_t)(low | inb(0x40) << 8);
}

void wait_more(struct wait *w, const char *what)
{
	cpu_pause();
	if (!w->since)
		w->since = rdtsc();
	if (w->told || rdtsc() - w->since < 10 * tsc_hz())
		return;
	w->told = true;
	print("waiting: %s\n", what);
}

void wait_count(const char *name, const volatile uint32_t *counter, uint32_t want)
{
	struct wait wait = { 0 };

	sti();
	while (*counter < want)
		wait_more(&wait, name);
	cli();
}

bool kvm_leaves(uint32_t *base)
{
	static const char signature[12] = "KVMKVMKVM\0\0";
	uint32_t text[3];

	if (!(cpuid(1, 0).ecx & BIT(31)))
		return false;
	for (*base = 0x40000000; *base < 0x40010000; *base += 0x100) {
		struct cpuid r = cpuid(*base, 0);

		text[0] = r.ebx;
		text[1] = r.ecx;
		text[2] = r.edx;
		if (!memcmp(text, signature, 12))
			return true;
	}
	return false;
}
