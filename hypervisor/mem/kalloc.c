// SPDX-License-Identifier: GPL-2.0-or-later
// A slab is a block of pages: a header, a tag for each object, the objects at its end. The tag of
// an object in use is its container; that of a free one says which is free next, so a second kfree
// is noticed. Each class has a lock and a list of slabs with room; a slab goes back to the page
// allocator with its last object.
#include "mem/kalloc.h"

#include "cpu/log.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mem/page_struct.h"

#define MIN_SHIFT  4
#define MAX_SHIFT  11
#define NR_CLASSES (MAX_SHIFT - MIN_SHIFT + 1)

/* Locks: [c] the class' lock   [I] immutable while it exists */
struct slab {
	struct list_head link; /* [c] on class->partial when it has room; else empty */
	uint16_t used;         /* [c] */
	uint16_t free;         /* [c] first free object */
	uint32_t class;        /* [I] */
	uintptr_t tags[];      /* [c] container, or next free object * 2 + 1 */
};

/* Locks: its lock guards the list and all its slabs */
struct slab_class {
	struct lock lock;
	struct list_head partial;
} __aligned(64);

static const struct lock_class slab_lock_class = { "slab", LOCK_RANK_LEAF };

#define CLASS(n) \
	[n] = { .lock = LOCK_INIT(&slab_lock_class), .partial = LIST_HEAD_INIT(classes[n].partial) }
static struct slab_class classes[NR_CLASSES] = {
	CLASS(0), CLASS(1), CLASS(2), CLASS(3), CLASS(4), CLASS(5), CLASS(6), CLASS(7),
};

/* So many pages that the header wastes less than one object in 13. */
static const uint8_t class_order[NR_CLASSES] = { 0, 0, 0, 0, 0, 1, 2, 3 };

static size_t class_size(unsigned class)
{
	return 1ull << (class + MIN_SHIFT);
}

static size_t slab_size(unsigned class)
{
	return PAGE_SIZE << class_order[class];
}

static unsigned objects_per_slab(unsigned class)
{
	return (unsigned)((slab_size(class) - sizeof(struct slab)) /
			  (class_size(class) + sizeof(uintptr_t)));
}

static char *first_object(struct slab *s)
{
	return (char *)s + slab_size(s->class) - objects_per_slab(s->class) * class_size(s->class);
}

static void *object_at(struct slab *s, unsigned i)
{
	return first_object(s) + i * class_size(s->class);
}

/* `link` of a slab's pages is its class + 1. */
static void mark_pages(phys_t pa, unsigned class, uint32_t link)
{
	for (unsigned i = 0; i < 1u << class_order[class]; i++)
		page_of(pa)[i].link = link;
}

/*
 * Zeroed as a whole, and so are stacks, though objects are zeroed one by one: a page that has held
 * code keeps QEMU's translations of whatever is not written over, and as long as it does every
 * write to the page costs a microsecond. A vCPU's state there made an exit 50 times as slow.
 */
static struct slab *slab_create(unsigned class)
{
	phys_t pa =
		page_alloc(kernel_container, class_order[class], PAGE_SLAB, PAGE_ZERO, NODE_ANY);

	if (!pa)
		return NULL;

	struct slab *s = phys_to_virt(pa);

	mark_pages(pa, class, class + 1);
	list_init(&s->link);
	s->used = 0;
	s->free = 0;
	s->class = class;
	for (unsigned i = 0; i < objects_per_slab(class); i++)
		s->tags[i] = (i + 1) * 2 + 1;
	return s;
}

static void slab_destroy(struct slab *s)
{
	phys_t pa = virt_to_phys(s);
	unsigned order = class_order[s->class];

	mark_pages(pa, s->class, 0);
	page_free(pa, order);
}

/* A free object of the slab, which has room. */
static void *take_locked(struct slab_class *k, struct slab *s, struct container *c)
{
	unsigned i = s->free;

	s->free = (uint16_t)(s->tags[i] >> 1);
	s->tags[i] = (uintptr_t)c;
	if (++s->used == objects_per_slab(s->class))
		list_del(&s->link);
	else if (s->used == 1)
		list_add(&s->link, &k->partial);
	return object_at(s, i);
}

static void *take_partial(struct slab_class *k, struct container *c)
{
	struct slab *s;
	void *object = NULL;

	lock_acquire(&k->lock);
	s = list_first_entry_or_null(&k->partial, struct slab, link);
	if (s)
		object = take_locked(k, s, c);
	lock_release(&k->lock);
	return object;
}

static void *take_new(struct slab_class *k, unsigned class, struct container *c)
{
	struct slab *s = slab_create(class);
	void *object;

	if (!s)
		return NULL;
	lock_acquire(&k->lock);
	object = take_locked(k, s, c);
	lock_release(&k->lock);
	return object;
}

static void *alloc_small(struct container *c, unsigned class)
{
	struct slab_class *k = &classes[class];
	void *object;

	if (container_charge(c, class_size(class)) < 0)
		return NULL;
	object = take_partial(k, c);
	if (!object)
		object = take_new(k, class, c);
	if (!object) {
		container_uncharge(c, class_size(class));
		return NULL;
	}
	return memset(object, 0, class_size(class));
}

static void *alloc_pages(struct container *c, size_t size)
{
	phys_t pa = page_alloc(c, log2_up(size) - PAGE_SHIFT, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);

	return pa ? phys_to_virt(pa) : NULL;
}

void *kalloc(struct container *c, size_t size)
{
	if (size > KALLOC_MAX)
		return NULL;
	if (size > class_size(NR_CLASSES - 1))
		return alloc_pages(c, MAX(size, PAGE_SIZE));
	return alloc_small(c, size <= class_size(0) ? 0 : log2_up(size) - MIN_SHIFT);
}

/* Returns object i; true: the slab is empty and off its list. */
static bool give_locked(struct slab_class *k, struct slab *s, unsigned i)
{
	bool was_full = s->used == objects_per_slab(s->class);

	s->tags[i] = (uintptr_t)s->free * 2 + 1;
	s->free = (uint16_t)i;
	if (--s->used == 0) {
		list_del(&s->link);
		return true;
	}
	if (was_full)
		list_add(&s->link, &k->partial);
	return false;
}

static void free_small(void *p, unsigned class)
{
	struct slab_class *k = &classes[class];
	struct slab *s = (struct slab *)ALIGN_DOWN((uintptr_t)p, slab_size(class));
	size_t offset = (size_t)((char *)p - first_object(s));
	unsigned i = (unsigned)(offset / class_size(class));

	lock_acquire(&k->lock);
	ASSERT(offset % class_size(class) == 0 && i < objects_per_slab(class) && !(s->tags[i] & 1));

	struct container *c = (struct container *)s->tags[i];
	bool empty = give_locked(k, s, i);

	lock_release(&k->lock);
	if (empty)
		slab_destroy(s);
	container_uncharge(c, class_size(class));
}

void kfree(void *p)
{
	if (!p)
		return;

	struct page *page = page_of(virt_to_phys(p));

	if (page->link) {
		free_small(p, page->link - 1);
	} else {
		ASSERT(page->state == PAGE_STATE_USED && page->use == PAGE_KERNEL);
		page_free(virt_to_phys(p), page->order);
	}
}
