// SPDX-License-Identifier: GPL-2.0-or-later
// Wait queues for host tests: threads are the test's own, one a CPU (host_run_on_cpus); who sleeps
// yields until it is woken. Time is the computer's. host_interrupt() plays thread_interrupt().
#include <sched.h>
#include <time.h>
#include "cpu/log.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "tests/host/thread.h"

struct waiter {
	struct list_head node;
	bool woken;
};

static const struct lock_class wait_class = { "wait", LOCK_RANK_WAIT };
static bool interrupted[CPU_MAX];

uint64_t time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void host_interrupt(unsigned cpu)
{
	__atomic_store_n(&interrupted[cpu], true, __ATOMIC_RELEASE);
}

void wait_queue_init(struct wait_queue *q)
{
	lock_init(&q->lock, &wait_class);
	list_init(&q->waiters);
}

void wait_begin(struct wait_queue *q)
{
	lock_acquire(&q->lock);
}

void wait_end(struct wait_queue *q)
{
	lock_release(&q->lock);
}

static int why_awake(struct waiter *w, uint64_t deadline, bool interruptible)
{
	if (w->woken)
		return 0;
	if (interruptible &&
	    __atomic_exchange_n(&interrupted[this_cpu_id().n], false, __ATOMIC_ACQUIRE))
		return -EINTR;
	return time_now() >= deadline ? -ETIMEDOUT : 1;
}

int wait_sleep(struct wait_queue *q, uint64_t deadline, bool interruptible)
{
	struct waiter w = { .woken = false };
	int rc;

	ASSERT(lock_held(&q->lock));
	list_add_tail(&w.node, &q->waiters);
	while ((rc = why_awake(&w, deadline, interruptible)) == 1) {
		lock_release(&q->lock);
		sched_yield();
		lock_acquire(&q->lock);
	}
	if (!w.woken)
		list_del(&w.node);
	lock_release(&q->lock);
	return rc;
}

unsigned wait_wake_locked(struct wait_queue *q, unsigned n)
{
	unsigned done = 0;

	ASSERT(lock_held(&q->lock));
	while (done < n && !list_empty(&q->waiters)) {
		struct waiter *w = list_first_entry(&q->waiters, struct waiter, node);

		list_del(&w->node);
		w->woken = true;
		done++;
	}
	return done;
}

unsigned wait_wake(struct wait_queue *q, unsigned n)
{
	unsigned done;

	wait_begin(q);
	done = wait_wake_locked(q, n);
	wait_end(q);
	return done;
}
