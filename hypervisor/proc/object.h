/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel objects: what a handle (a file descriptor) refers to. An object is counted, belongs to the
 * container that paid for it, and has a const table of operations. Readiness is one mechanism: an
 * object tells with ready() what it could do now and calls object_notify() when that changes;
 * poll, blocking reads and channel waits all sleep on it.
 *
 * Reads and writes take user addresses and never sleep: -EAGAIN says that ready() lacks the bit.
 * Locks: poll_lock (LOCK_RANK_POLL) guards the list of pollers; object_notify() may be called with
 * the object's own lock held, and from interrupt handlers.
 */
#pragma once

#include "lib/list.h"
#include "lock/lock.h"
#include "mem/as.h"
#include "thread/thread.h"

/* Readiness, with the values of Linux' poll(2). */
#define OBJECT_IN  0x01u
#define OBJECT_PRI 0x02u
#define OBJECT_OUT 0x04u
#define OBJECT_ERR 0x08u
#define OBJECT_HUP 0x10u

/* What fstat tells of an object. */
struct object_stat {
	uint32_t mode; /* Linux st_mode: type and permissions */
	uint32_t nlink;
	uint64_t ino, size, rdev;
	uint64_t mtime; /* seconds since 1970 */
};

struct object;

/* Every function but `destroy` may be NULL: the call then fails with the errno in brackets. */
struct object_ops {
	const char *name;
	/* The last reference is gone: frees the object. No lock held; thread context. */
	void (*destroy)(struct object *o);
	/* OBJECT_* bits that hold now. NULL: always OBJECT_IN | OBJECT_OUT. */
	uint32_t (*ready)(struct object *o);
	int64_t (*read)(struct object *o, uint64_t buf, uint64_t len);                /* [EINVAL] */
	int64_t (*write)(struct object *o, uint64_t buf, uint64_t len);               /* [EINVAL] */
	int64_t (*pread)(struct object *o, uint64_t buf, uint64_t len, uint64_t pos); /* [ESPIPE] */
	int64_t (*seek)(struct object *o, int64_t offset, unsigned int whence);       /* [ESPIPE] */
	int (*stat)(struct object *o, struct object_stat *st); /* a character device of size 0 */
	int64_t (*list)(struct object *o, uint64_t buf, uint64_t len);  /* getdents64 [ENOTDIR] */
	int64_t (*ioctl)(struct object *o, uint32_t cmd, uint64_t arg); /* [ENOTTY] */
	/*
	 * Completes what to map: kind and its fields; va, size, rights, fixed, offset are set.
	 * `shared` is MAP_SHARED. [ENODEV]
	 */
	int (*mmap)(struct object *o, struct as_map_args *args, bool shared);
	bool write_all; /* a stream: a blocking write(2) goes on until everything is written */
};

#define OBJECT_NONBLOCK 0x800u /* Linux' O_NONBLOCK, the only flag that may change */

/* Locks: [I] immutable   [a] atomic   [p] poll_lock */
struct object {
	const struct object_ops *ops; /* [I] */
	struct container *container;  /* [I] a reference */
	uint32_t refs;                /* [a] */
	uint32_t flags; /* [a] OBJECT_NONBLOCK, and the access mode it was opened with */
	struct lock poll_lock;
	struct list_head pollers; /* [p] */
};

/* One reference for the caller; takes one on `c`. */
void object_init(struct object *o, const struct object_ops *ops, struct container *c);
struct object *object_get(struct object *o);
/* As object_get, but false when the last reference has gone already: for tables that hold none. */
bool object_try_get(struct object *o);
/* Drops a reference; the last destroys it. No lock held. NULL is fine. */
void object_put(struct object *o);

uint32_t object_count(void); /* how many there are; any context */

uint32_t object_ready(struct object *o);
/* The readiness may have changed: all pollers look again. Any context. */
void object_notify(struct object *o);

/*
 * Sleeps until ready(o) has a bit of `mask` (or ERR or HUP): 0; -ETIMEDOUT at `deadline`; -EINTR.
 * WAIT_FOREVER: no deadline. No lock held.
 */
int object_wait(struct object *o, uint32_t mask, uint64_t deadline);

/*
 * Waiting for several objects: poller_init, poller_watch each, then check every object, then
 * poller_sleep if none was ready, and again from the check; poller_unwatch each at the end.
 */
struct poller {
	struct wait_queue queue;
	bool triggered; /* [queue.lock] */
};

/* Locks: [p] the object's poll_lock. The memory is the caller's until poller_unwatch. */
struct poll_entry {
	struct list_head node; /* [p] */
	struct poller *poller;
	struct object *object; /* the caller holds a reference */
};

void poller_init(struct poller *p);
void poller_watch(struct poller *p, struct poll_entry *e, struct object *o);
void poller_unwatch(struct poll_entry *e);
/* 0: something was notified since the last call; -ETIMEDOUT; -EINTR. */
int poller_sleep(struct poller *p, uint64_t deadline);
