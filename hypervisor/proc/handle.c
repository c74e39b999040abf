// SPDX-License-Identifier: GPL-2.0-or-later
// A table is an array that doubles up to HANDLES_MAX. Everything that may destroy an object (close,
// replace, closing the table) first takes it out of the array and drops the reference after the
// lock, because a destructor may sleep or take other locks.
#include "proc/handle.h"

#include "lib/errno.h"
#include "lib/nospec.h"
#include "lib/string.h"
#include "mem/kalloc.h"

#define HANDLES_FIRST 16

static const struct lock_class handle_class = { "handles", LOCK_RANK_OBJECT };

void handle_table_init(struct handle_table *t, struct container *c)
{
	memset(t, 0, sizeof(*t));
	lock_init(&t->lock, &handle_class);
	t->container = c;
	t->generation = 1;
}

/* Lock held. */
static void forget_number(struct handle_table *t)
{
	__atomic_store_n(&t->generation, t->generation + 1, __ATOMIC_RELEASE);
}

void handle_table_close(struct handle_table *t)
{
	struct handle *slots;
	unsigned int size;

	lock_acquire(&t->lock);
	slots = t->slots;
	size = t->size;
	t->slots = NULL;
	t->size = 0;
	t->used = 0;
	t->closed = true;
	forget_number(t);
	lock_release(&t->lock);
	for (unsigned int i = 0; i < size; i++)
		object_put(slots[i].object);
	kfree(slots);
}

/* Makes `fd` a valid index. Lock held. */
static int grow(struct handle_table *t, unsigned int fd)
{
	unsigned int size = t->size != 0 ? t->size : HANDLES_FIRST;
	struct handle *slots;

	if (t->closed || fd >= HANDLES_MAX)
		return -EMFILE;
	if (fd < t->size)
		return 0;
	while (size <= fd)
		size *= 2;
	slots = kalloc(t->container, size * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	if (t->size != 0)
		memcpy(slots, t->slots, t->size * sizeof(*slots));
	kfree(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

static int install_locked(struct handle_table *t, struct object *o, unsigned int min,
			  uint32_t flags)
{
	unsigned int fd = min;
	int rc;

	while (fd < t->size && t->slots[fd].object != NULL)
		fd++;
	rc = grow(t, fd);
	if (rc != 0)
		return rc;
	t->slots[fd] = (struct handle){ .object = o, .flags = flags };
	t->used++;
	return (int)fd;
}

int handle_install(struct handle_table *t, struct object *o, unsigned int min, uint32_t flags)
{
	int fd;

	lock_acquire(&t->lock);
	fd = install_locked(t, o, min, flags);
	lock_release(&t->lock);
	return fd;
}

int handle_install_at(struct handle_table *t, struct object *o, int fd, uint32_t flags)
{
	struct object *old = NULL;
	int rc;

	if (fd < 0 || fd >= HANDLES_MAX)
		return -EBADF;
	lock_acquire(&t->lock);
	rc = grow(t, (unsigned int)fd);
	if (rc == 0) {
		old = t->slots[fd].object;
		t->used += old == NULL;
		t->slots[fd] = (struct handle){ .object = o, .flags = flags };
		forget_number(t);
		rc = fd;
	}
	lock_release(&t->lock);
	object_put(old);
	return rc;
}

/* The slot in use at `fd`, or NULL. Lock held. */
static struct handle *slot_of(struct handle_table *t, int fd)
{
	struct handle *h;

	if (fd < 0 || (unsigned int)fd >= t->size)
		return NULL;
	h = &t->slots[nospec_index((unsigned int)fd, t->size)];
	return h->object != NULL ? h : NULL;
}

struct object *handle_get_kind(struct handle_table *t, int fd, const struct object_ops *ops)
{
	struct object *o = NULL;
	struct handle *h;

	lock_acquire(&t->lock);
	h = slot_of(t, fd);
	if (h != NULL && (ops == NULL || h->object->ops == ops))
		o = object_get(h->object);
	lock_release(&t->lock);
	return o;
}

struct object *handle_get(struct handle_table *t, int fd)
{
	return handle_get_kind(t, fd, NULL);
}

struct object *handle_take(struct handle_table *t, int fd)
{
	struct object *o = NULL;
	struct handle *h;

	lock_acquire(&t->lock);
	h = slot_of(t, fd);
	if (h != NULL) {
		o = h->object;
		h->object = NULL;
		t->used--;
		forget_number(t);
	}
	lock_release(&t->lock);
	return o;
}

int handle_close(struct handle_table *t, int fd)
{
	struct object *o = handle_take(t, fd);

	if (o == NULL)
		return -EBADF;
	object_put(o);
	return 0;
}

int handle_flags(struct handle_table *t, int fd)
{
	struct handle *h;
	int rc;

	lock_acquire(&t->lock);
	h = slot_of(t, fd);
	rc = h != NULL ? (int)h->flags : -EBADF;
	lock_release(&t->lock);
	return rc;
}

int handle_set_flags(struct handle_table *t, int fd, uint32_t flags)
{
	struct handle *h;

	lock_acquire(&t->lock);
	h = slot_of(t, fd);
	if (h != NULL)
		h->flags = flags;
	lock_release(&t->lock);
	return h != NULL ? 0 : -EBADF;
}

unsigned int handle_count(struct handle_table *t)
{
	unsigned int n;

	lock_acquire(&t->lock);
	n = t->used;
	lock_release(&t->lock);
	return n;
}
