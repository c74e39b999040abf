// SPDX-License-Identifier: GPL-2.0-or-later
// The engine of the replay: finds the object of an event, and holds an event back until those
// before it have come. Memory comes from one arena that spec_reset empties.
#include "lock/spec/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS     4096u
#define ARENA_CHUNK (1u << 20)
#define PRINTED_MAX 20

struct spec_pending {
	struct spec_pending *next;
	uint32_t at;
	unsigned cpu;
	struct llog_entry e;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct spec_totals spec_totals;
char spec_first_violation[256];

static struct chunk *arena;
static struct spec_pending *free_pendings;
static struct spec_object *objects, *object_buckets[BUCKETS];
static struct spec_thread *threads, *thread_buckets[BUCKETS];
static struct spec_cpu cpus[LLOG_CPUS];
static unsigned touched[2 * BUCKETS], nr_touched; /* buckets in use */
static bool be_quiet;

/* ---- memory ---- */

static struct chunk *new_chunk(size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c) {
		fprintf(stderr, "replay: out of memory\n");
		exit(2);
	}
	c->size = size;
	return c;
}

void *spec_alloc(size_t size)
{
	void *p;

	size = ALIGN_UP(size, (size_t)16);
	if (!arena || arena->size - arena->used < size) {
		struct chunk *c = new_chunk(MAX(size, (size_t)ARENA_CHUNK));

		c->next = arena;
		arena = c;
	}
	p = arena->bytes + arena->used;
	arena->used += size;
	return p;
}

/* The last chunk is kept, since the explorer resets often. */
static void empty_arena(void)
{
	while (arena && arena->next) {
		struct chunk *c = arena;

		arena = c->next;
		free(c);
	}
	if (arena) {
		memset(arena->bytes, 0, arena->used);
		arena->used = 0;
	}
}

static void empty_buckets(void)
{
	for (unsigned i = 0; i < nr_touched; i++) {
		if (touched[i] < BUCKETS)
			object_buckets[touched[i]] = NULL;
		else
			thread_buckets[touched[i] - BUCKETS] = NULL;
	}
	nr_touched = 0;
}

void spec_reset(void)
{
	empty_arena();
	empty_buckets();
	free_pendings = NULL;
	objects = NULL;
	threads = NULL;
	memset(cpus, 0, sizeof(cpus));
	for (unsigned i = 0; i < LLOG_CPUS; i++)
		cpus[i].n = i;
	memset(&spec_totals, 0, sizeof(spec_totals));
	spec_first_violation[0] = '\0';
}

/* ---- what is seen ---- */

void spec_set_quiet(bool quiet)
{
	be_quiet = quiet;
}

void spec_violation(const char *fmt, ...)
{
	char text[sizeof(spec_first_violation)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (spec_totals.violations++ == 0)
		memcpy(spec_first_violation, text, sizeof(text));
	if (!be_quiet && spec_totals.violations <= PRINTED_MAX)
		printf("violation: %s\n", text);
}

static unsigned bucket_of(uint64_t id)
{
	return (unsigned)((id * 0x9e3779b97f4a7c15ull) >> 52);
}

static struct spec_object *object_of(uint64_t id)
{
	unsigned b = bucket_of(id);
	struct spec_object *o = object_buckets[b];

	for (; o; o = o->next_in_bucket) {
		if (o->id == id)
			return o;
	}
	if (!object_buckets[b])
		touched[nr_touched++] = b;
	o = spec_alloc(sizeof(*o));
	*o = (struct spec_object){ .id = id, .next_in_bucket = object_buckets[b], .next = objects };
	o->order.now = 1;
	o->order.last = &o->order.first;
	object_buckets[b] = objects = o;
	spec_totals.objects++;
	return o;
}

static struct spec_thread *thread_of(uint32_t id)
{
	unsigned b = bucket_of(id);
	struct spec_thread *t = thread_buckets[b];

	for (; t; t = t->next_in_bucket) {
		if (t->id == id)
			return t;
	}
	if (!thread_buckets[b])
		touched[nr_touched++] = BUCKETS + b;
	t = spec_alloc(sizeof(*t));
	*t = (struct spec_thread){ .id = id, .next_in_bucket = thread_buckets[b], .next = threads };
	t->order.last = &t->order.first;
	thread_buckets[b] = threads = t;
	spec_totals.threads++;
	return t;
}

struct spec_cpu *spec_cpu(unsigned n)
{
	return &cpus[n];
}

unsigned spec_cpus_seen(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LLOG_CPUS; i++)
		n += cpus[i].events != 0;
	return n;
}

struct spec_object *spec_objects(void)
{
	return objects;
}

/* ---- order ---- */

static void hold_back(struct spec_order *order, uint32_t at, unsigned cpu,
		      const struct llog_entry *e)
{
	struct spec_pending *p = free_pendings;

	if (p)
		free_pendings = p->next;
	else
		p = spec_alloc(sizeof(*p));
	*p = (struct spec_pending){ .at = at, .cpu = cpu, .e = *e };
	*order->last = p;
	order->last = &p->next;
}

