// SPDX-License-Identifier: GPL-2.0-or-later
// What a lock must not be used for, found at once: each CPU keeps the list of locks that it holds,
// the last taken on top, and each lock its owner. The rank of a lock must be higher than that of
// the top.
#include "lock/lock_debug.h"

#include "cpu/log.h"

#ifdef CONFIG_DEBUG

#define HELD_MAX 16

/* Locks: [o] owner CPU only */
struct held {
	unsigned n;                   /* [o] */
	struct lock *locks[HELD_MAX]; /* [o] */
};
DEFINE_CPU_PRIVATE(struct held, held);

static void (*misuse_hook)(const char *what);

void lock_debug_set_hook(void (*hook)(const char *what))
{
	misuse_hook = hook;
}

static void misuse(const struct lock *l, const char *what)
{
	if (misuse_hook)
		misuse_hook(what);
	else
		panic("lock %s: %s", l->class ? l->class->name : "without a class", what);
}

static unsigned rank_of(const struct lock *l)
{
	return l->class->rank & LOCK_RANK_MASK;
}

static uint32_t me(void)
{
	return this_cpu_id().n + 1u;
}

void lock_debug_before(const struct lock *l)
{
	const struct held *h = cpu_private(held);

	if (cpu_irqs_on())
		misuse(l, "acquired with interrupts on");
	if (!l->class)
		misuse(l, "not initialized");
	if (__atomic_load_n(&l->owner, __ATOMIC_RELAXED) == me())
		misuse(l, "acquired again by its owner");
	else if (h->n && l->class && rank_of(h->locks[h->n - 1]) >= rank_of(l))
		misuse(l, "acquired out of order");
}

void lock_debug_taken(struct lock *l)
{
	struct held *h = cpu_private(held);

	l->owner = me();
	l->where = __builtin_return_address(0);
	ASSERT(h->n < HELD_MAX);
	h->locks[h->n++] = l;
}

static void forget(struct held *h, const struct lock *l)
{
	unsigned i = h->n;

	while (i && h->locks[i - 1] != l)
		i--;
	ASSERT(i);
	for (; i < h->n; i++)
		h->locks[i - 1] = h->locks[i];
	h->n--;
}

void lock_debug_release(struct lock *l)
{
	if (l->owner != me()) {
		misuse(l, "released by a CPU that does not hold it");
		return;
	}
	if (cpu_irqs_on())
		misuse(l, "held with interrupts on");
	forget(cpu_private(held), l);
	__atomic_store_n(&l->owner, 0, __ATOMIC_RELAXED);
}

bool lock_held(const struct lock *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == me();
}

void lock_assert_none(void)
{
	const struct held *h = cpu_private(held);

	if (h->n)
		misuse(h->locks[h->n - 1], "held where none may be");
}

#else

bool lock_held(const struct lock *l)
{
	if (l->class->rank & LOCK_MCS)
		return __atomic_load_n(&l->tail, __ATOMIC_RELAXED) != 0;
	return __atomic_load_n(&l->next, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&l->serving, __ATOMIC_RELAXED);
}

void lock_assert_none(void)
{
}

#endif
