// SPDX-License-Identifier: GPL-2.0-or-later
// A handle around a struct mobj, which does the work. Private mappings are refused: a copy of guest
// memory is nothing that anyone wants by mistake.
#include "proc/memory.h"

#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/archive.h"

#define SIZE_MAX_BYTES TiB(64)

/* Locks: [I] immutable */
struct memory {
	struct object object;
	struct mobj *mobj; /* [I] a reference */
};

static struct memory *memory_of(const struct object *o)
{
	return container_of(o, struct memory, object);
}

struct mobj *memory_mobj(const struct object *o)
{
	return memory_of(o)->mobj;
}

static void memory_destroy(struct object *o)
{
	mobj_put(memory_of(o)->mobj);
	kfree(memory_of(o));
}

static int memory_stat(struct object *o, struct object_stat *st)
{
	*st = (struct object_stat){ .mode = MODE_FILE | 0600,
				    .nlink = 1,
				    .size = mobj_size(memory_of(o)->mobj) };
	return 0;
}

static int memory_mmap(struct object *o, struct as_map_args *args, bool shared)
{
	if (!shared)
		return -EINVAL;
	args->kind = AS_KIND_MOBJ;
	args->mobj = memory_of(o)->mobj;
	return 0;
}

const struct object_ops memory_ops = {
	.name = "memory",
	.destroy = memory_destroy,
	.stat = memory_stat,
	.mmap = memory_mmap,
};

int memory_create(struct container *c, uint64_t size, uint32_t flags, struct object **out)
{
	struct memory *m;

	if (size == 0 || size > SIZE_MAX_BYTES)
		return -EINVAL;
	m = kalloc(c, sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	m->mobj = mobj_create(c, size, flags & MOBJ_GUEST ? MOBJ_POPULATE | MOBJ_IS_GUEST : 0,
			      NODE_ANY);
	if (m->mobj == NULL) {
		kfree(m);
		return -ENOMEM;
	}
	object_init(&m->object, &memory_ops, c);
	*out = &m->object;
	return 0;
}
