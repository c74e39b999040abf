/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ready queue of one CPU: weighted fair share by virtual time. A thread's virtual time runs
 * while it runs, the slower the greater its weight; the thread that is furthest behind runs next.
 *
 * Virtual times of all CPUs are one scale: a queue's times plus its `offset`. So what a thread got
 * on one CPU counts on another, and queues can be compared: the one whose place is less serves its
 * threads worse.
 *
 * Locks: none; a queue and the entries in it belong to one CPU. Virtual times wrap and are compared
 * by difference.
 */
#pragma once

#include "lib/rbtree.h"

#define READY_WEIGHT_DEFAULT 1024u
#define READY_WEIGHT_MAX     (1u << 20)
/* What a thread may be owed at most for what it missed on another CPU, in ns of running. */
#define READY_LAG_MAX_NS 40000000ull

struct ready_entry {
	struct rb_node node;
	uint64_t vtime; /* ns of a thread of default weight; on the common scale while the entry is
			   on its way to a queue (ready_leave) */
	uint32_t weight;
	bool queued;
};

struct ready_queue {
	struct rb_root tree; /* by vtime; equal ones in order of arrival */
	uint64_t base;       /* who slept is placed near it; never goes back */
	uint64_t offset;     /* from times here to the common scale */
	unsigned n;
};

void ready_insert(struct ready_queue *q, struct ready_entry *e);
void ready_remove(struct ready_queue *q, struct ready_entry *e);
struct ready_entry *ready_first(const struct ready_queue *q); /* NULL: empty */
/* From the one that would run last: whom to give to another CPU. */
struct ready_entry *ready_last(const struct ready_queue *q);
struct ready_entry *ready_before(const struct ready_entry *e);

/* `running`, which is not queued, ran for ns. */
void ready_charge(struct ready_queue *q, struct ready_entry *running, uint64_t ns);

/*
 * Before ready_insert of one that slept: it has not saved up time, but is a little ahead of those
 * that ran meanwhile.
 */
void ready_place_woken(const struct ready_queue *q, struct ready_entry *e);

/* How far the place is ahead of the queue, virtual ns; below 0: behind. No further than one can be
 * who has just woken, or who owes all that a thread of `weight` can. */
int64_t ready_distance(const struct ready_queue *q, uint64_t place, uint32_t weight);

/*
 * `e`, not queued, is given `gain` more weight by others, and with it their place: `lag` is the sum
 * of weight times distance. All together are where they were on the average; e->weight is still
 * the caller's to change.
 */
void ready_merge(const struct ready_queue *q, struct ready_entry *e, uint64_t gain, int64_t lag);

/* The entry, not queued, is at that place of the common scale at least, though not further ahead
 * than a thread can owe. */
void ready_set_place(const struct ready_queue *q, struct ready_entry *e, uint64_t place);

/* Should `e`, which became ready, run at once in place of `running`? */
bool ready_preempts(const struct ready_entry *e, const struct ready_entry *running);

/* Before the first ready_insert of a new one. */
void ready_place_new(const struct ready_queue *q, struct ready_entry *e);

/*
 * Not queued: puts vtime on the common scale; and the other way round on arrival at another queue,
 * which is moved on the scale where the two are further apart than a thread can be owed.
 */
void ready_leave(const struct ready_queue *q, struct ready_entry *e);
void ready_arrive(struct ready_queue *q, struct ready_entry *e);

/* Where the queue is on the common scale. */
static inline uint64_t ready_place(const struct ready_queue *q)
{
	return q->base + q->offset;
}

/* How far place a is behind b; 0: it is not. */
static inline uint64_t ready_behind(uint64_t a, uint64_t b)
{
	return (int64_t)(b - a) > 0 ? b - a : 0;
}

/* ns of running as virtual time. */
uint64_t ready_virtual(uint64_t ns, uint32_t weight);

/* The queue is at least at `place`: for one that was idle. */
void ready_lift(struct ready_queue *q, uint64_t place);
