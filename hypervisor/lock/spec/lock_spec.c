// SPDX-License-Identifier: GPL-2.0-or-later
// What a lock is: its turns follow one another; each begins and ends once, by one CPU; they come in
// the order in which CPUs joined the line; and who joins has at most the other CPUs ahead.
#include "lock/spec/replay.h"

typedef unsigned long long ull;

/* A ticket lock says how far away the turn is. */
static void check_distance(const struct spec_cpu *c, const struct llog_entry *e)
{
	uint32_t distance = (uint32_t)e->arg - (uint32_t)e->arg2;

	if (distance > spec_totals.max_distance)
		spec_totals.max_distance = distance;
	if (distance >= LLOG_CPUS)
		spec_violation("lock %llx: CPU %u waits behind %u others", (ull)e->object, c->n,
			       distance);
}

void spec_lock_waits(struct spec_cpu *c, const struct llog_entry *e)
{
	spec_totals.waits++;
	if (c->waits_for)
		spec_violation("CPU %u waits for lock %llx while it waits for lock %llx", c->n,
			       (ull)e->object, (ull)c->waits_for);
	c->waits_for = e->object;
	if (!(e->extra & LLOG_MCS))
		check_distance(c, e);
}

void spec_lock_taken(struct spec_cpu *c, const struct llog_entry *e)
{
	spec_totals.acquires++;
	if (c->waits_for && c->waits_for != e->object)
		spec_violation("CPU %u takes lock %llx while it waits for lock %llx", c->n,
			       (ull)e->object, (ull)c->waits_for);
	c->waits_for = 0;
	if (c->nr_held == ARRAY_SIZE(c->held)) {
		spec_violation("CPU %u holds more than %u locks", c->n, c->nr_held);
		return;
	}
	c->held[c->nr_held++] = (struct spec_held){ e->object, e->seq };
}

bool spec_cpu_holds(const struct spec_cpu *c, uint64_t lock)
{
	for (unsigned i = 0; i < c->nr_held; i++) {
		if (c->held[i].lock == lock)
			return true;
	}
	return false;
}

void spec_lock_freed(struct spec_cpu *c, const struct llog_entry *e)
{
	unsigned i = c->nr_held;

	while (i && c->held[i - 1].lock != e->object)
		i--;
	if (!i) {
		spec_violation("lock %llx: freed by CPU %u, which does not hold it", (ull)e->object,
			       c->n);
		return;
	}
	if (c->held[i - 1].turn != e->seq)
		spec_violation("lock %llx: turn %u came while CPU %u had turn %u", (ull)e->object,
			       e->seq, c->n, c->held[i - 1].turn);
	for (; i < c->nr_held; i++)
		c->held[i - 1] = c->held[i];
	c->nr_held--;
}

static void check_ticket(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	uint32_t base = (uint32_t)e->arg - e->seq;

	if (o->placed && base != o->place_base)
		spec_violation("lock %llx: CPU %u took turn %u out of line", (ull)o->id, cpu,
			       e->seq);
	o->placed = true;
	o->place_base = base;
}

static void check_node(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	uint32_t me = (uint32_t)(e->arg >> 32), ahead = (uint32_t)e->arg;

	if (ahead && o->placed && ahead != o->last_node)
		spec_violation("lock %llx: CPU %u took turn %u out of line", (ull)o->id, cpu,
			       e->seq);
	o->placed = true;
	o->last_node = me;
}

void spec_lock_taken_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	if (o->taken)
		spec_violation("lock %llx: CPU %u and CPU %u both have turn %u", (ull)o->id, o->cpu,
			       cpu, e->seq);
	o->taken = true;
	o->cpu = cpu;
	o->woken = 0;
	if (e->extra & LLOG_MCS)
		check_node(o, cpu, e);
	else
		check_ticket(o, cpu, e);
}

void spec_lock_freed_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e)
{
	if (!o->taken || o->cpu != cpu)
		spec_violation("lock %llx: CPU %u ends turn %u, which is not its own", (ull)o->id,
			       cpu, e->seq);
	o->taken = false;
	o->order.now++;
}

void spec_lock_end(const struct spec_cpu *c)
{
	if (c->waits_for)
		spec_violation("CPU %u still waits for lock %llx", c->n, (ull)c->waits_for);
	for (unsigned i = 0; i < c->nr_held; i++)
		spec_violation("CPU %u still holds lock %llx", c->n, (ull)c->held[i].lock);
}
