// SPDX-License-Identifier: GPL-2.0-or-later
// MCS lock: who waits spins on a node of its own CPU, and the holder hands on by writing to the
// node behind its own. The interface has no room for a node, but a lock is held with interrupts off
// and given back by the CPU that took it: so a CPU's nodes lie in its area, as many as it may hold
// locks at once. Nodes are named by number, cpu * MCS_NODES + index + 1, so that a lock of either
// kind is as large as the other. Mellor-Crummey and Scott, "Algorithms for Scalable Synchronization
// on Shared-Memory Multiprocessors".
#include "cpu/log.h"
#include "lock/llog.h"
#include "lock/lock_impl.h"
#include "lock/lock_stall.h"

#define MCS_NODES 16u

/* Locks: [a] atomic, written by its CPU while it joins the line, then by its neighbours */
struct mcs_node {
	uint32_t next;    /* [a] who waits behind; 0: nobody yet */
	uint32_t waiting; /* [a] until the one ahead clears it */
} __aligned(64);

/* Locks: [o] owner CPU */
struct mcs_nodes {
	struct mcs_node node[MCS_NODES];
	uint32_t used; /* [o] a bit each */
};
DEFINE_CPU_PUBLIC(struct mcs_nodes, mcs_nodes);

static struct mcs_node *node_of(uint32_t number)
{
	cpu_id_t cpu = CPU_ID((number - 1) / MCS_NODES);

	return &cpu_public(mcs_nodes, cpu)->node[(number - 1) % MCS_NODES];
}

static inline struct mcs_node *own_node(struct mcs_nodes *mine, uint32_t number)
{
	return &mine->node[(number - 1) % MCS_NODES];
}

/* The number of a node of this CPU, which gets nobody behind it. */
static inline uint32_t take_node(struct mcs_nodes *mine)
{
	uint32_t i = (uint32_t)__builtin_ctz(~mine->used);

	/* A CPU that holds so many locks has lost count. */
	ASSERT(i < MCS_NODES);
	mine->used |= 1u << i;
	__atomic_store_n(&mine->node[i].next, 0, __ATOMIC_RELAXED);
	return this_cpu_id().n * MCS_NODES + i + 1;
}

static inline void give_node_back(struct mcs_nodes *mine, uint32_t number)
{
	mine->used &= ~(1u << (number - 1) % MCS_NODES);
}

static __noinline void wait_behind(const struct lock *l, uint32_t ahead, uint32_t me,
				   const struct mcs_node *node)
{
	struct lock_wait wait = { 0 };

	llog_lock_waits(l, me, ahead, LLOG_MCS);
	__atomic_store_n(&node_of(ahead)->next, me, __ATOMIC_RELEASE);
	while (__atomic_load_n(&node->waiting, __ATOMIC_ACQUIRE))
		lock_wait_step(l, &wait);
}

void mcs_acquire(struct lock *l)
{
	struct mcs_nodes *mine = cpu_private(mcs_nodes);
	uint32_t me = take_node(mine), ahead;
	struct mcs_node *node = own_node(mine, me);

	__atomic_store_n(&node->waiting, 1, __ATOMIC_RELAXED);
	ahead = __atomic_exchange_n(&l->tail, me, __ATOMIC_ACQ_REL);
	if (ahead)
		wait_behind(l, ahead, me, node);
	l->holder = me;
	llog_lock_taken(l, (uint64_t)me << 32 | ahead, LLOG_MCS);
}

bool mcs_try(struct lock *l)
{
	struct mcs_nodes *mine = cpu_private(mcs_nodes);
	uint32_t me = take_node(mine), nobody = 0;

	if (!__atomic_compare_exchange_n(&l->tail, &nobody, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED)) {
		give_node_back(mine, me);
		return false;
	}
	l->holder = me;
	llog_lock_taken(l, (uint64_t)me << 32, LLOG_MCS);
	return true;
}

/* Nobody behind: the line is empty if it ends with us, else somebody is about to link itself. */
static bool leave_empty(struct lock *l, uint32_t me, const struct mcs_node *node)
{
	uint32_t last = me;

	if (__atomic_compare_exchange_n(&l->tail, &last, 0, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		return true;
	while (!__atomic_load_n(&node->next, __ATOMIC_ACQUIRE))
		cpu_relax();
	return false;
}

void mcs_release(struct lock *l)
{
	struct mcs_nodes *mine = cpu_private(mcs_nodes);
	uint32_t me = l->holder, next;
	const struct mcs_node *node = own_node(mine, me);

	llog_lock_freed(l);
	next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
	if (next || !leave_empty(l, me, node)) {
		next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
		__atomic_store_n(&node_of(next)->waiting, 0, __ATOMIC_RELEASE);
	}
	give_node_back(mine, me);
}
