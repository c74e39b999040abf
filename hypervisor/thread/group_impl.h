/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between group.c, pool.c and sched.c. */
#pragma once

#include "lib/list.h"
#include "thread/group.h"
#include "thread/ready.h"

/* Locks: [I] immutable after create   [a] atomic   [p] the pools' lock
 *        [w] words written with the pools' lock, read by anybody: a thread that is on the wrong CPU
 *            by an old word is called away by who wrote the new one */
struct sched_group {
	struct sched_group_head head; /* first: thread_throttled() */
	uint32_t refs;                /* [a] */
	uint32_t weight;       /* [a] READY_WEIGHT_DEFAULT: that of a thread without a group */
	uint32_t active;       /* [a] its threads that run or are ready */
	int64_t tokens;        /* [a] ns that it may still run; below 0: owed */
	uint64_t refilled;     /* [a] time_now() up to which `tokens` is filled */
	uint32_t dedicated;    /* [w] */
	struct cpu_set cpus;   /* [w] */
	struct cpu_set wanted; /* [p] to keep to; empty: all */
	uint32_t pool;         /* [p] */
	unsigned max_threads;  /* [I] */
	uint64_t owner;        /* [I] */
	struct list_head link; /* [p] */
	struct container *container; /* [I] a reference */
};

static_assert_offset(struct sched_group, head, 0);

/* ---- group.c ---- */

uint32_t group_thread_weight(const struct sched_group *g);
void group_charge(struct sched_group *g, uint64_t ns);
static inline bool group_is_capped(const struct sched_group *g)
{
	return __atomic_load_n(&g->head.cap, __ATOMIC_RELAXED) != 0;
}

/* ---- pool.c ---- */

void pool_init_cpu(void); /* each CPU, itself */
void pool_add_group(struct sched_group *g);
void pool_remove_group(struct sched_group *g);
/* Pool, CPUs and dedication of a group as p->set says; fills in what holds. As sched_group_change.
 */
int pool_change_group(struct sched_group *g, struct sched_params *p);
/* Where threads without a group run. */
bool pool_is_common(cpu_id_t cpu);
/* Thread `slot` of the group on this CPU? */
bool pool_group_allows(const struct sched_group *g, unsigned slot, cpu_id_t cpu);
