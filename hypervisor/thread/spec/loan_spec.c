// SPDX-License-Identifier: GPL-2.0-or-later
// A thread lends once at a time, and never while it works for others with what it was lent: who
// borrows lends nothing. What it lends is its own weight and all that is lent to it. What is taken
// back is taken back at once from everybody along the way, and the sums are those of the loans.
#include "thread/spec/thread_spec.h"

#define BUCKETS 1024u

struct person {
	struct person *next;
	uint32_t id, to; /* to: 0: lends nothing */
	uint64_t weight, own, lent;
};

struct loans {
	struct person *buckets[BUCKETS];
	struct person *less; /* its loan has to become less at once */
	uint64_t by;
};

static struct loans *loans_of(struct spec_object *o)
{
	if (!o->state)
		o->state = spec_alloc(sizeof(struct loans));
	return o->state;
}

static struct person *person(struct loans *l, uint32_t id)
{
	struct person **at = &l->buckets[id % BUCKETS], *p;

	for (p = *at; p; p = p->next) {
		if (p->id == id)
			return p;
	}
	p = spec_alloc(sizeof(*p));
	*p = (struct person){ .next = *at, .id = id };
	return *at = p;
}

static struct person *lender(struct loans *l, const struct llog_entry *e)
{
	return person(l, (uint32_t)e->arg);
}

static struct person *borrower(struct loans *l, const struct llog_entry *e)
{
	return person(l, (uint32_t)(e->arg >> 32));
}

static void nothing_left_to_pass_on(struct loans *l)
{
	if (l->less)
		spec_violation("loan of thread %u: %llu was taken back from it, and not from "
			       "thread %u",
			       l->less->id, (unsigned long long)l->by, l->less->to);
	l->less = NULL;
}

static void must_be_lent(const struct person *p, const struct person *to)
{
	if (p->to != to->id)
		spec_violation("loan of thread %u: taken back from thread %u, but lent to %u",
			       p->id, to->id, p->to);
}

/* `by` less is lent to p; if it lends, it lends so much less. */
static void lessen(struct loans *l, struct person *p, uint64_t by)
{
	p->lent -= by;
	l->less = p->to ? p : NULL;
	l->by = by;
}

void spec_loan_begin(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct loans *l = loans_of(o);
	struct person *p = lender(l, e), *to = borrower(l, e);

	(void)cpu;
	nothing_left_to_pass_on(l);
	if (p->to || to->to || p == to)
		spec_violation("loan of thread %u (lends to %u) to thread %u (lends to %u)", p->id,
			       p->to, to->id, to->to);
	if (e->arg2 <= p->lent)
		spec_violation("loan of thread %u: %llu, but %llu is lent to it", p->id,
			       (unsigned long long)e->arg2, (unsigned long long)p->lent);
	p->to = to->id;
	p->weight = e->arg2;
	p->own = e->arg2 - p->lent;
	to->lent += e->arg2;
}

void spec_loan_less(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct loans *l = loans_of(o);
	struct person *p = lender(l, e);

	(void)cpu;
	must_be_lent(p, borrower(l, e));
	if (l->less != p || e->arg2 != p->weight - l->by || e->arg2 != p->own + p->lent)
		spec_violation("loan of thread %u: becomes %llu, but it has %llu and %llu is lent "
			       "to it",
			       p->id, (unsigned long long)e->arg2, (unsigned long long)p->own,
			       (unsigned long long)p->lent);
	p->weight = e->arg2;
	lessen(l, borrower(l, e), l->by);
}

void spec_loan_end(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	struct loans *l = loans_of(o);
	struct person *p = lender(l, e), *to = borrower(l, e);

	(void)cpu;
	nothing_left_to_pass_on(l);
	must_be_lent(p, to);
	p->to = 0;
	lessen(l, to, p->weight);
	if (to->lent != e->arg2)
		spec_violation("loan of thread %u: thread %u is left with %llu, it should be %llu",
			       p->id, to->id, (unsigned long long)e->arg2,
			       (unsigned long long)to->lent);
}
