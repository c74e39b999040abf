/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between loan.c and sched.c: what a thread has lent and been lent. */
#pragma once

#include "thread/ready.h"

struct thread;

/* Locks: [l] loans' lock   [L] the same; read by the thread's CPU without it   [o] t->cpu
 *        [p] the thread itself, before it asks */
struct thread_loan {
	struct thread *to;   /* [l] whom it lends to; NULL: nobody */
	struct thread *owed; /* [l] whom it lent to last: a reference until loan_settle */
	uint32_t offer;      /* [p] own weight */
	uint64_t weight;     /* [l] of its loan */
	uint64_t place;      /* [l] on the common scale (thread/ready.h): [p] its own when it
				asked; its borrower's when the loan ended */
	unsigned chain;      /* [l] the longest chain of loans that ends here */
	unsigned lenders;    /* [l] */
	uint64_t lent;       /* [L] the sum lent to it */
	int64_t lag;         /* [l] of what is not in force: weight times how far ahead */
	uint64_t in_force;   /* [o] of `lent`, as its CPU knows it */
};

static inline bool loan_has_changed(const struct thread_loan *l)
{
	return __atomic_load_n(&l->lent, __ATOMIC_RELAXED) != l->in_force;
}

/* Own CPU, the thread not queued and charged up to now: what has been lent or taken back is in
 * force from here on. */
void loan_apply(const struct ready_queue *q, struct ready_entry *e, struct thread_loan *l);
