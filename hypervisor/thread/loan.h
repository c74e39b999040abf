/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loans of weight: a thread that sleeps until another has answered lends that one its weight, so
 * that the answer comes as soon as if it worked itself. Loans add up: who answers several runs with
 * the weight of all, and who asks a third one meanwhile lends on what it was lent. What is lent is
 * what sleeps, so the sum of the weights that run does not change.
 *
 * With the weight goes the lender's position in virtual time: borrower and lender are ahead of the
 * others by what they were together, and when the loan ends both are as far ahead as the borrower
 * then is. So neither has run for nothing.
 *
 * A loan begins only while its borrower is awake or waits for requests, never while it lends: so
 * loans form trees, and LOAN_CHAIN_MAX limits their height and with it the work under the lock. A
 * loan that would make a longer chain is not given.
 *
 * Locks: `loans`, a leaf, taken inside; by nothing but this and a CPU's first charge after a
 * change.
 */
#pragma once

#include "thread/thread.h"

#define LOAN_CHAIN_MAX 8u

/*
 * The current thread is about to ask: notes the weight and the position that it will lend. Before
 * anybody can call loan_begin for it. Any lock below LEAF may be held.
 */
void loan_prepare(void);
/*
 * `from`, which has prepared and lends nothing, lends to `to` from now on. `from` is asleep or
 * about to be; `to` is the current thread, or waits for requests and is not yet woken. Any lock
 * below LEAF.
 */
void loan_begin(struct thread *from, struct thread *to);
/* What `from` lends is taken back from its borrower, and from whom that one lends to. Nothing when
 * it lends nothing. Any lock below LEAF. */
void loan_end(struct thread *from);
/*
 * The current thread has its answer, or waits no longer: takes back what it still lends, and stands
 * where its borrower stood. No lock held.
 */
void loan_settle(void);

uint64_t loan_received(const struct thread *t); /* the sum lent to it now; any context */
