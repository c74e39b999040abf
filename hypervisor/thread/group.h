/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling groups: what the vCPU threads of one VM get of the CPUs together. A group has a weight
 * against other groups, divided among those of its threads that want to run; a cap; and the CPUs
 * that it may use: those of its pool, fewer if it is to keep to some, or CPUs of its own, one for
 * each thread, when it is dedicated. Pools and dedicated CPUs are whole cores, so that threads of
 * one core never run two tenants of different pools.
 *
 * Threads without a group run on the CPUs of pool 0 that are nobody's own. CPU 0's core always is
 * such a one.
 *
 * Locks: the pools' lock, a leaf, taken inside.
 */
#pragma once

#include "abi/strata.h"
#include "cpu/lapic.h"
#include "mem/container.h"
#include "thread/thread.h"

struct sched_group;

/* What every group begins with, for thread_throttled() alone. Locks: [a] atomic */
struct sched_group_head {
	uint32_t cap; /* [a] percent, 0: none */
};

/*
 * A group of usual weight in pool 0; one reference. `owner` names it (not 0), `max_threads` is how
 * many CPUs of its own it needs. 0, -ENOMEM. Thread context.
 */
int sched_group_create(struct container *c, uint64_t owner, unsigned max_threads,
		       struct sched_group **out);
/* Its CPUs are given back; threads in it go on, in pool 0. Waits for other CPUs: no lock held. */
void sched_group_close(struct sched_group *g);
void sched_group_put(struct sched_group *g); /* NULL is fine */

/*
 * Makes the changes that p->set names, all or none, and fills in what holds then. 0; -EINVAL: a
 * value out of range, no CPU left, or a reserved field; -EBUSY: not so many cores are free. Waits
 * for other CPUs: no lock held.
 */
int sched_group_change(struct sched_group *g, struct sched_params *p);

/* The current thread belongs to g from now on, as number `slot` of it; NULL: to none. It may go on
 * on another CPU. No lock held. */
void thread_join_group(struct sched_group *g, unsigned slot);

/* The current thread. */
static inline bool thread_in_group(const struct sched_group *g)
{
	return thread_head(thread_current())->group == g;
}

/* Whether the current thread is in g, which has no cap: then it is not throttled. */
static inline bool thread_in_free_group(const struct sched_group *g)
{
	return thread_in_group(g) &&
	       !__atomic_load_n(&((const struct sched_group_head *)g)->cap, __ATOMIC_RELAXED);
}

/* When the current thread's group has had what its cap allows: time_now() at which it has something
 * again. 0: go on. */
uint64_t thread_throttled_now(void);
static inline uint64_t thread_throttled(void)
{
	const struct sched_group_head *g =
		(const struct sched_group_head *)thread_head(thread_current())->group;

	return unlikely(g && __atomic_load_n(&g->cap, __ATOMIC_RELAXED)) ? thread_throttled_now()
									 : 0;
}

/* See SYS_POOL_SET. Waits for other CPUs: no lock held. */
int sched_pool_set(const struct cpu_pool *p);

/* For figures; any context. */
unsigned sched_pool_of(cpu_id_t cpu);
uint64_t sched_dedicated_to(cpu_id_t cpu); /* a group's owner, 0: nobody */
