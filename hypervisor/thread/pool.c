// SPDX-License-Identifier: GPL-2.0-or-later
// Which CPUs are whose. A change is made in the tables under the lock, checked against every group,
// and undone if one would be left without a CPU. Then each group's set is worked out anew, and each
// CPU looks through its threads and sends away those that have no business there any more.
#include "lib/errno.h"
#include "lib/string.h"
#include "thread/group_impl.h"
#include "thread/sched.h"

static const struct lock_class pools_class = { "cpu pools", LOCK_RANK_LEAF };

/* Locks: [p] lock   [w] written with it, read by anybody */
struct tables {
	uint8_t pool[CPU_MAX];   /* [w] */
	uint64_t owner[CPU_MAX]; /* [w] of a dedicated CPU, 0: nobody */
};
static struct {
	struct lock lock;
	struct list_head groups; /* [p] */
	struct tables now;       /* [w] */
	struct tables before;    /* [p] to undo a change */
	struct cpu_set common;   /* [w] */
} pools = { .lock = LOCK_INIT(&pools_class), .groups = LIST_HEAD_INIT(pools.groups) };

unsigned sched_pool_of(cpu_id_t cpu)
{
	return READ_ONCE(pools.now.pool[cpu.n]);
}

uint64_t sched_dedicated_to(cpu_id_t cpu)
{
	return READ_ONCE(pools.now.owner[cpu.n]);
}

bool pool_is_common(cpu_id_t cpu)
{
	return cpu_set_has(&pools.common, cpu);
}

void pool_init_cpu(void)
{
	cpu_set_add(&pools.common, this_cpu_id());
}

/* ---- sets ---- */

static bool is_empty(const struct cpu_set *s)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(s->bits); i++)
		any |= s->bits[i];
	return !any;
}

static void publish(struct cpu_set *to, const struct cpu_set *set)
{
	for (unsigned i = 0; i < ARRAY_SIZE(set->bits); i++)
		__atomic_store_n(&to->bits[i], set->bits[i], __ATOMIC_SEQ_CST);
}

static bool same_core(cpu_id_t a, cpu_id_t b)
{
	return cpu_get(a)->core == cpu_get(b)->core;
}

static void common_set(struct cpu_set *out)
{
	*out = (struct cpu_set){ 0 };
	cpu_for_each (id) {
		if (!pools.now.pool[id.n] && !pools.now.owner[id.n])
			cpu_set_add(out, id);
	}
}

/* What the tables give a group. */
static void group_set(const struct sched_group *g, struct cpu_set *out)
{
	bool all = is_empty(&g->wanted);

	*out = (struct cpu_set){ 0 };
	cpu_for_each (id) {
		bool mine = g->dedicated
				    ? pools.now.owner[id.n] == g->owner
				    : pools.now.pool[id.n] == g->pool && !pools.now.owner[id.n] &&
					      (all || cpu_set_has(&g->wanted, id));

		if (mine)
			cpu_set_add(out, id);
	}
}

/* Thread `slot` of a dedicated group has the CPU of that number in its set. */
static cpu_id_t dedicated_cpu(const struct sched_group *g, unsigned slot)
{
	for (unsigned w = 0; w < ARRAY_SIZE(g->cpus.bits); w++) {
		uint64_t bits = __atomic_load_n(&g->cpus.bits[w], __ATOMIC_SEQ_CST);

		for (; bits; bits &= bits - 1) {
			if (slot-- == 0)
				return CPU_ID(w * 64 + (unsigned)__builtin_ctzll(bits));
		}
	}
	return CPU_ID_NONE;
}

bool pool_group_allows(const struct sched_group *g, unsigned slot, cpu_id_t cpu)
{
	if (READ_ONCE(g->dedicated))
		return cpu_id_eq(dedicated_cpu(g, slot), cpu);
	return cpu_set_has(&g->cpus, cpu);
}

/* ---- changes: with the lock ---- */

static bool everybody_has_a_cpu(void)
{
	struct sched_group *g;
	struct cpu_set set;

	list_for_each_entry (g, &pools.groups, link) {
		group_set(g, &set);
		if (is_empty(&set))
			return false;
	}
	common_set(&set);
	return !is_empty(&set);
}

static void work_out(void)
{
	struct sched_group *g;
	struct cpu_set set;

	common_set(&set);
	publish(&pools.common, &set);
	list_for_each_entry (g, &pools.groups, link) {
		group_set(g, &set);
		publish(&g->cpus, &set);
	}
}

static bool is_core_free(cpu_id_t first, unsigned pool)
{
	cpu_for_each (id) {
		if (same_core(id, first) && (pools.now.owner[id.n] || pools.now.pool[id.n] != pool))
			return false;
	}
	return !same_core(first, CPU_ID(0));
}

