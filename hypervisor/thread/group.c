// SPDX-License-Identifier: GPL-2.0-or-later
// Weight and cap of a group. The weight is divided anew whenever one of its threads goes to sleep
// or wakes: what counts is how many want to run. The cap is a bucket of time that fills at the
// cap's rate and that running empties; it may go below zero by a slice, which is waited for later.
#include "cpu/log.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "thread/group_impl.h"
#include "thread/sched.h"

/* What a bucket holds: so much of running at the cap's rate. */
#define BUCKET_NS 40000000ull
#define CAP_MAX   (CPU_SET_BITS * 100u)

static uint32_t weight_of(uint32_t percent)
{
	return (uint32_t)(READY_WEIGHT_DEFAULT * (uint64_t)percent / SCHED_WEIGHT_USUAL);
}

static uint32_t percent_of(uint32_t weight)
{
	return (uint32_t)(((uint64_t)weight * SCHED_WEIGHT_USUAL + READY_WEIGHT_DEFAULT - 1) /
			  READY_WEIGHT_DEFAULT);
}

uint32_t group_thread_weight(const struct sched_group *g)
{
	uint32_t weight = __atomic_load_n(&g->weight, __ATOMIC_RELAXED);
	uint32_t active = __atomic_load_n(&g->active, __ATOMIC_RELAXED);

	if (active > 1)
		weight /= active;
	return MAX(weight, 1u);
}

/* A thread may be woken while it is about to sleep: it has not stopped then. */
void group_set_active(struct thread *t, bool active)
{
	if (!t->head.group || t->active == active)
		return;
	t->active = active;
	__atomic_fetch_add(&t->head.group->active, active ? 1 : -1u, __ATOMIC_RELAXED);
}

/* ---- cap ---- */
static int64_t bucket(uint32_t cap)
{
	return (int64_t)(BUCKET_NS * cap / 100);
}

void group_charge(struct sched_group *g, uint64_t ns)
{
	if (group_is_capped(g))
		__atomic_fetch_sub(&g->tokens, (int64_t)ns, __ATOMIC_RELAXED);
}

/* Whoever moves `refilled` on adds what has come since. */
static void refill(struct sched_group *g, uint32_t cap, uint64_t now)
{
	uint64_t last = __atomic_load_n(&g->refilled, __ATOMIC_RELAXED);
	int64_t tokens, most = bucket(cap);

	if (now <= last || !__atomic_compare_exchange_n(&g->refilled, &last, now, false,
							__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	/* What was longer ago than a second would overflow the bucket anyway, or a debt's pay. */
	tokens = __atomic_add_fetch(&g->tokens,
				    (int64_t)(MIN(now - last, 1000000000ull) * cap / 100),
				    __ATOMIC_RELAXED);
	if (tokens > most)
		__atomic_fetch_sub(&g->tokens, tokens - most, __ATOMIC_RELAXED);
}

uint64_t thread_throttled_now(void)
{
	struct sched_group *g = thread_head(thread_current())->group;
	uint32_t cap = __atomic_load_n(&g->head.cap, __ATOMIC_RELAXED);
	uint64_t now = time_now();
	int64_t tokens;

	if (!cap)
		return 0;
	refill(g, cap, now);
	tokens = __atomic_load_n(&g->tokens, __ATOMIC_RELAXED);
	if (tokens > 0)
		return 0;
	/* Until it is worth while to go on. */
	return now + (uint64_t)(bucket(cap) / 4 - tokens) * 100 / cap;
}

static void set_cap(struct sched_group *g, uint32_t cap)
{
	__atomic_store_n(&g->tokens, bucket(cap), __ATOMIC_RELAXED);
	__atomic_store_n(&g->refilled, time_now(), __ATOMIC_RELAXED);
	__atomic_store_n(&g->head.cap, cap, __ATOMIC_RELAXED);
}

/* ---- membership ---- */

void thread_join_group(struct sched_group *g, unsigned slot)
{
	struct thread *t = thread_current();
	struct sched_group *old = t->head.group;
	if (g)
		__atomic_fetch_add(&g->refs, 1, __ATOMIC_RELAXED);
	group_set_active(t, false);
	t->slot = (uint16_t)slot;
	t->head.group = g;
	group_set_active(t, true);
	sched_group_put(old);
	/* Charges it under the new group from here on, and moves it if need be. */
	sched_switch();
}

/* ---- life ---- */

int sched_group_create(struct container *c, uint64_t owner, unsigned max_threads,
		       struct sched_group **out)
{
	struct sched_group *g = kalloc(c, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->refs = 1;
	g->weight = weight_of(SCHED_WEIGHT_USUAL);
	g->owner = owner;
	g->max_threads = max_threads;
	g->container = container_get(c);
	pool_add_group(g);
	*out = g;
	return 0;
}

void sched_group_close(struct sched_group *g)
{
	pool_remove_group(g);
}

void sched_group_put(struct sched_group *g)
{
	struct container *c;

	if (!g || __atomic_fetch_sub(&g->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	DEBUG_ASSERT(g->active == 0);
	c = g->container;
	kfree(g);
	container_put(c);
}

static bool params_valid(const struct sched_params *p)
{
	const uint32_t all = SCHED_SET_WEIGHT | SCHED_SET_CAP | SCHED_SET_DEDICATED |
			     SCHED_SET_POOL | SCHED_SET_CPUS;

	if ((p->set & ~all) || p->reserved)
		return false;
	if ((p->set & SCHED_SET_WEIGHT) && (p->weight < 1 || p->weight > SCHED_WEIGHT_MAX))
		return false;
	if ((p->set & SCHED_SET_CAP) && p->cap > CAP_MAX)
		return false;
	if ((p->set & SCHED_SET_DEDICATED) && p->dedicated > 1)
		return false;
	return !(p->set & SCHED_SET_POOL) || p->pool < CPU_POOLS;
}

int sched_group_change(struct sched_group *g, struct sched_params *p)
{
	int err;

	if (!params_valid(p))
		return -EINVAL;
	err = pool_change_group(g, p);
	if (err < 0)
		return err;
	if (p->set & SCHED_SET_WEIGHT)
		__atomic_store_n(&g->weight, weight_of(p->weight), __ATOMIC_RELAXED);
	if (p->set & SCHED_SET_CAP)
		set_cap(g, p->cap);
	p->weight = percent_of(__atomic_load_n(&g->weight, __ATOMIC_RELAXED));
	p->cap = __atomic_load_n(&g->head.cap, __ATOMIC_RELAXED);
	return 0;
}
