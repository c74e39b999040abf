// SPDX-License-Identifier: GPL-2.0-or-later
// The TSC, calibrated against channel 2 of the PIT, which every PC and emulator has: the shortest
// of a few runs counts, since whatever disturbs a run makes it longer. Ticks and nanoseconds
// convert by 32.32 fixed-point factors, without a division.
#include "cpu/time.h"

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/port.h"

#define PIT_HZ       1193182ull
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61 /* bit 0: gate of channel 2, bit 1: speaker, bit 5: its output */
#define GATE_ON      0x01
#define SPEAKER_ON   0x02
#define GATE_OUTPUT  0x20
#define PIT_MODE0    0xb0 /* channel 2, low then high byte, mode 0, binary */

#define RUN_TICKS 11932ull /* 10 ms */
#define RUNS      3
#define GIVE_UP   (1ull << 34) /* TSC ticks; several seconds on any CPU */

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

/* TSC ticks in RUN_TICKS of the PIT; 0: it does not count. */
static uint64_t run_once(void)
{
	uint8_t gate = port_in8(PIT_GATE) & (uint8_t) ~(SPEAKER_ON | GATE_ON);
	uint64_t begin, now;

	port_out8(PIT_GATE, gate);
	port_out8(PIT_COMMAND, PIT_MODE0);
	port_out8(PIT_CHANNEL2, RUN_TICKS & 0xff);
	port_out8(PIT_CHANNEL2, RUN_TICKS >> 8);
	begin = time_tsc();
	port_out8(PIT_GATE, gate | GATE_ON);
	do
		now = time_tsc();
	while (!(port_in8(PIT_GATE) & GATE_OUTPUT) && now - begin < GIVE_UP);
	port_out8(PIT_GATE, gate);
	return now - begin < GIVE_UP ? now - begin : 0;
}

void time_init(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < RUNS; i++) {
		uint64_t ticks = run_once();

		if (ticks && ticks < best)
			best = ticks;
	}
	if (best == UINT64_MAX || best * PIT_HZ / RUN_TICKS < 1000000)
		fatal("the TSC cannot be calibrated: the PIT's channel 2 does not count");
	uint64_t hz = best * PIT_HZ / RUN_TICKS;
	tsc.khz = (uint32_t)(hz / 1000);
	tsc.ns_factor = ratio(1000000000, hz);
	tsc.tsc_factor = ratio(hz, 1000000000);
	tsc.start = time_tsc();
	log_info("TSC: %u.%03u MHz", tsc.khz / 1000, tsc.khz % 1000);
}

void time_delay_us(unsigned us)
{
	uint64_t begin = time_tsc(), ticks = time_ns_to_tsc(us * 1000ull);

	while (time_tsc() - begin < ticks)
		cpu_relax();
}
