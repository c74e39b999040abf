/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracing of what the machine does, for people: exits, injections, posted interrupts, system calls
 * and switches of threads with their times, into a ring of each CPU (trace_ring.h), switched on and
 * off at run time, for all or for one VM.
 *
 * Contract: while it is off nothing is done on an exit, a system call or a posted interrupt (they
 * come by code that knows nothing of tracing: pointers are changed when it is switched on), and one
 * word is looked at for each switch. While it is on: own CPU, interrupts off, not in an NMI; no
 * lock, no allocation.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/trace_ring.h"

enum trace_kind {
	TRACE_GUEST,  /* a stay in a guest, exits answered on the way included */
	TRACE_EXIT,   /* one exit: `name` says why, address: RIP */
	TRACE_INJECT, /* an event for a guest; address: vector */
	TRACE_SWITCH, /* from here on the CPU runs this thread */
	TRACE_POST,   /* an event is left for a vCPU, on any CPU; address: vector */
	TRACE_CALL,   /* a system call; address: its result */
};

extern uint32_t tracing_on; /* [a] */
extern uint32_t tracing_vm; /* [a] 0: all that happens */

static inline bool trace_is_on(void)
{
	return unlikely(__atomic_load_n(&tracing_on, __ATOMIC_RELAXED));
}

/* Whether what a VM does (0: none) is wanted. */
static inline bool trace_wants(uint64_t vm)
{
	uint32_t only = __atomic_load_n(&tracing_vm, __ATOMIC_RELAXED);

	return only == 0 || only == (uint32_t)vm;
}

/* Each CPU's ring, zeroed, stays for ever. Before tracing is on for the first time; one caller. */
void trace_set_ring(cpu_id_t cpu, struct trace_ring *ring);
bool trace_has_ring(cpu_id_t cpu);
/* Switching on forgets what was there; vm: 0, or the only one that is wanted. Any CPU. */
void trace_switch_on(bool on, uint32_t vm);

/* A VM takes another one's place: if that one alone is wanted, it is from now on. Any context. */
void trace_follow(uint32_t vm, uint32_t successor);

/*
 * What began at item->tsc and is over now; `ticks` and `name` are filled in here. name: a C string,
 * cut if need be. Who calls has asked trace_wants().
 */
void trace_note(struct trace_item *item, const char *name);
/* trace_ring_get of a CPU. Any context. */
bool trace_read(cpu_id_t cpu, uint64_t *seq, struct trace_item *out);
