/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handle tables: per process, a small number (the Linux file descriptor) for each object it holds.
 *
 * Locks: the table's own (LOCK_RANK_OBJECT). No function here drops the last reference of an object
 * with the lock held.
 */
#pragma once

#include "proc/object.h"

#define HANDLES_MAX 1024

#define HANDLE_CLOEXEC 1u /* Linux' FD_CLOEXEC; remembered, no exec here */

struct handle {
	struct object *object; /* NULL: free */
	uint32_t flags;        /* HANDLE_* */
};

/* Locks: [I] immutable   [l] lock   [a] atomic */
struct handle_table {
	struct lock lock;
	struct container *container; /* [I] charged for the slots; the owner keeps it alive */
	struct handle *slots;        /* [l] */
	unsigned int size;           /* [l] */
	unsigned int used;           /* [l] */
	bool closed;                 /* [l] nothing is installed any more */
	uint64_t generation;         /* [a] written with the lock: rises whenever a number no longer
					means the object that it meant; never 0 */
};

void handle_table_init(struct handle_table *t, struct container *c);
/* Closes everything and frees the slots; later installs fail with -EMFILE. */
void handle_table_close(struct handle_table *t);

/*
 * Puts `o` at the first free number >= min. The caller's reference becomes the table's on success.
 * The number; -EMFILE (too many), -ENOMEM (quota).
 */
int handle_install(struct handle_table *t, struct object *o, unsigned int min, uint32_t flags);
/* As above at exactly `fd`; what was there is closed. `fd`; -EBADF when out of range; -ENOMEM. */
int handle_install_at(struct handle_table *t, struct object *o, int fd, uint32_t flags);

/* A new reference to the object at `fd`; NULL: none there. */
struct object *handle_get(struct handle_table *t, int fd);
/* As above; NULL also when its operations are not `ops`. */
struct object *handle_get_kind(struct handle_table *t, int fd, const struct object_ops *ops);
/* Takes it out: the table's reference becomes the caller's. NULL: none there. */
struct object *handle_take(struct handle_table *t, int fd);
int handle_close(struct handle_table *t, int fd); /* 0 or -EBADF */

/* HANDLE_* of fd, or -EBADF. */
int handle_flags(struct handle_table *t, int fd);
int handle_set_flags(struct handle_table *t, int fd, uint32_t flags);
unsigned int handle_count(struct handle_table *t);
