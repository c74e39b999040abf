// SPDX-License-Identifier: GPL-2.0-or-later
// Each thread has at most one loan out, since it sleeps meanwhile, so loans are edges of a forest:
// what is taken back at one edge is taken back along the way to the root. The sums are changed
// under one lock; a CPU sees at its next charge that a sum is not the one it reckons with.
#include "thread/loan.h"

#include "cpu/log.h"
#include "lock/llog.h"
#include "thread/sched.h"

static const struct lock_class loans_class = { "loans", LOCK_RANK_LEAF };
static struct lock loans = LOCK_INIT(&loans_class);

/* `lender`'s loan, which has just been changed by who holds the lock. */
static void log_loan(enum llog_op op, const struct thread *lender, const struct thread *to,
		     uint64_t value)
{
	LLOG_LOCKED(&loans, op, (uint32_t)lender->id | to->id << 32, value, 0);
}

static void set_lent(struct thread *t, uint64_t lent)
{
	__atomic_store_n(&t->loan.lent, lent, __ATOMIC_RELAXED);
}

uint64_t loan_received(const struct thread *t)
{
	return __atomic_load_n(&t->loan.lent, __ATOMIC_RELAXED);
}

void loan_prepare(void)
{
	struct thread *t = thread_current();

	sched_account();
	t->loan.offer = sched_own_weight(t);
	t->loan.place = sched_place_of(t);
}

static void give(struct thread *from, struct thread *to)
{
	struct thread_loan *l = &from->loan, *b = &to->loan;

	ASSERT(!l->to && !l->owed && !b->to && from != to);
	if (l->chain + 1 > LOAN_CHAIN_MAX)
		return;
	l->to = thread_get(to);
	l->owed = to;
	l->weight = l->offer + l->lent;
	b->lag += (int64_t)l->weight * sched_distance(l->place, to, from->ready.weight);
	b->chain = MAX(b->chain, l->chain + 1);
	b->lenders++;
	set_lent(to, b->lent + l->weight);
	log_loan(LLOG_LOAN_BEGIN, from, to, l->weight);
}

void loan_begin(struct thread *from, struct thread *to)
{
	/* What it ran so far it ran by its own weight. */
	sched_account();
	lock_acquire(&loans);
	give(from, to);
	lock_release(&loans);
	sched_account();
}

/* Whoever `t` lends to has so much less, and so on: no more than LOAN_CHAIN_MAX of them. */
static void take_along(struct thread *t, uint64_t weight)
{
	for (; t->loan.to; t = t->loan.to) {
		t->loan.weight -= weight;
		set_lent(t->loan.to, t->loan.to->loan.lent - weight);
		log_loan(LLOG_LOAN_LESS, t, t->loan.to, t->loan.weight);
	}
}

static void take_back(struct thread *from)
{
	struct thread *to = from->loan.to;
	struct thread_loan *b = &to->loan;

	from->loan.place = sched_place_of(to);
	from->loan.to = NULL;
	set_lent(to, b->lent - from->loan.weight);
	if (--b->lenders == 0)
		b->chain = 0;
	log_loan(LLOG_LOAN_END, from, to, b->lent);
	take_along(to, from->loan.weight);
}

void loan_end(struct thread *from)
{
	sched_account();
	lock_acquire(&loans);
	if (from->loan.to)
		take_back(from);
	lock_release(&loans);
	sched_account();
}

void loan_settle(void)
{
	struct thread *t = thread_current(), *owed;

	loan_end(t);
	owed = t->loan.owed;
	if (!owed)
		return;
	t->loan.owed = NULL;
	sched_set_place(t->loan.place);
	thread_put(owed);
}

void loan_apply(const struct ready_queue *q, struct ready_entry *e, struct thread_loan *l)
{
	const int64_t most = (int64_t)(READY_LAG_MAX_NS * READY_WEIGHT_DEFAULT);
	uint64_t gain;
	int64_t lag;

	lock_acquire(&loans);
	gain = l->lent > l->in_force ? l->lent - l->in_force : 0;
	/* Some of it may have been taken back already. */
	lag = MAX(MIN(l->lag, most), -most);
	l->lag = 0;
	l->in_force = l->lent;
	lock_release(&loans);
	if (gain)
		ready_merge(q, e, gain, lag);
}
