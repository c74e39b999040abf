// SPDX-License-Identifier: GPL-2.0-or-later
// A wait queue is a queue: who is woken in turn is the first, a wakeup takes as many as it was
// asked for while there are any, and a time-out or an interrupt may take anybody. A condition
// variable's caller gives its lock back only when it has joined: else a signal could come between.
#include "thread/spec/thread_spec.h"

static struct spec_queue *queue_of(struct spec_object *o)
{
	if (!o->state)
		o->state = spec_alloc(sizeof(struct spec_queue));
	return o->state;
}

void spec_wait_sleep(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	spec_queue_add(queue_of(o), (uint32_t)e->arg);
}

void spec_wait_woken(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct spec_queue *q = queue_of(o);
	uint32_t thread = (uint32_t)e->arg;
	bool in_turn = e->arg2 == 0;

	if (in_turn && q->n && q->items[0] != thread)
		spec_violation("wait queue %llx: CPU %u woke thread %u before thread %llu",
			       (unsigned long long)o->id, cpu, thread,
			       (unsigned long long)q->items[0]);
	if (!spec_queue_remove(q, thread))
		spec_violation("wait queue %llx: CPU %u woke thread %u, which is not in it",
			       (unsigned long long)o->id, cpu, thread);
	o->woken += in_turn;
}

void spec_wait_wake(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	const struct spec_queue *q = queue_of(o);

	if (e->arg2 != o->woken || e->arg2 > e->arg)
		spec_violation(
			"wait queue %llx: CPU %u says that it woke %llu of %llu, and woke %u",
			(unsigned long long)o->id, cpu, (unsigned long long)e->arg2,
			(unsigned long long)e->arg, o->woken);
	if (e->arg2 < e->arg && q->n)
		spec_violation(
			"wait queue %llx: a wakeup is lost: CPU %u woke %llu of %llu, %u wait",
			(unsigned long long)o->id, cpu, (unsigned long long)e->arg2,
			(unsigned long long)e->arg, q->n);
	o->woken = 0;
}

void spec_cond_wait(struct spec_cpu *c, const struct llog_entry *e)
{
	if (!spec_cpu_holds(c, e->arg))
		spec_violation("condition variable %llx: CPU %u waits without lock %llx",
			       (unsigned long long)e->object, c->n, (unsigned long long)e->arg);
}

void spec_cond_wait_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)o, (void)cpu, (void)e;
}