/* The first event held back whose time has come. */
static bool take_due(struct spec_order *order, struct llog_entry *e, unsigned *cpu)
{
	for (struct spec_pending **link = &order->first; *link; link = &(*link)->next) {
		struct spec_pending *p = *link;

		if (p->at != order->now)
			continue;
		*link = p->next;
		if (order->last == &p->next)
			order->last = link;
		*e = p->e;
		*cpu = p->cpu;
		p->next = free_pendings;
		free_pendings = p;
		return true;
	}
	return false;
}

static void feed_object(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct llog_entry due = *e;

	if (e->seq != o->order.now) {
		if (e->seq < o->order.now)
			spec_violation("lock %llx: CPU %u has turn %u, which is over",
				       (unsigned long long)o->id, cpu, e->seq);
		else
			hold_back(&o->order, e->seq, cpu, e);
		return;
	}
	do
		spec_rows[due.op].locked(o, cpu, &due);
	while (take_due(&o->order, &due, &cpu));
}

static void feed_thread(struct spec_thread *t, unsigned cpu, const struct llog_entry *e)
{
	struct llog_entry due = *e;
	uint32_t count = (uint32_t)(e->arg >> 32);

	if (count != t->order.now) {
		if (count < t->order.now)
			spec_violation("thread %u: two CPUs had it at once (%s on CPU %u)", t->id,
				       spec_rows[e->op].name, cpu);
		else
			hold_back(&t->order, count, cpu, e);
		return;
	}
	do {
		spec_rows[due.op].thread(t, cpu, &due);
		t->order.now++;
	} while (take_due(&t->order, &due, &cpu));
}

void spec_feed(unsigned cpu, const struct llog_entry *e)
{
	const struct spec_row *row;

	if (cpu >= LLOG_CPUS || e->op >= LLOG_OPS) {
		spec_violation("the log is damaged: CPU %u, event %u", cpu, e->op);
		return;
	}
	row = &spec_rows[e->op];
	spec_totals.events++;
	spec_totals.of[e->op]++;
	cpus[cpu].events++;
	if (row->cpu)
		row->cpu(&cpus[cpu], e);
	if (row->locked)
		feed_object(object_of(e->object), cpu, e);
	if (row->thread)
		feed_thread(thread_of((uint32_t)e->arg), cpu, e);
}

/* ---- the end ---- */

static void end_object(const struct spec_object *o, bool quiet)
{
	if (o->order.first)
		spec_violation("lock %llx: events of turn %u, but turn %u has not %s",
			       (unsigned long long)o->id, o->order.first->at, o->order.now,
			       o->taken ? "ended" : "begun");
	else if (quiet && o->taken)
		spec_violation("lock %llx: still held by CPU %u", (unsigned long long)o->id,
			       o->cpu);
}

static bool is_on_its_way(const struct spec_thread *t)
{
	return t->at == AT_START || t->at == AT_POSTED || t->at == AT_ACCEPTED ||
	       t->at == AT_WOKEN || t->at == AT_GIVEN || t->at == AT_DEAD;
}

static void end_thread(const struct spec_thread *t, bool quiet)
{
	static const char *const places[AT_PLACES] = {
		[AT_NOWHERE] = "nowhere",
		[AT_START] = "started, and never ready",
		[AT_POSTED] = "in an inbox that nobody empties",
		[AT_ACCEPTED] = "taken from an inbox, and never ready",
		[AT_READY] = "ready",
		[AT_RUNNING] = "running",
		[AT_SLEEPING] = "asleep",
		[AT_WOKEN] = "woken, and never ready",
		[AT_GIVEN] = "given away, and never posted",
		[AT_DEAD] = "dead, and never freed",
		[AT_GONE] = "gone",
	};

	spec_totals.threads_at[t->at]++;
	if (t->order.first)
		spec_violation("thread %u: an event is missing after %u (it is %s)", t->id,
			       t->order.now, places[t->at]);
	else if (quiet && is_on_its_way(t))
		spec_violation("thread %u is lost: %s (CPU %llu)", t->id, places[t->at],
			       (unsigned long long)t->where);
}

void spec_end(bool quiet)
{
	for (unsigned i = 0; quiet && i < LLOG_CPUS; i++)
		spec_lock_end(&cpus[i]);
	for (const struct spec_object *o = objects; o; o = o->next)
		end_object(o, quiet);
	for (const struct spec_thread *t = threads; t; t = t->next)
		end_thread(t, quiet);
}

/* ---- queues ---- */

void spec_queue_add(struct spec_queue *q, uint64_t item)
{
	if (q->n == q->room) {
		uint32_t room = q->room ? q->room * 2 : 8;
		uint64_t *items = spec_alloc(room * sizeof(*items));

		if (q->n)
			memcpy(items, q->items, q->n * sizeof(*items));
		q->items = items;
		q->room = room;
	}
	q->items[q->n++] = item;
}

bool spec_queue_remove(struct spec_queue *q, uint64_t item)
{
	for (uint32_t i = 0; i < q->n; i++) {
		if (q->items[i] != item)
			continue;
		q->n--;
		memmove(q->items + i, q->items + i + 1, (q->n - i) * sizeof(*q->items));
		return true;
	}
	return false;
}
