// SPDX-License-Identifier: GPL-2.0-or-later
// The writers' side of the logical log. A lock gets a number at lock_init, so that a lock that
// lives where another one has lived is a new object; one that is initialized by the compiler is
// named by its address.
#include "lock/llog.h"

#ifdef CONFIG_LLOG

bool llog_on;          /* [I] after start */
static char *rings;    /* [I] after start */
static uint64_t inits; /* [a] */

void llog_start(void *memory)
{
	rings = memory;
	llog_on = true;
}

static struct llog_ring *own_ring(void)
{
	uint32_t cpu = this_cpu_id().n;

	return cpu < LLOG_CPUS ? (struct llog_ring *)(rings + cpu * LLOG_RING_BYTES) : NULL;
}

void llog_write(enum llog_op op, uint64_t object, uint32_t seq, uint64_t arg, uint64_t arg2,
		unsigned extra)
{
	struct llog_ring *r = own_ring();
	uint64_t head;

	if (!r)
		return;
	head = r->head;
	while (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == LLOG_RING_ENTRIES)
		cpu_relax();
	r->entries[head % LLOG_RING_ENTRIES] = (struct llog_entry){
		.tsc = __builtin_ia32_rdtsc(),
		.object = object,
		.seq = seq,
		.arg = arg,
		.arg2 = arg2,
		.op = (uint16_t)op,
		.extra = (uint16_t)extra,
	};
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
}

uint64_t llog_lock_id(const struct lock *l)
{
	return l->number ? l->number : (uintptr_t)l;
}

void llog_lock_init(struct lock *l)
{
	l->number = __atomic_add_fetch(&inits, 1, __ATOMIC_RELAXED);
}

void llog_lock_waits(const struct lock *l, uint64_t place, uint64_t turn_of, unsigned kind)
{
	if (llog_on)
		llog_write(LLOG_LOCK_WAITS, llog_lock_id(l), 0, place, turn_of, kind);
}

void llog_lock_taken(struct lock *l, uint64_t place, unsigned kind)
{
	if (llog_on)
		llog_write(LLOG_LOCK_TAKEN, llog_lock_id(l), ++l->turn, place, 0, kind);
}

void llog_lock_freed(const struct lock *l)
{
	if (llog_on)
		llog_write(LLOG_LOCK_FREED, llog_lock_id(l), l->turn, 0, 0, 0);
}

#endif
