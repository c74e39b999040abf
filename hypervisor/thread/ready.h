/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ready queue of one CPU: weighted fair share by virtual time. A thread's virtual time runs
 * while it runs, the slower the greater its weight; the thread that is furthest behind runs next.
 *
 * Locks: none; a queue and the entries in it belong to one CPU. Virtual times wrap and are compared
 * by difference.
 */
#pragma once

#include "lib/rbtree.h"

#define READY_WEIGHT_DEFAULT 1024u
#define READY_WEIGHT_MAX     (1u << 20)

struct ready_entry {
	struct rb_node node;
	uint64_t vtime; /* ns of a thread of default weight; relative to the queue's while the entry
			   is on its way to one (ready_leave) */
	uint32_t weight;
	bool queued;
};

struct ready_queue {
	struct rb_root tree; /* by vtime; equal ones in order of arrival */
	uint64_t base;       /* no runnable thread is behind it; never goes back */
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

/* Should `e`, which became ready, run at once in place of `running`? */
bool ready_preempts(const struct ready_entry *e, const struct ready_entry *running);

/* Not queued: makes vtime relative to this queue's; and the other way round on arrival at another.
 */
void ready_leave(const struct ready_queue *q, struct ready_entry *e);
void ready_arrive(const struct ready_queue *q, struct ready_entry *e);
