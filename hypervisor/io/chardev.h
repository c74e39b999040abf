/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: a stream of bytes in each direction, buffered here, moved by a driver. Nothing
 * here sleeps: a reader or writer looks, and is told by the notify function when it is worth
 * looking again. A driver has one operation, service(), which moves what can be moved.
 *
 * Received bytes are never dropped: when the buffer is full, the driver leaves them in the device
 * and holds the sender off as well as the device can.
 */
#pragma once

#include "io/byte_ring.h"
#include "lock/lock.h"

struct chardev;

struct chardev_ops {
	/*
	 * Moves received bytes to `rx` and bytes of `tx` to the device, as many as go at once, and
	 * sets the device's interrupts by what is left to do. Lock held; any context.
	 */
	void (*service)(struct chardev *d);
};

/* Locks: [I] immutable after registration   [l] lock (a leaf) */
struct chardev {
	const char *name;              /* [I] "ttyS0" */
	const struct chardev_ops *ops; /* [I] */
	void *driver;                  /* [I] the driver's own */
	struct lock lock;
	struct byte_ring rx, tx;   /* [l] */
	void (*notify)(void *arg); /* [l] */
	void *notify_arg;          /* [l] */
	uint64_t received, sent;   /* [l] bytes */
	uint64_t overruns;         /* [l] times that the device lost bytes before we took them */
};

/* Adds a device whose name, ops, driver, rx and tx are set. At start only; at most 8. */
void chardev_register(struct chardev *d);
struct chardev *chardev_find(const char *name); /* NULL: none */

/* Bytes taken, at most len; 0: none there now. */
size_t chardev_read(struct chardev *d, void *buf, size_t len);
/* Bytes accepted, at most len; 0: no room now. */
size_t chardev_write(struct chardev *d, const void *buf, size_t len);

/* Something to read? Room to write (a quarter of the buffer, so that writers come in batches)? */
bool chardev_can_read(struct chardev *d);
bool chardev_can_write(struct chardev *d);
/* Bytes that chardev_write would take now, and bytes that have not gone to the device yet. */
size_t chardev_room(struct chardev *d);
size_t chardev_unsent(struct chardev *d);

/*
 * notify(arg) runs when bytes have come or room has appeared: with no lock of the device held, in
 * any context, interrupt handlers included. One listener; NULL: none.
 */
void chardev_set_notify(struct chardev *d, void (*notify)(void *arg), void *arg);

/* A driver's interrupt handler calls this: service() and the notification. */
void chardev_interrupt(struct chardev *d);
