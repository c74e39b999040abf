// SPDX-License-Identifier: GPL-2.0-or-later
// A sleeping thread is on one wait queue. Whoever takes it off, under the queue's lock, has claimed
// it and wakes it; so a wakeup, the deadline and an interrupt never both end a sleep. Deadline and
// interrupt act on the thread's own CPU, where the thread cannot get away meanwhile.
#include "cpu/log.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "thread/log_who.h"
#include "thread/sched.h"

static const struct lock_class wait_class = { "wait queue", LOCK_RANK_WAIT };

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

static void take_off(struct thread *t, int result)
{
	list_del(&t->wait.link);
	t->wait.queued = false;
	t->wait.result = result;
	LLOG_LOCKED(&t->wait.queue->lock, LLOG_WAIT_WOKEN, log_who(t), (uint64_t)result, 0);
}

void wait_claim(struct thread *t, int result)
{
	struct wait_queue *q = t->wait.queue;
	bool mine;

	lock_acquire(&q->lock);
	mine = t->wait.queued;
	if (mine)
		take_off(t, result);
	lock_release(&q->lock);
	if (mine)
		sched_wake(t);
}

void wait_timeout(struct timer *timer)
{
	wait_claim(container_of(timer, struct thread, wait.timeout), -ETIMEDOUT);
}

/* Why not to sleep at all; 0: do. */
static int refused(const struct thread *t, uint64_t deadline, bool interruptible)
{
	if (interruptible && __atomic_load_n(&t->head.interrupted, __ATOMIC_SEQ_CST))
		return -EINTR;
	return deadline != WAIT_FOREVER && deadline <= time_now() ? -ETIMEDOUT : 0;
}

static void go_to_sleep(struct thread *t, struct wait_queue *q, uint64_t deadline,
			bool interruptible)
{
	t->wait.queue = q;
	t->wait.queued = true;
	t->wait.result = 0;
	list_add_tail(&t->wait.link, &q->waiters);
	t->interruptible = interruptible;
	t->state = THREAD_SLEEPING;
	LLOG_LOCKED(&q->lock, LLOG_WAIT_SLEEP, log_who(t), 0, 0);
	if (deadline != WAIT_FOREVER)
		timer_arm(&t->wait.timeout, deadline);
}

int wait_sleep(struct wait_queue *q, uint64_t deadline, bool interruptible)
{
	struct thread *t = thread_current();
	int err = refused(t, deadline, interruptible);

	DEBUG_ASSERT(lock_held(&q->lock));
	ASSERT(t != sched_idle_thread());
	if (err) {
		lock_release(&q->lock);
		return err;
	}
	go_to_sleep(t, q, deadline, interruptible);
	lock_release(&q->lock);
	sched_switch();
	/* The waker may still hold it; the caller is free to end the queue's life now. */
	lock_acquire(&q->lock);
	lock_release(&q->lock);
	return t->wait.result;
}

unsigned wait_wake_locked(struct wait_queue *q, unsigned n)
{
	unsigned woken = 0;

	DEBUG_ASSERT(lock_held(&q->lock));
	for (; woken < n && !list_empty(&q->waiters); woken++) {
		struct thread *t = list_first_entry(&q->waiters, struct thread, wait.link);

		take_off(t, 0);
		sched_wake(t);
	}
	LLOG_LOCKED(&q->lock, LLOG_WAIT_WAKE, n, woken, 0);
	return woken;
}

unsigned wait_wake(struct wait_queue *q, unsigned n)
{
	unsigned woken;

	lock_acquire(&q->lock);
	woken = wait_wake_locked(q, n);
	lock_release(&q->lock);
	return woken;
}

int thread_sleep_until(uint64_t deadline, bool interruptible)
{
	struct wait_queue nobody;
	int err;

	wait_queue_init(&nobody);
	wait_begin(&nobody);
	err = wait_sleep(&nobody, deadline, interruptible);
	return err == -ETIMEDOUT ? 0 : err;
}

void condvar_init(struct condvar *c)
{
	wait_queue_init(&c->queue);
}

/* The queue's lock is taken before the caller's is dropped: no signal comes between. */
int condvar_wait(struct condvar *c, struct lock *l, uint64_t deadline, bool interruptible)
{
	int err;

	DEBUG_ASSERT(lock_held(l));
	wait_begin(&c->queue);
	LLOG_LOCKED(&c->queue.lock, LLOG_COND_WAIT, llog_lock_id(l), 0, 0);
	lock_release(l);
	err = wait_sleep(&c->queue, deadline, interruptible);
	lock_acquire(l);
	return err;
}

void condvar_signal(struct condvar *c)
{
	wait_wake(&c->queue, 1);
}

void condvar_broadcast(struct condvar *c)
{
	wait_wake(&c->queue, UINT32_MAX);
}
