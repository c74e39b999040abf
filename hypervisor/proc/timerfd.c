// SPDX-License-Identifier: GPL-2.0-or-later
// A timer as an object: a kernel timer on the CPU that armed it counts expiries, a read takes the
// count. The kernel timer fires at most once in MIN_PERIOD; expiries that lie closer are counted
// together. Arming excludes other arming by a flag, because cancelling a timer of another CPU
// waits.
#include "cpu/time.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/event.h"

#define MIN_PERIOD 50000ull /* ns */

/* Locks: [I] immutable   [l] lock   [a] atomic   [b] who set `arming` */
struct timerfd {
	struct object object;
	struct timer timer; /* [b] */
	bool arming;        /* [a] */
	bool realtime;      /* [I] */
	struct lock lock;
	uint64_t next;     /* [l] next expiry, time_now(); 0: not armed */
	uint64_t interval; /* [l] ns; 0: once */
	uint64_t expiries; /* [l] not yet read */
};

static const struct lock_class timerfd_class = { "timerfd", LOCK_RANK_OBJECT };

static struct timerfd *timerfd_of(const struct object *o)
{
	return container_of(o, struct timerfd, object);
}

static void timerfd_destroy(struct object *o)
{
	struct timerfd *t = timerfd_of(o);

	timer_cancel(&t->timer);
	kfree(t);
}

static uint32_t timerfd_ready(struct object *o)
{
	return READ_ONCE(timerfd_of(o)->expiries) != 0 ? OBJECT_IN : 0;
}

static int64_t timerfd_read(struct object *o, uint64_t buf, uint64_t len)
{
	struct timerfd *t = timerfd_of(o);
	uint64_t v;

	if (len < sizeof(v))
		return -EINVAL;
	lock_acquire(&t->lock);
	v = t->expiries;
	t->expiries = 0;
	lock_release(&t->lock);
	if (v == 0)
		return -EAGAIN;
	return copy_to_user(buf, &v, sizeof(v)) == 0 ? (int64_t)sizeof(v) : -EFAULT;
}

const struct object_ops timerfd_ops = {
	.name = "timer",
	.destroy = timerfd_destroy,
	.ready = timerfd_ready,
	.read = timerfd_read,
};

/* Counts what has expired; the time to fire next, 0: none. Lock held. */
static uint64_t advance(struct timerfd *t, uint64_t now)
{
	uint64_t n;

	if (t->next == 0 || now < t->next)
		return t->next;
	n = t->interval != 0 ? 1 + (now - t->next) / t->interval : 1;
	t->expiries += n;
	t->next = t->interval != 0 ? t->next + n * t->interval : 0;
	return t->next != 0 ? MAX(t->next, now + MIN_PERIOD) : 0;
}

static void timerfd_fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	uint64_t next;

	lock_acquire(&t->lock);
	next = advance(t, time_now());
	lock_release(&t->lock);
	if (next != 0)
		timer_arm(timer, next);
	object_notify(&t->object);
}

struct object *timerfd_create(struct container *c, bool realtime)
{
	struct timerfd *t = kalloc(c, sizeof(*t));

	if (t == NULL)
		return NULL;
	object_init(&t->object, &timerfd_ops, c);
	lock_init(&t->lock, &timerfd_class);
	timer_init(&t->timer, timerfd_fire);
	t->realtime = realtime;
	return &t->object;
}

void timerfd_arm(struct object *timer, uint64_t deadline, uint64_t interval)
{
	struct timerfd *t = timerfd_of(timer);

	while (__atomic_exchange_n(&t->arming, true, __ATOMIC_ACQUIRE))
		thread_yield();
	timer_cancel(&t->timer);
	lock_acquire(&t->lock);
	t->next = deadline;
	t->interval = interval;
	t->expiries = 0;
	lock_release(&t->lock);
	if (deadline != 0)
		timer_arm(&t->timer, deadline);
	__atomic_store_n(&t->arming, false, __ATOMIC_RELEASE);
}

void timerfd_get(struct object *timer, uint64_t *left, uint64_t *interval)
{
	struct timerfd *t = timerfd_of(timer);
	uint64_t now = time_now();

	lock_acquire(&t->lock);
	*left = t->next == 0 ? 0 : t->next > now ? t->next - now : 1;
	*interval = t->interval;
	lock_release(&t->lock);
}

bool timerfd_is_realtime(const struct object *timer)
{
	return timerfd_of(timer)->realtime;
}
