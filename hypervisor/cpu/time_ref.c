// SPDX-License-Identifier: GPL-2.0-or-later
// A counter is read between two reads of the TSC, a few times, and the closest pair counts: so an
// interruption by the firmware or the host spoils one try, not the measurement. The PIT's channel 2
// has no counter worth reading: its output tells when 10 ms are over.
#include "cpu/time_ref.h"

#include "cpu/port.h"
#include "cpu/time.h"

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61 /* bit 0: gate of channel 2, bit 1: speaker, bit 5: its output */
#define GATE_ON      0x01
#define SPEAKER_ON   0x02
#define GATE_OUTPUT  0x20
#define PIT_MODE0    0xb0     /* channel 2, low then high byte, mode 0, binary */
#define PIT_TICKS    11932ull /* 10 ms */

#define RUN_FRACTION 100 /* of a second */
#define TRIES        5
#define GIVE_UP      (1ull << 34) /* TSC ticks; several seconds on any CPU */
#define STUCK        (1ull << 28) /* TSC ticks without a change: a tenth of a second and more */

struct moment {
	uint64_t tsc, count;
};

static struct moment read_both(const struct time_ref *ref)
{
	struct moment best = { 0 };
	uint64_t closest = UINT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t before = time_tsc(), count = ref->read() & ref->mask, after = time_tsc();

		if (after - before < closest) {
			closest = after - before;
			best = (struct moment){ before + closest / 2, count };
		}
	}
	return best;
}

uint64_t time_ref_counter(const struct time_ref *ref)
{
	struct moment begin = read_both(ref), end = begin;
	uint64_t wanted = ref->hz / RUN_FRACTION, passed;

	do {
		end = read_both(ref);
		passed = (end.count - begin.count) & ref->mask;
		if (passed == 0 && end.tsc - begin.tsc > STUCK)
			return 0;
		if (end.tsc - begin.tsc > GIVE_UP)
			return 0;
	} while (passed == 0 || passed < wanted);
	/* 2^34 ticks at most times 2^24 Hz of a PM timer, or 2^27 of an HPET: below 2^64. */
	return (end.tsc - begin.tsc) * ref->hz / passed;
}

uint64_t time_ref_pit(const struct time_ref *ref)
{
	uint8_t gate = port_in8(PIT_GATE) & (uint8_t) ~(SPEAKER_ON | GATE_ON);
	uint64_t begin, now;

	port_out8(PIT_GATE, gate);
	port_out8(PIT_COMMAND, PIT_MODE0);
	port_out8(PIT_CHANNEL2, PIT_TICKS & 0xff);
	port_out8(PIT_CHANNEL2, PIT_TICKS >> 8);
	begin = time_tsc();
	port_out8(PIT_GATE, gate | GATE_ON);
	do
		now = time_tsc();
	while (!(port_in8(PIT_GATE) & GATE_OUTPUT) && now - begin < GIVE_UP);
	port_out8(PIT_GATE, gate);
	return now - begin < GIVE_UP ? (now - begin) * ref->hz / PIT_TICKS : 0;
}
