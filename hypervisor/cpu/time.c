// SPDX-License-Identifier: GPL-2.0-or-later
// The TSC, calibrated at start against the first reference that counts. Ticks and nanoseconds
// convert by 32.32 fixed-point factors, without a division.
#include "cpu/time.h"

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/time_ref.h"

#define RUNS       3
#define TSC_HZ_MIN 1000000ull

/* immutable after time_init */
static struct {
	uint32_t khz;
	uint64_t start;      /* TSC at time 0 */
	uint64_t ns_factor;  /* 2^32 ns per tick */
	uint64_t tsc_factor; /* 2^32 ticks per ns */
} tsc;

uint64_t time_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static uint64_t scale(uint64_t v, uint64_t factor)
{
	return (uint64_t)((unsigned __int128)v * factor >> 32);
}

uint64_t time_tsc_to_ns(uint64_t ticks)
{
	return scale(ticks, tsc.ns_factor);
}

uint64_t time_ns_to_tsc(uint64_t ns)
{
	return scale(ns, tsc.tsc_factor);
}

uint64_t time_now(void)
{
	return time_tsc_to_ns(time_tsc() - tsc.start);
}

uint64_t time_of(uint64_t at)
{
	return at > tsc.start ? time_tsc_to_ns(at - tsc.start) : 0;
}

uint64_t time_at(uint64_t ns)
{
	return tsc.start + time_ns_to_tsc(ns);
}

uint32_t time_tsc_khz(void)
{
	return tsc.khz;
}

/* 2^32 * a / b, which must fit 64 bits: the compiler would call a library for it. */
static uint64_t ratio(uint64_t a, uint64_t b)
{
	uint64_t low = a << 32, high = a >> 32;

	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(b) : "cc");
	return low;
}

static void sort(uint64_t *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint64_t x = v[i];
		unsigned at = i;

		for (; at > 0 && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

/* The frequency by one reference, 0: it does not count. The runs' median drops a disturbed one. */
static uint64_t measure(const struct time_ref *ref)
{
	uint64_t hz[RUNS];

	for (unsigned i = 0; i < RUNS; i++)
		hz[i] = ref->measure(ref);
	sort(hz, RUNS);
	return hz[RUNS / 2];
}

void time_init(const struct time_ref *refs, unsigned n)
{
	uint64_t hz = 0;
	unsigned used = 0;

	for (unsigned i = 0; i < n && hz < TSC_HZ_MIN; i++) {
		hz = measure(&refs[i]);
		used = i;
	}
	if (hz < TSC_HZ_MIN)
		fatal("the TSC cannot be calibrated: neither HPET, PM timer nor PIT counts");
	tsc.khz = (uint32_t)(hz / 1000);
	tsc.ns_factor = ratio(1000000000, hz);
	tsc.tsc_factor = ratio(hz, 1000000000);
	tsc.start = time_tsc();
	log_info("TSC: %u.%03u MHz by the %s", tsc.khz / 1000, tsc.khz % 1000, refs[used].name);
}

static uint64_t epoch_ns;

void time_set_epoch(uint64_t ns)
{
	epoch_ns = ns;
}

uint64_t time_epoch(void)
{
	return epoch_ns;
}

void time_delay_us(unsigned us)
{
	uint64_t begin = time_tsc(), ticks = time_ns_to_tsc(us * 1000ull);

	while (time_tsc() - begin < ticks)
		cpu_relax();
}
