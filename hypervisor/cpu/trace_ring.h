/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of one CPU for tracing: its own CPU writes and never waits, anybody reads. Old entries
 * are overwritten; a reader that was overtaken goes on with the oldest that is left.
 *
 * Contract: entries are numbered from 0 for ever. One writer (with interrupts off); any number of
 * readers on any CPU, without a lock: what a reader has copied is whole if the writer has not come
 * round to it meanwhile, which it looks at afterwards.
 */
#pragma once

#include "lib/types.h"

#define TRACE_ENTRIES 2048u
#define TRACE_NAME    28

struct trace_item {
	uint64_t tsc;     /* when it began */
	uint64_t ticks;   /* how long it took */
	uint64_t address; /* RIP, an interrupt's vector, or a system call's result */
	uint32_t vm;      /* 0: has nothing to do with one */
	uint32_t thread;  /* 0: is told by its VM and vCPU */
	uint16_t kind;    /* enum trace_kind */
	uint16_t number;  /* of the vCPU, or the system call (0xffff: that or more) */
	char name[TRACE_NAME];
};
static_assert_size(struct trace_item, 64);

/* Locks: [w] the writer   [a] atomic */
struct trace_ring {
	uint64_t next;  /* [a] number of the next entry; set by the writer */
	uint64_t first; /* [a] readers begin here: what is before belongs to an earlier trace */
	uint64_t unused[6];
	struct trace_item items[TRACE_ENTRIES]; /* [w] */
};

static inline void trace_ring_put(struct trace_ring *r, const struct trace_item *item)
{
	uint64_t next = r->next;

	/* Readers must not see a part of this one while they take the slot for the old one's. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	r->items[next % TRACE_ENTRIES] = *item;
	__atomic_store_n(&r->next, next + 1, __ATOMIC_RELEASE);
}

/* Forgets what is there. Any CPU. */
static inline void trace_ring_forget(struct trace_ring *r)
{
	__atomic_store_n(&r->first, __atomic_load_n(&r->next, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

/*
 * The entry number *seq, or the oldest that is left after it; *seq becomes its number. false: there
 * is none yet.
 */
static inline bool trace_ring_get(const struct trace_ring *r, uint64_t *seq, struct trace_item *out)
{
	for (;;) {
		uint64_t next = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);

		*seq = MAX(*seq, __atomic_load_n(&r->first, __ATOMIC_ACQUIRE));
		/* The slot of the oldest may be in the writer's hands. */
		if (*seq + TRACE_ENTRIES <= next)
			*seq = next - TRACE_ENTRIES + 1;
		if (*seq >= next)
			return false;
		*out = r->items[*seq % TRACE_ENTRIES];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&r->next, __ATOMIC_RELAXED) < *seq + TRACE_ENTRIES)
			return true;
	}
}
