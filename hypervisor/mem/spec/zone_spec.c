// SPDX-License-Identifier: GPL-2.0-or-later
// A zone is a set of pages. What is given out was in it, what comes back was not, blocks are
// aligned, and the count of free pages changes by just what came or went. Of a page that has not
// been seen yet either may be true.
#include "mem/spec/zone_spec.h"

#define PAGES_MAX (1u << 22)
#define ORDER_MAX 18

enum page_state {
	UNKNOWN,
	FREE,
	USED
};

struct zone {
	bool counted;
	uint64_t free;
	uint8_t *state; /* enum page_state by page number */
};

static struct zone *zone_of(struct spec_object *o)
{
	struct zone *z = o->state;

	if (!z) {
		o->state = z = spec_alloc(sizeof(*z));
		z->state = spec_alloc(PAGES_MAX);
	}
	return z;
}

static void change(struct spec_object *o, unsigned cpu, const struct llog_entry *e,
		   enum page_state to)
{
	struct zone *z = zone_of(o);
	const char *what = spec_rows[e->op].name;
	uint64_t n = 1ull << MIN(e->extra, ORDER_MAX), i = 0;

	if (e->extra > ORDER_MAX || e->arg & (n - 1) || e->arg + n > PAGES_MAX) {
		spec_violation("zone %llx: %s of page %llx, order %u on CPU %u: no such block",
			       (unsigned long long)o->id, what, (unsigned long long)e->arg,
			       e->extra, cpu);
		return;
	}
	while (i < n && z->state[e->arg + i] != (uint8_t)to)
		i++;
	if (i < n)
		spec_violation("zone %llx: %s of page %llx, order %u on CPU %u: page %llx already "
			       "is",
			       (unsigned long long)o->id, what, (unsigned long long)e->arg,
			       e->extra, cpu, (unsigned long long)(e->arg + i));
	for (i = 0; i < n; i++)
		z->state[e->arg + i] = (uint8_t)to;
}

static void count(struct spec_object *o, const struct llog_entry *e, uint64_t expected)
{
	struct zone *z = zone_of(o);

	if (z->counted && e->arg2 != expected)
		spec_violation("zone %llx: %llu pages are free after %s, there must be %llu",
			       (unsigned long long)o->id, (unsigned long long)e->arg2,
			       spec_rows[e->op].name, (unsigned long long)expected);
	z->counted = true;
	z->free = e->arg2;
}

void spec_zone_alloc(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	change(o, cpu, e, USED);
	count(o, e, zone_of(o)->free - (1ull << e->extra));
}

void spec_zone_free(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	change(o, cpu, e, FREE);
	count(o, e, zone_of(o)->free + (1ull << e->extra));
}
