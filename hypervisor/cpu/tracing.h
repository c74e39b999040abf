/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracing of what the machine does, for people: exits, injections and switches of threads with
 * their times, into a ring of each CPU (trace_ring.h), switched on and off at run time.
 *
 * Contract: while it is off nothing is done on an exit (the backend enters guests by code that
 * knows nothing of tracing), and one word is looked at for each switch. While it is on: own CPU,
 * interrupts off, not in an NMI; no lock, no allocation.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/trace_ring.h"

enum trace_kind {
	TRACE_GUEST,  /* a stay in a guest, exits answered on the way included */
	TRACE_EXIT,   /* one exit: `name` says why, address: RIP */
	TRACE_INJECT, /* an event for a guest; address: vector */
	TRACE_SWITCH, /* from here on the CPU runs this thread */
};

extern uint32_t tracing_on; /* [a] */

static inline bool trace_is_on(void)
{
	return unlikely(__atomic_load_n(&tracing_on, __ATOMIC_RELAXED));
}

/* Each CPU's ring, zeroed, stays for ever. Before tracing is on for the first time; one caller. */
void trace_set_ring(cpu_id_t cpu, struct trace_ring *ring);
bool trace_has_ring(cpu_id_t cpu);
/* Switching on forgets what was there. Any CPU. */
void trace_switch_on(bool on);

/* What began at `tsc` and is over now; name: a C string, cut if need be. */
void trace_note(enum trace_kind kind, uint64_t tsc, uint64_t id, unsigned vcpu, uint64_t address,
		const char *name);
/* trace_ring_get of a CPU. Any context. */
bool trace_read(cpu_id_t cpu, uint64_t *seq, struct trace_item *out);
