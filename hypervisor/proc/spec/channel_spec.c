// SPDX-License-Identifier: GPL-2.0-or-later
// A channel is a queue of messages in each direction, and two lines of threads at each end: those
// that wait for a message while there is none, and those that wait for room. Lines are served from
// the front; a message is handed over only past an empty queue; nobody waits for a message while
// there is one. A call has a number that no other one under way has; its request is received once
// at most, and it is over once, answered only after that.
#include "proc/spec/channel_spec.h"

typedef unsigned long long ull;

struct channel {
	struct spec_queue messages[2];          /* by end */
	struct spec_queue lines[4];             /* end * 2 + (1: senders) */
	struct spec_queue waiting[2], taken[2]; /* calls, by the caller's end */
};

static struct channel *channel_of(struct spec_object *o)
{
	if (!o->state)
		o->state = spec_alloc(sizeof(struct channel));
	return o->state;
}

static struct spec_queue *messages(struct spec_object *o, const struct llog_entry *e)
{
	return &channel_of(o)->messages[e->extra & 1];
}

static void check_count(const struct spec_object *o, const struct spec_queue *q,
			const struct llog_entry *e)
{
	if (q->n != e->arg2)
		spec_violation("channel %llx: end %u says that %llu messages wait, there are %u",
			       (ull)o->id, e->extra, (ull)e->arg2, q->n);
}

void spec_chan_queue(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct spec_queue *q = messages(o, e);

	(void)cpu;
	spec_queue_add(q, e->arg);
	check_count(o, q, e);
	if (channel_of(o)->lines[(e->extra & 1) * 2].n)
		spec_violation("channel %llx: a message is queued while a receiver waits",
			       (ull)o->id);
}

void spec_chan_hand(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	if (messages(o, e)->n)
		spec_violation("channel %llx: message %llx overtakes the queue", (ull)o->id,
			       (ull)e->arg);
	if (!channel_of(o)->lines[(e->extra & 1) * 2].n)
		spec_violation("channel %llx: message %llx is handed to nobody", (ull)o->id,
			       (ull)e->arg);
}

void spec_chan_take(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct spec_queue *q = messages(o, e);

	if (q->n && q->items[0] != e->arg)
		spec_violation("channel %llx: CPU %u received message %llx before %llx", (ull)o->id,
			       cpu, (ull)e->arg, (ull)q->items[0]);
	if (!spec_queue_remove(q, e->arg))
		spec_violation("channel %llx: CPU %u received message %llx, which is not there",
			       (ull)o->id, cpu, (ull)e->arg);
	check_count(o, q, e);
}

void spec_chan_drop(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	messages(o, e)->n = 0;
}

static struct spec_queue *line(struct spec_object *o, const struct llog_entry *e)
{
	return &channel_of(o)->lines[e->extra & 3];
}

void spec_line_join(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	if (!(e->extra & 1) && channel_of(o)->messages[e->extra >> 1 & 1].n)
		spec_violation("channel %llx: a receiver waits while a message does", (ull)o->id);
	spec_queue_add(line(o, e), e->arg);
}

void spec_line_served(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct spec_queue *q = line(o, e);

	if (q->n && q->items[0] != e->arg)
		spec_violation("channel %llx: CPU %u served waiter %llx before %llx", (ull)o->id,
			       cpu, (ull)e->arg, (ull)q->items[0]);
	if (!spec_queue_remove(q, e->arg))
		spec_violation("channel %llx: CPU %u served waiter %llx, who does not wait",
			       (ull)o->id, cpu, (ull)e->arg);
}

void spec_line_left(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	if (!spec_queue_remove(line(o, e), e->arg))
		spec_violation("channel %llx: waiter %llx leaves a line that it is not in",
			       (ull)o->id, (ull)e->arg);
}

/* ---- calls ---- */

void spec_call_open(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct channel *c = channel_of(o);

	(void)cpu;
	for (unsigned i = 0; i < 2; i++) {
		if (spec_queue_remove(&c->waiting[i], e->arg) ||
		    spec_queue_remove(&c->taken[i], e->arg))
			spec_violation("channel %llx: two calls have number %llu", (ull)o->id,
				       (ull)e->arg);
	}
	spec_queue_add(&c->waiting[e->extra & 1], e->arg);
}

void spec_call_taken(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct channel *c = channel_of(o);

	if (!spec_queue_remove(&c->waiting[e->extra & 1], e->arg))
		spec_violation("channel %llx: CPU %u received call %llu, which does not wait",
			       (ull)o->id, cpu, (ull)e->arg);
	spec_queue_add(&c->taken[e->extra & 1], e->arg);
}

void spec_call_closed(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct channel *c = channel_of(o);
	bool taken = spec_queue_remove(&c->taken[e->extra & 1], e->arg);

	if (!taken && !spec_queue_remove(&c->waiting[e->extra & 1], e->arg))
		spec_violation("channel %llx: CPU %u ended call %llu, which is over", (ull)o->id,
			       cpu, (ull)e->arg);
	if (!taken && !e->arg2)
		spec_violation("channel %llx: call %llu is answered and was never received",
			       (ull)o->id, (ull)e->arg);
}
