// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual time is a 64-bit count that may wrap: all entries of a queue lie within 2^63 of each
// other, since whoever joins is placed near the queue's base. The base follows the thread that is
// furthest behind, the running one included.
#include "thread/ready.h"

/* What a thread that slept may be ahead of the others at most. */
#define SLEEPER_NS 3000000ull
/* So much further behind than the running one must be who interrupts it. */
#define PREEMPT_NS 1000000ull

static bool is_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static struct ready_entry *entry_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct ready_entry, node) : NULL;
}

void ready_insert(struct ready_queue *q, struct ready_entry *e)
{
	struct rb_node **link = &q->tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = is_before(e->vtime, entry_of(parent)->vtime) ? &parent->left
								    : &parent->right;
	}
	rb_insert(&q->tree, &e->node, parent, link);
	e->queued = true;
	q->n++;
}

void ready_remove(struct ready_queue *q, struct ready_entry *e)
{
	rb_remove(&q->tree, &e->node);
	e->queued = false;
	q->n--;
}

struct ready_entry *ready_first(const struct ready_queue *q)
{
	return entry_of(rb_first(&q->tree));
}

struct ready_entry *ready_last(const struct ready_queue *q)
{
	return entry_of(rb_last(&q->tree));
}

struct ready_entry *ready_before(const struct ready_entry *e)
{
	return entry_of(rb_prev(&e->node));
}

/* ns * default / weight; the product of whole ns might not fit. */
uint64_t ready_virtual(uint64_t ns, uint32_t weight)
{
	return ns / weight * READY_WEIGHT_DEFAULT + ns % weight * READY_WEIGHT_DEFAULT / weight;
}

void ready_charge(struct ready_queue *q, struct ready_entry *running, uint64_t ns)
{
	const struct ready_entry *first = ready_first(q);
	uint64_t behind;

	running->vtime += ready_virtual(ns, running->weight);
	behind = running->vtime;
	if (first && is_before(first->vtime, behind))
		behind = first->vtime;
	if (is_before(q->base, behind))
		q->base = behind;
}

void ready_place_woken(const struct ready_queue *q, struct ready_entry *e)
{
	uint64_t earliest = q->base - SLEEPER_NS;

	if (is_before(e->vtime, earliest))
		e->vtime = earliest;
}

int64_t ready_distance(const struct ready_queue *q, uint64_t place, uint32_t weight)
{
	int64_t distance = (int64_t)(place - ready_place(q));
	int64_t most = (int64_t)ready_virtual(READY_LAG_MAX_NS, weight);

	return MAX(MIN(distance, most), -(int64_t)SLEEPER_NS);
}

void ready_merge(const struct ready_queue *q, struct ready_entry *e, uint64_t gain, int64_t lag)
{
	int64_t weight = (int64_t)e->weight, total = weight + (int64_t)gain;
	int64_t own = (int64_t)(e->vtime - q->base);

	own = own / total * weight + own % total * weight / total;
	e->vtime = q->base + (uint64_t)(own + lag / total);
}

void ready_set_place(const struct ready_queue *q, struct ready_entry *e, uint64_t place)
{
	uint64_t at = place - q->offset;
	uint64_t latest = q->base + ready_virtual(READY_LAG_MAX_NS, e->weight);

	if (is_before(latest, at))
		at = latest;
	if (is_before(e->vtime, at))
		e->vtime = at;
}

bool ready_preempts(const struct ready_entry *e, const struct ready_entry *running)
{
	return is_before(e->vtime + PREEMPT_NS, running->vtime);
}

void ready_place_new(const struct ready_queue *q, struct ready_entry *e)
{
	e->vtime = q->base;
}

void ready_leave(const struct ready_queue *q, struct ready_entry *e)
{
	e->vtime += q->offset;
}

void ready_arrive(struct ready_queue *q, struct ready_entry *e)
{
	uint64_t most = ready_virtual(READY_LAG_MAX_NS, e->weight);
	uint64_t behind = ready_behind(e->vtime, ready_place(q));
	uint64_t ahead = ready_behind(ready_place(q), e->vtime);

	if (behind > most)
		q->offset -= behind - most;
	else if (ahead > most)
		q->offset += ahead - most;
	e->vtime -= q->offset;
}

void ready_lift(struct ready_queue *q, uint64_t place)
{
	q->offset += ready_behind(ready_place(q), place);
}
