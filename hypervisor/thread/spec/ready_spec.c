// SPDX-License-Identifier: GPL-2.0-or-later
// A ready queue: the thread with the least virtual time runs, of equals the one that came first;
// only what is in it leaves it, once; and nobody waits for ever.
#include "thread/spec/thread_spec.h"

#include <string.h>

/* So many others may run before a thread that is ready does. */
#define PASSED_MAX 20000u

static void make_room(struct spec_cpu_threads *s)
{
	uint32_t room = s->room ? s->room * 2 : 16;
	struct spec_ready_one *more = spec_alloc(room * sizeof(*more));

	if (s->nr_ready)
		memcpy(more, s->ready, s->nr_ready * sizeof(*more));
	s->ready = more;
	s->room = room;
}

static uint32_t find(const struct spec_cpu_threads *s, uint32_t thread)
{
	uint32_t i = 0;

	while (i < s->nr_ready && s->ready[i].thread != thread)
		i++;
	return i;
}

/* ---- what runs: one thread, and none vanishes while it does ---- */

void spec_ready_stops(struct spec_cpu *c, const struct llog_entry *e)
{
	struct spec_cpu_threads *s = spec_threads_of(c);
	uint32_t thread = (uint32_t)e->arg;

	if (s->left == thread)
		s->left = 0;
	else if (s->running == thread)
		s->running = 0;
}

/* The next may be chosen before the one that runs is put back, but not one more. */
static void starts(struct spec_cpu *c, uint32_t thread)
{
	struct spec_cpu_threads *s = spec_threads_of(c);

	if (s->left)
		spec_violation("CPU %u: thread %u is lost: it ran, and is neither ready nor asleep",
			       c->n, s->left);
	s->left = s->running;
	s->running = thread;
}

void spec_ready_end(void)
{
	for (unsigned i = 0; i < LLOG_CPUS; i++) {
		const struct spec_cpu_threads *s = spec_threads_of(spec_cpu(i));

		if (s->left)
			spec_violation(
				"CPU %u: thread %u is lost: it ran, and is neither ready nor "
				"asleep",
				i, s->left);
	}
}

/* ---- the queue ---- */

void spec_ready_insert(struct spec_cpu *c, const struct llog_entry *e)
{
	struct spec_cpu_threads *s = spec_threads_of(c);
	uint32_t thread = (uint32_t)e->arg;

	spec_ready_stops(c, e);
	if (find(s, thread) < s->nr_ready)
		spec_violation("CPU %u: thread %u is made ready twice", c->n, thread);
	if (s->nr_ready == s->room)
		make_room(s);
	s->ready[s->nr_ready++] = (struct spec_ready_one){ .thread = thread, .vtime = e->arg2 };
}

static uint32_t first(const struct spec_cpu_threads *s)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < s->nr_ready; i++) {
		if ((int64_t)(s->ready[i].vtime - s->ready[best].vtime) < 0)
			best = i;
	}
	return best;
}

static void take_out(struct spec_cpu *c, uint32_t thread)
{
	struct spec_cpu_threads *s = spec_threads_of(c);
	uint32_t i = find(s, thread);

	if (i == s->nr_ready) {
		spec_violation("CPU %u: thread %u leaves the ready queue and is not in it", c->n,
			       thread);
		return;
	}
	s->nr_ready--;
	memmove(s->ready + i, s->ready + i + 1, (s->nr_ready - i) * sizeof(*s->ready));
}

void spec_ready_remove(struct spec_cpu *c, const struct llog_entry *e)
{
	struct spec_cpu_threads *s = spec_threads_of(c);
	uint32_t thread = (uint32_t)e->arg;

	if (s->nr_ready && s->ready[first(s)].thread != thread)
		spec_violation("CPU %u: thread %u runs before thread %u, which is further behind",
			       c->n, thread, s->ready[first(s)].thread);
	take_out(c, thread);
	starts(c, thread);
	for (uint32_t i = 0; i < s->nr_ready; i++) {
		if (++s->ready[i].passed == PASSED_MAX)
			spec_violation("CPU %u: thread %u is ready and never runs", c->n,
				       s->ready[i].thread);
		if (s->ready[i].passed > s->max_passed)
			s->max_passed = s->ready[i].passed;
	}
}

void spec_ready_leave(struct spec_cpu *c, const struct llog_entry *e)
{
	take_out(c, (uint32_t)e->arg);
}