/* Takes whole cores, from the last CPU down, until there are enough. */
static int take_cores(const struct sched_group *g)
{
	unsigned left = g->max_threads;

	for (unsigned n = cpu_count(); n-- > 0 && left;) {
		if (!is_core_free(CPU_ID(n), g->pool))
			continue;
		cpu_for_each (id) {
			if (!same_core(id, CPU_ID(n)))
				continue;
			pools.now.owner[id.n] = g->owner;
			left -= left > 0;
		}
	}
	return left ? -EBUSY : 0;
}

static void give_cores_back(const struct sched_group *g)
{
	cpu_for_each (id) {
		if (pools.now.owner[id.n] == g->owner)
			pools.now.owner[id.n] = 0;
	}
}

static int change_group(struct sched_group *g, const struct sched_params *p)
{
	if (p->set & SCHED_SET_POOL)
		g->pool = p->pool;
	if (p->set & SCHED_SET_CPUS)
		memcpy(g->wanted.bits, p->cpus, sizeof(g->wanted.bits));
	if (p->set & SCHED_SET_DEDICATED)
		WRITE_ONCE(g->dedicated, p->dedicated);
	if (p->set & (SCHED_SET_POOL | SCHED_SET_DEDICATED)) {
		give_cores_back(g);
		if (g->dedicated && take_cores(g) < 0)
			return -EBUSY;
	}
	return everybody_has_a_cpu() ? 0 : -EINVAL;
}

static int change_group_or_undo(struct sched_group *g, const struct sched_params *p)
{
	const struct cpu_set wanted = g->wanted;
	const uint32_t pool = g->pool, dedicated = g->dedicated;
	int err;

	pools.before = pools.now;
	err = change_group(g, p);
	if (err < 0) {
		pools.now = pools.before;
		g->wanted = wanted;
		g->pool = pool;
		WRITE_ONCE(g->dedicated, dedicated);
	}
	return err;
}

static bool takes_part_of_a_core(const struct cpu_set *set)
{
	cpu_for_each (a) {
		cpu_for_each (b) {
			if (same_core(a, b) && cpu_set_has(set, a) != cpu_set_has(set, b))
				return true;
		}
	}
	return false;
}

static int set_pool(unsigned pool, const struct cpu_set *set)
{
	cpu_for_each (id) {
		bool in = cpu_set_has(set, id), was = pools.now.pool[id.n] == pool;

		if (in != was && pools.now.owner[id.n])
			return -EBUSY;
		if (in)
			pools.now.pool[id.n] = (uint8_t)pool;
		else if (was)
			pools.now.pool[id.n] = 0;
	}
	return everybody_has_a_cpu() ? 0 : -EBUSY;
}

/* ---- the outside: takes the lock, then has every CPU look ---- */

static void evict(void *arg)
{
	(void)arg;
	sched_evict();
}

static void finish_change(void)
{
	struct cpu_set all = { 0 };

	work_out();
	lock_release(&pools.lock);
	cpu_for_each (id)
		cpu_set_add(&all, id);
	ipi_call(&all, evict, NULL);
}

void pool_add_group(struct sched_group *g)
{
	struct cpu_set set;

	lock_acquire(&pools.lock);
	list_add_tail(&g->link, &pools.groups);
	group_set(g, &set);
	publish(&g->cpus, &set);
	lock_release(&pools.lock);
}

void pool_remove_group(struct sched_group *g)
{
	bool plain;

	lock_acquire(&pools.lock);
	plain = !g->dedicated && !g->pool && is_empty(&g->wanted);
	give_cores_back(g);
	WRITE_ONCE(g->dedicated, 0);
	g->pool = 0;
	g->wanted = (struct cpu_set){ 0 };
	if (plain) {
		list_del(&g->link);
		lock_release(&pools.lock);
		return;
	}
	/* Its threads may still run: they have to know where. */
	work_out();
	list_del(&g->link);
	finish_change();
}

int pool_change_group(struct sched_group *g, struct sched_params *p)
{
	const uint32_t places = SCHED_SET_POOL | SCHED_SET_CPUS | SCHED_SET_DEDICATED;
	int err = 0;

	lock_acquire(&pools.lock);
	if (p->set & places)
		err = change_group_or_undo(g, p);
	if (err < 0) {
		lock_release(&pools.lock);
		return err;
	}
	if (p->set & places) {
		finish_change();
		lock_acquire(&pools.lock);
	}
	p->pool = g->pool;
	p->dedicated = g->dedicated;
	memcpy(p->cpus, g->cpus.bits, sizeof(p->cpus));
	lock_release(&pools.lock);
	return 0;
}

int sched_pool_set(const struct cpu_pool *p)
{
	struct cpu_set set;
	int err;

	memcpy(set.bits, p->cpus, sizeof(set.bits));
	if (p->reserved || p->pool < 1 || p->pool >= CPU_POOLS || takes_part_of_a_core(&set) ||
	    cpu_set_has(&set, CPU_ID(0)))
		return -EINVAL;
	lock_acquire(&pools.lock);
	pools.before = pools.now;
	err = set_pool(p->pool, &set);
	if (err < 0) {
		pools.now = pools.before;
		lock_release(&pools.lock);
		return err;
	}
	finish_change();
	return 0;
}
