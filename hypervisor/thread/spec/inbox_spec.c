// SPDX-License-Identifier: GPL-2.0-or-later
// An inbox: what is posted comes out once, all of it together, in the order in which it was posted,
// and only the CPU whose inbox it is takes it out.
#include "thread/spec/thread_spec.h"

struct inbox {
	struct spec_queue threads, knocks;
	uint64_t cpu; /* + 1; 0: not known yet */
};

static struct inbox *inbox_of(struct spec_object *o, uint64_t cpu)
{
	struct inbox *in = o->state;

	if (!in)
		o->state = in = spec_alloc(sizeof(*in));
	if (in->cpu && in->cpu != cpu + 1)
		spec_violation("inbox %llx of CPU %llu is taken for that of CPU %llu",
			       (unsigned long long)o->id, (unsigned long long)in->cpu - 1,
			       (unsigned long long)cpu);
	in->cpu = cpu + 1;
	return in;
}

void spec_inbox_post(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	spec_queue_add(&inbox_of(o, e->arg2)->threads, (uint32_t)e->arg);
}

void spec_inbox_knock(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	(void)cpu;
	spec_queue_add(&inbox_of(o, e->arg2)->knocks, (uint32_t)e->arg);
}

/* What was taken out and what was made of it: known in either order. */
static void compare(struct spec_cpu *c, struct spec_queue *out, struct spec_queue *done,
		    const char *what)
{
	while (out->n && done->n) {
		if (out->items[0] != done->items[0])
			spec_violation("CPU %u: %s thread %llu, but the next in the inbox was %llu",
				       c->n, what, (unsigned long long)done->items[0],
				       (unsigned long long)out->items[0]);
		spec_queue_remove(out, out->items[0]);
		spec_queue_remove(done, done->items[0]);
	}
}

static void compare_all(struct spec_cpu *c)
{
	struct spec_cpu_threads *s = spec_threads_of(c);

	compare(c, &s->emptied, &s->accepted, "accepted");
	compare(c, &s->knocks_emptied, &s->answered, "answered for");
}

static void move(struct spec_queue *from, struct spec_queue *to)
{
	for (uint32_t i = 0; i < from->n; i++)
		spec_queue_add(to, from->items[i]);
	from->n = 0;
}

void spec_inbox_emptied(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct inbox *in = inbox_of(o, e->arg2);
	struct spec_cpu *c = spec_cpu(cpu);
	struct spec_cpu_threads *s = spec_threads_of(c);

	if (e->arg2 != cpu)
		spec_violation("CPU %u empties the inbox of CPU %llu", cpu,
			       (unsigned long long)e->arg2);
	move(&in->threads, &s->emptied);
	move(&in->knocks, &s->knocks_emptied);
	compare_all(c);
}

void spec_inbox_accept(struct spec_cpu *c, const struct llog_entry *e)
{
	spec_queue_add(&spec_threads_of(c)->accepted, (uint32_t)e->arg);
	compare_all(c);
}

void spec_inbox_answer(struct spec_cpu *c, const struct llog_entry *e)
{
	spec_queue_add(&spec_threads_of(c)->answered, (uint32_t)e->arg);
	compare_all(c);
}

void spec_inbox_end(void)
{
	for (unsigned i = 0; i < LLOG_CPUS; i++) {
		const struct spec_cpu_threads *s = spec_threads_of(spec_cpu(i));

		if (s->emptied.n || s->knocks_emptied.n || s->accepted.n || s->answered.n)
			spec_violation("CPU %u: %u threads and %u knocks were taken from its inbox "
				       "and forgotten, %u and %u came from nowhere",
				       i, s->emptied.n, s->knocks_emptied.n, s->accepted.n,
				       s->answered.n);
	}
}
