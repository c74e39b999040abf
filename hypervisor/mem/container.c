// SPDX-License-Identifier: GPL-2.0-or-later
// `used` is changed by compare-and-swap alone, so that a charge is exact without a lock: it
// succeeds if and only if there is room at that moment. A child takes its whole limit out of its
// parent when it is made; a charge therefore never looks further than its own container.
#include "mem/container.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lock/lock.h"
#include "mem/kalloc.h"
#include "mem/page_struct.h"

/* Locks: [I] immutable after create   [a] atomic   [l] list_lock */
struct container {
	uint64_t used;            /* [a] bytes */
	uint64_t peak;            /* [a] bytes */
	uint64_t limit;           /* [I] bytes; the root's is set once at boot */
	uint64_t id;              /* [I] */
	struct container *parent; /* [I] a reference; NULL: the root */
	uint32_t refs;            /* [a] */
	struct list_head link;    /* [l] */
	char name[32];            /* [I] */
};

static const struct lock_class list_class = { "containers", LOCK_RANK_CONTAINER };
static struct lock list_lock = LOCK_INIT(&list_class);

static struct container root = { .id = 1, .refs = 1, .limit = UINT64_MAX, .name = "kernel" };
static LIST_HEAD(containers); /* [l] by rising id, less the root */
static uint64_t last_id = 1;  /* [l] */

struct container *const kernel_container = &root;

void container_set_root_limit(uint64_t bytes)
{
	root.limit = bytes;
}

static void note_peak(struct container *c, uint64_t used)
{
	uint64_t peak = __atomic_load_n(&c->peak, __ATOMIC_RELAXED);

	while (used > peak && !__atomic_compare_exchange_n(&c->peak, &peak, used, true,
							   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

int container_charge(struct container *c, uint64_t bytes)
{
	uint64_t used = __atomic_load_n(&c->used, __ATOMIC_RELAXED);

	do {
		if (bytes > c->limit - used)
			return -ENOMEM;
	} while (!__atomic_compare_exchange_n(&c->used, &used, used + bytes, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	note_peak(c, used + bytes);
	return 0;
}

void container_uncharge(struct container *c, uint64_t bytes)
{
	uint64_t before = __atomic_fetch_sub(&c->used, bytes, __ATOMIC_RELAXED);

	ASSERT(before >= bytes);
}

static void link_container(struct container *c)
{
	lock_acquire(&list_lock);
	c->id = ++last_id;
	list_add_tail(&c->link, &containers);
	lock_release(&list_lock);
}

struct container *container_create(struct container *parent, const char *name, uint64_t limit)
{
	struct container *c = kalloc(parent, sizeof(*c));

	if (!c)
		return NULL;
	if (container_charge(parent, limit) < 0) {
		kfree(c);
		return NULL;
	}
	c->limit = limit;
	c->parent = container_get(parent);
	c->refs = 1;
	str_copy(c->name, name, sizeof(c->name));
	link_container(c);
	return c;
}

struct container *container_get(struct container *c)
{
	__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

/* Drops one reference; the parent whose reference goes with the last one, or NULL. */
static struct container *put_one(struct container *c)
{
	if (__atomic_fetch_sub(&c->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return NULL;
	ASSERT(c != &root && c->used == 0);

	struct container *parent = c->parent;

	lock_acquire(&list_lock);
	list_del(&c->link);
	lock_release(&list_lock);
	container_uncharge(parent, c->limit);
	kfree(c);
	return parent;
}

void container_put(struct container *c)
{
	while (c)
		c = put_one(c);
}

void container_get_info(const struct container *c, struct container_info *info)
{
	info->id = c->id;
	info->parent = c->parent ? c->parent->id : 0;
	info->used = __atomic_load_n(&c->used, __ATOMIC_RELAXED);
	info->limit = c->limit;
	info->peak = __atomic_load_n(&c->peak, __ATOMIC_RELAXED);
	str_copy(info->name, c->name, sizeof(info->name));
}

static struct container *next_locked(uint64_t id)
{
	struct container *c;

	list_for_each_entry (c, &containers, link) {
		if (c->id >= id)
			return c;
	}
	return NULL;
}

bool container_next(uint64_t *id, struct container_info *info)
{
	struct container *c = &root;

	lock_acquire(&list_lock);
	if (*id > root.id)
		c = next_locked(*id);
	if (c) {
		*id = c->id;
		container_get_info(c, info);
	}
	lock_release(&list_lock);
	return c != NULL;
}
