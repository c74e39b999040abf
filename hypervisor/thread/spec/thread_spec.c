// SPDX-License-Identifier: GPL-2.0-or-later
// A thread is at one place at a time, and each event takes it from there to the next. So no CPU can
// have it twice, and none can lose it: one that is nowhere at the end is found by spec_end.
#include "thread/spec/thread_spec.h"

#define AT(x) (1u << (x))

static const char *const names[AT_PLACES] = {
	[AT_NOWHERE] = "not started", [AT_START] = "started", [AT_POSTED] = "in an inbox",
	[AT_ACCEPTED] = "accepted",   [AT_READY] = "ready",   [AT_RUNNING] = "running",
	[AT_SLEEPING] = "asleep",     [AT_WOKEN] = "woken",   [AT_GIVEN] = "given away",
	[AT_DEAD] = "dead",           [AT_GONE] = "gone",
};

struct spec_cpu_threads *spec_threads_of(struct spec_cpu *c)
{
	if (!c->state)
		c->state = spec_alloc(sizeof(struct spec_cpu_threads));
	return c->state;
}

static void go(struct spec_thread *t, unsigned cpu, const struct llog_entry *e, unsigned from,
	       enum spec_thread_at to, uint64_t where)
{
	if (!(AT(t->at) & from))
		spec_violation("thread %u: %s on CPU %u while it is %s (%llu)", t->id,
			       spec_rows[e->op].name, cpu, names[t->at],
			       (unsigned long long)t->where);
	t->at = to;
	t->where = where;
}

static void must_be_here(const struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	if (t->where != cpu)
		spec_violation("thread %u: %s on CPU %u, but it belongs to CPU %llu", t->id,
			       spec_rows[e->op].name, cpu, (unsigned long long)t->where);
}

void spec_thread_start(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	go(t, cpu, e, AT(AT_NOWHERE), AT_START, e->arg2);
}

void spec_thread_posted(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	go(t, cpu, e, AT(AT_START) | AT(AT_WOKEN) | AT(AT_GIVEN), AT_POSTED, e->arg2);
}

void spec_thread_accepted(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_POSTED), AT_ACCEPTED, cpu);
}

void spec_thread_ready(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	if (t->at != AT_WOKEN)
		must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_START) | AT(AT_WOKEN) | AT(AT_ACCEPTED) | AT(AT_RUNNING), AT_READY,
	   cpu);
}

void spec_thread_runs(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_READY), AT_RUNNING, cpu);
}

void spec_thread_given(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	if (t->at != AT_WOKEN)
		must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_READY) | AT(AT_START) | AT(AT_WOKEN) | AT(AT_ACCEPTED) | AT(AT_RUNNING),
	   AT_GIVEN, e->arg2);
}

void spec_thread_sleeps(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_RUNNING), AT_SLEEPING, e->object);
}

void spec_thread_woken(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	if (t->where != e->object)
		spec_violation("thread %u: woken from queue %llx, but it sleeps in %llx", t->id,
			       (unsigned long long)e->object, (unsigned long long)t->where);
	go(t, cpu, e, AT(AT_SLEEPING), AT_WOKEN, cpu);
}

void spec_thread_dead(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	must_be_here(t, cpu, e);
	go(t, cpu, e, AT(AT_RUNNING), AT_DEAD, cpu);
}

void spec_thread_gone(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	go(t, cpu, e, AT(AT_DEAD), AT_GONE, cpu);
}
