// SPDX-License-Identifier: GPL-2.0-or-later
// The driver's service() runs under the device's lock after each read, write and interrupt: it
// sees new room or new bytes at once, and needs no second path. The listener is called after
// the lock is dropped, when either side got better than it was.
#include "io/chardev.h"

#include "cpu/log.h"

#define DEVICES_MAX 8

static const struct lock_class chardev_class = { "chardev", LOCK_RANK_LEAF };
static struct chardev *devices[DEVICES_MAX]; /* [I] after start */
static unsigned int nr_devices;              /* [I] */

void chardev_register(struct chardev *d)
{
	ASSERT(nr_devices < DEVICES_MAX);
	lock_init(&d->lock, &chardev_class);
	devices[nr_devices++] = d;
}

struct chardev *chardev_find(const char *name)
{
	for (unsigned int i = 0; i < nr_devices; i++)
		if (strcmp(devices[i]->name, name) == 0)
			return devices[i];
	return NULL;
}

static bool has_room(const struct chardev *d)
{
	return byte_ring_free(&d->tx) >= d->tx.size / 4;
}

/* Serves the device and drops the lock; tells the listener when there is news. */
static void service_and_unlock(struct chardev *d, uint32_t rx_before, bool room_before)
{
	d->ops->service(d);
	bool news = byte_ring_used(&d->rx) > rx_before || (has_room(d) && !room_before);
	void (*notify)(void *arg) = d->notify;
	void *arg = d->notify_arg;
	lock_release(&d->lock);
	if (news && notify)
		notify(arg);
}

size_t chardev_read(struct chardev *d, void *buf, size_t len)
{
	lock_acquire(&d->lock);
	bool room = has_room(d);
	size_t n = byte_ring_read(&d->rx, buf, len);
	service_and_unlock(d, byte_ring_used(&d->rx), room);
	return n;
}

size_t chardev_write(struct chardev *d, const void *buf, size_t len)
{
	lock_acquire(&d->lock);
	uint32_t rx = byte_ring_used(&d->rx);
	size_t n = byte_ring_write(&d->tx, buf, len);
	service_and_unlock(d, rx, has_room(d));
	return n;
}

void chardev_interrupt(struct chardev *d)
{
	lock_acquire(&d->lock);
	service_and_unlock(d, byte_ring_used(&d->rx), has_room(d));
}

bool chardev_can_read(struct chardev *d)
{
	lock_acquire(&d->lock);
	bool can = byte_ring_used(&d->rx) > 0;
	lock_release(&d->lock);
	return can;
}

bool chardev_can_write(struct chardev *d)
{
	lock_acquire(&d->lock);
	bool can = has_room(d);
	lock_release(&d->lock);
	return can;
}

size_t chardev_room(struct chardev *d)
{
	lock_acquire(&d->lock);
	size_t room = byte_ring_free(&d->tx);
	lock_release(&d->lock);
	return room;
}

size_t chardev_unsent(struct chardev *d)
{
	lock_acquire(&d->lock);
	size_t unsent = byte_ring_used(&d->tx);
	lock_release(&d->lock);
	return unsent;
}

void chardev_set_notify(struct chardev *d, void (*notify)(void *arg), void *arg)
{
	lock_acquire(&d->lock);
	d->notify = notify;
	d->notify_arg = arg;
	lock_release(&d->lock);
}
