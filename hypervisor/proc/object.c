// SPDX-License-Identifier: GPL-2.0-or-later
// Reference counting and readiness of kernel objects. A poller hangs an entry on each object it
// watches; a notification marks the poller and wakes it, and it then asks the objects themselves.
// An entry is taken off under the object's lock, so a notifier never sees one that is gone.
#include "proc/object.h"

#include "cpu/log.h"
#include "lib/errno.h"

static uint32_t alive; /* [a] objects */

uint32_t object_count(void)
{
	return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

static const struct lock_class poll_class = { "object.poll", LOCK_RANK_POLL };

void object_init(struct object *o, const struct object_ops *ops, struct container *c)
{
	o->ops = ops;
	o->container = container_get(c);
	o->refs = 1;
	o->flags = 0;
	lock_init(&o->poll_lock, &poll_class);
	list_init(&o->pollers);
	__atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
}

struct object *object_get(struct object *o)
{
	uint32_t old = __atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);

	ASSERT(old != 0 && old < UINT32_MAX);
	return o;
}

bool object_try_get(struct object *o)
{
	uint32_t refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);

	while (refs != 0) {
		if (__atomic_compare_exchange_n(&o->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

void object_put(struct object *o)
{
	struct container *c;

	if (o == NULL || __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	DEBUG_ASSERT(list_empty(&o->pollers));
	c = o->container;
	o->ops->destroy(o);
	__atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
	container_put(c);
}

uint32_t object_ready(struct object *o)
{
	return o->ops->ready != NULL ? o->ops->ready(o) : OBJECT_IN | OBJECT_OUT;
}

static void poller_trigger(struct poller *p)
{
	wait_begin(&p->queue);
	p->triggered = true;
	wait_wake_locked(&p->queue, 1);
	wait_end(&p->queue);
}

void object_notify(struct object *o)
{
	struct poll_entry *e;

	lock_acquire(&o->poll_lock);
	list_for_each_entry (e, &o->pollers, node)
		poller_trigger(e->poller);
	lock_release(&o->poll_lock);
}

void poller_init(struct poller *p)
{
	wait_queue_init(&p->queue);
	p->triggered = false;
}

void poller_watch(struct poller *p, struct poll_entry *e, struct object *o)
{
	e->poller = p;
	e->object = o;
	lock_acquire(&o->poll_lock);
	list_add_tail(&e->node, &o->pollers);
	lock_release(&o->poll_lock);
}

void poller_unwatch(struct poll_entry *e)
{
	lock_acquire(&e->object->poll_lock);
	list_del(&e->node);
	lock_release(&e->object->poll_lock);
}

int poller_sleep(struct poller *p, uint64_t deadline)
{
	int rc;

	for (;;) {
		wait_begin(&p->queue);
		if (p->triggered) {
			p->triggered = false;
			wait_end(&p->queue);
			return 0;
		}
		rc = wait_sleep(&p->queue, deadline, true);
		if (rc != 0)
			return rc;
	}
}

int object_wait(struct object *o, uint32_t mask, uint64_t deadline)
{
	struct poll_entry entry;
	struct poller poller;
	int rc = 0;

	poller_init(&poller);
	poller_watch(&poller, &entry, o);
	while ((object_ready(o) & (mask | OBJECT_ERR | OBJECT_HUP)) == 0) {
		rc = poller_sleep(&poller, deadline);
		if (rc != 0)
			break;
	}
	poller_unwatch(&entry);
	return rc;
}
