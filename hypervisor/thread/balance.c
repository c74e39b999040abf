// SPDX-License-Identifier: GPL-2.0-or-later
// Who gets threads from whom. A CPU that runs dry asks the busiest for one and says that it is
// idle; a CPU where threads wait gives them to idle ones, and now and then one to a CPU that has at
// least two fewer. Nobody touches another's ready queue: threads move through the inboxes.
#include "cpu/time.h"
#include "thread/sched.h"

#define BALANCE_NS 20000000ull

/* Locks: [a] atomic, written by the owner alone   [x] atomic, written with the inbox' lock
 *        [c] atomic; set by the owner, cleared by whoever gives to it   [o] owner CPU */
struct load {
	uint32_t runnable; /* [a] */
	uint32_t arriving; /* [x] threads in the inbox */
	bool idle;         /* [c] */
	uint64_t balanced; /* [o] ns */
};
DEFINE_CPU_PUBLIC(struct load, load);

unsigned balance_load(cpu_id_t cpu)
{
	const struct load *l = cpu_public(load, cpu);

	return __atomic_load_n(&l->runnable, __ATOMIC_RELAXED) +
	       __atomic_load_n(&l->arriving, __ATOMIC_RELAXED);
}

void balance_publish(unsigned runnable)
{
	__atomic_store_n(&cpu_private(load)->runnable, runnable, __ATOMIC_RELAXED);
}

void balance_note_arriving(cpu_id_t cpu)
{
	struct load *l = cpu_public(load, cpu);

	__atomic_store_n(&l->arriving, l->arriving + 1, __ATOMIC_RELAXED);
}

void balance_arrived(void)
{
	__atomic_store_n(&cpu_private(load)->arriving, 0, __ATOMIC_RELAXED);
}

/* The next CPU after `id`, from the last to the first. */
static cpu_id_t next_cpu(cpu_id_t id)
{
	return CPU_ID(id.n + 1u < cpu_count() ? id.n + 1u : 0);
}

cpu_id_t balance_least_loaded(void)
{
	static uint32_t turn; /* [a] among equals, so that threads that mostly sleep spread too */
	cpu_id_t cpu = CPU_ID(__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % cpu_count());
	cpu_id_t best = cpu;

	for (unsigned i = 1; i < cpu_count(); i++) {
		cpu = next_cpu(cpu);
		if (balance_load(cpu) < balance_load(best))
			best = cpu;
	}
	return best;
}

/* Only one CPU gives to an idle one at a time. */
static bool claim_idle(cpu_id_t cpu)
{
	bool *idle = &cpu_public(load, cpu)->idle;

	return __atomic_load_n(idle, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(idle, false, __ATOMIC_SEQ_CST);
}

static unsigned give_to_idle(unsigned waiting)
{
	cpu_id_t cpu = next_cpu(this_cpu_id());

	for (; waiting && !cpu_id_eq(cpu, this_cpu_id()); cpu = next_cpu(cpu)) {
		if (!claim_idle(cpu))
			continue;
		if (!sched_give(cpu)) {
			/* None may move: it goes on waiting for others. */
			__atomic_store_n(&cpu_public(load, cpu)->idle, true, __ATOMIC_SEQ_CST);
			break;
		}
		waiting--;
	}
	return waiting;
}

void balance_push(unsigned waiting)
{
	struct load *mine = cpu_private(load);
	uint64_t now;
	cpu_id_t least;

	if (cpu_count() == 1 || !give_to_idle(waiting))
		return;
	now = time_now();
	if (now - mine->balanced < BALANCE_NS)
		return;
	mine->balanced = now;
	least = balance_least_loaded();
	if (balance_load(this_cpu_id()) >= balance_load(least) + 2)
		sched_give(least);
}

static void ask_for_work(void)
{
	cpu_id_t busiest = this_cpu_id();
	unsigned most = 1;

	cpu_for_each (cpu) {
		if (balance_load(cpu) > most) {
			most = balance_load(cpu);
			busiest = cpu;
		}
	}
	if (!cpu_id_eq(busiest, this_cpu_id()))
		inbox_post_steal(busiest);
}

void balance_enter_idle(void)
{
	if (cpu_count() == 1)
		return;
	__atomic_store_n(&cpu_private(load)->idle, true, __ATOMIC_SEQ_CST);
	ask_for_work();
}

void balance_leave_idle(void)
{
	__atomic_store_n(&cpu_private(load)->idle, false, __ATOMIC_SEQ_CST);
}
