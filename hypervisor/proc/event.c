// SPDX-License-Identifier: GPL-2.0-or-later
// An event is a 64-bit counter behind a lock; reading takes it, writing adds. Every change notifies
// the pollers. event_signal() never fails: a counter at its limit is readable anyway.
#include "proc/event.h"

#include "lib/errno.h"
#include "mem/kalloc.h"

#define EVENT_LIMIT (UINT64_MAX - 1) /* eventfd(2): the largest value */

/* Locks: [I] immutable   [l] lock */
struct event {
	struct object object;
	struct lock lock;
	uint64_t value;     /* [l] */
	unsigned int flags; /* [I] */
};

static const struct lock_class event_class = { "event", LOCK_RANK_OBJECT };

static struct event *event_of(struct object *o)
{
	return container_of(o, struct event, object);
}

static void event_destroy(struct object *o)
{
	kfree(event_of(o));
}

static uint32_t event_ready(struct object *o)
{
	uint64_t v = READ_ONCE(event_of(o)->value);

	return (v != 0 ? OBJECT_IN : 0) | (v < EVENT_LIMIT ? OBJECT_OUT : 0);
}

static int64_t event_read(struct object *o, uint64_t buf, uint64_t len)
{
	struct event *e = event_of(o);
	uint64_t v;

	if (len < sizeof(v))
		return -EINVAL;
	lock_acquire(&e->lock);
	v = e->flags & EVENT_SEMAPHORE ? MIN(e->value, 1ull) : e->value;
	e->value -= v;
	lock_release(&e->lock);
	if (v == 0)
		return -EAGAIN;
	object_notify(o);
	return copy_to_user(buf, &v, sizeof(v)) == 0 ? (int64_t)sizeof(v) : -EFAULT;
}

static int64_t event_write(struct object *o, uint64_t buf, uint64_t len)
{
	struct event *e = event_of(o);
	bool fits;
	uint64_t v;

	if (len < sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, buf, sizeof(v)) != 0)
		return -EFAULT;
	if (v == UINT64_MAX)
		return -EINVAL;
	lock_acquire(&e->lock);
	fits = v <= EVENT_LIMIT - e->value;
	if (fits)
		e->value += v;
	lock_release(&e->lock);
	if (!fits)
		return -EAGAIN;
	object_notify(o);
	return (int64_t)sizeof(v);
}

const struct object_ops event_ops = {
	.name = "event",
	.destroy = event_destroy,
	.ready = event_ready,
	.read = event_read,
	.write = event_write,
};

struct object *event_create(struct container *c, uint64_t value, unsigned int flags)
{
	struct event *e = kalloc(c, sizeof(*e));

	if (e == NULL)
		return NULL;
	object_init(&e->object, &event_ops, c);
	lock_init(&e->lock, &event_class);
	e->value = value;
	e->flags = flags;
	return &e->object;
}

void event_signal(struct object *event, uint64_t n)
{
	struct event *e = event_of(event);

	lock_acquire(&e->lock);
	e->value = n <= EVENT_LIMIT - e->value ? e->value + n : EVENT_LIMIT;
	lock_release(&e->lock);
	object_notify(event);
}
