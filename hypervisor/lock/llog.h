/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The logical log: what happens to a shared object, event by event, so that a specification written
 * apart from the implementation can replay it (lock/spec/). Debug image, with `llog` on the command
 * line; the release image has no code for it.
 *
 * Each CPU writes a ring of its own. The order of the events of one object does not come from
 * clocks: what happens under a lock carries the lock's turn (how often it has been taken), what
 * happens to a thread the thread's own count, and a CPU's private events stand in order in its
 * ring. A reader outside the machine takes events off the rings; a CPU whose ring is full waits for
 * it.
 *
 * Context: any with interrupts off. Locks: none; a ring's `head` is written by its CPU, its `tail`
 * by the reader.
 */
#pragma once

#include "lock/lock.h"

enum llog_op {
	LLOG_NONE,
	LLOG_END, /* the last of this CPU. arg: number of CPUs */
	/* object: the lock; seq: its turn */
	LLOG_LOCK_WAITS, /* somebody is ahead. arg: place in line; arg2: whose turn it is (ticket
			    lock) or who is ahead; extra: LLOG_MCS. seq: none */
	LLOG_LOCK_TAKEN, /* arg: place in line (ticket lock: ticket; MCS: own node << 32 | node
			    ahead); extra: LLOG_MCS */
	LLOG_LOCK_FREED,
	LLOG_ZONE_ALLOC,  /* arg: page number; arg2: pages free after it; extra: order */
	LLOG_ZONE_FREE,   /* the same */
	LLOG_CHAN_QUEUE,  /* arg: message; arg2: messages queued after it; extra: end */
	LLOG_CHAN_HAND,   /* arg: message, to the receiver that is first in line */
	LLOG_CHAN_TAKE,   /* arg: message, out of the queue; arg2: messages left */
	LLOG_CHAN_DROP,   /* the end is gone, with what it had queued */
	LLOG_LINE_JOIN,   /* arg: waiter; extra: end * 2 + (1: senders) */
	LLOG_LINE_SERVED, /* the first of its line */
	LLOG_LINE_LEFT,   /* gave up */
	LLOG_CALL_OPEN,   /* arg: the call's number; extra: the caller's end */
	LLOG_CALL_TAKEN,  /* received at the other end */
	LLOG_CALL_CLOSED, /* arg2: with this result */
	/* object: the loans' lock; arg: lender | borrower << 32 */
	LLOG_LOAN_BEGIN, /* arg2: its weight */
	LLOG_LOAN_LESS,  /* arg2: the weight that is left of it */
	LLOG_LOAN_END,   /* arg2: the sum that others still lend to the borrower */
	/* object: the wait queue's lock; arg: thread | its count << 32 */
	LLOG_WAIT_SLEEP, /* joins the queue */
	LLOG_WAIT_WOKEN, /* taken off it; arg2: result of the sleep, 0: it was its turn */
	LLOG_WAIT_WAKE,  /* arg: how many were to be woken; arg2: how many were */
	LLOG_COND_WAIT,  /* arg: the caller's lock, which is still held */
	LLOG_INBOX_POST, /* a thread for CPU arg2 */
	LLOG_INBOX_KNOCK,
	LLOG_INBOX_EMPTIED, /* everything taken out, by CPU arg2 */
	/* object: the CPU */
	LLOG_INBOX_ACCEPT,
	LLOG_INBOX_ANSWER,
	LLOG_READY_INSERT, /* arg2: virtual time */
	LLOG_READY_REMOVE, /* the first: runs */
	LLOG_READY_LEAVE,  /* any, to go to another CPU. arg: thread */
	/* object: none */
	LLOG_THREAD_START,
	LLOG_THREAD_GIVEN, /* goes to CPU arg2 */
	LLOG_THREAD_DEAD,
	LLOG_THREAD_GONE,
	LLOG_OPS,
};

#define LLOG_MCS 1u

/* As the reader sees it. */
struct llog_entry {
	uint64_t tsc;
	uint64_t object;
	uint64_t arg, arg2;
	uint32_t seq;
	uint16_t op, extra; /* enum llog_op */
};
_Static_assert(sizeof(struct llog_entry) == 40, "read by lock/spec/");

struct llog_ring {
	uint64_t head; /* entries written so far */
	uint8_t pad[56];
	uint64_t tail; /* entries read so far */
	uint8_t pad2[56];
	struct llog_entry entries[];
};

#define LLOG_CPUS         16u
#define LLOG_RING_BYTES   (1ul << 20)
#define LLOG_BYTES        (LLOG_CPUS * LLOG_RING_BYTES)
#define LLOG_ORDER        12 /* of that, as a block of pages */
#define LLOG_RING_ENTRIES ((LLOG_RING_BYTES - sizeof(struct llog_ring)) / sizeof(struct llog_entry))

/* What names a lock in the log. */
uint64_t llog_lock_id(const struct lock *l);

void llog_write(enum llog_op op, uint64_t object, uint32_t seq, uint64_t arg, uint64_t arg2,
		unsigned extra);

#ifdef CONFIG_LLOG

/* Starts it, with LLOG_BYTES of zeroed memory for the rings; before the second CPU runs, no lock
 * held. */
void llog_start(void *rings);
extern bool llog_on;

/* lock.c and mcs.c */
void llog_lock_init(struct lock *l);
void llog_lock_waits(const struct lock *l, uint64_t place, uint64_t turn_of, unsigned kind);
void llog_lock_taken(struct lock *l, uint64_t place, unsigned kind);
void llog_lock_freed(const struct lock *l);

/* An event of what `l` protects; it is held. */
#define LLOG_LOCKED(l, op, arg, arg2, extra)                                          \
	do {                                                                          \
		if (llog_on)                                                          \
			llog_write(op, llog_lock_id(l), (l)->turn, arg, arg2, extra); \
	} while (0)

/* An event of what belongs to this CPU alone. */
#define LLOG_CPU(op, arg, arg2)                                           \
	do {                                                              \
		if (llog_on)                                              \
			llog_write(op, this_cpu_id().n, 0, arg, arg2, 0); \
	} while (0)

#else

static inline void llog_lock_init(struct lock *l)
{
	(void)l;
}

static inline void llog_lock_waits(const struct lock *l, uint64_t place, uint64_t turn_of,
				   unsigned kind)
{
	(void)l, (void)place, (void)turn_of, (void)kind;
}

static inline void llog_lock_taken(struct lock *l, uint64_t place, unsigned kind)
{
	(void)l, (void)place, (void)kind;
}

static inline void llog_lock_freed(const struct lock *l)
{
	(void)l;
}

/* No code: the compiler sees what is used, and that it never is. */
#define LLOG_LOCKED(l, op, arg, arg2, extra)                                  \
	do {                                                                  \
		if (false)                                                    \
			llog_write(op, llog_lock_id(l), 0, arg, arg2, extra); \
	} while (0)
#define LLOG_CPU(op, arg, arg2)                             \
	do {                                                \
		if (false)                                  \
			llog_write(op, 0, 0, arg, arg2, 0); \
	} while (0)

#endif
