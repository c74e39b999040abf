// SPDX-License-Identifier: GPL-2.0-or-later
// Who gets threads from whom. A CPU that runs dry asks the busiest for one and says that it is
// idle; a CPU where threads wait gives them to idle ones. Fairness between busy CPUs goes by the
// place of their queues on the common scale of virtual time: whoever waits where less is got, moves
// now and then to where it is owed something. So with one thread more than CPUs all of them take
// turns at being the one that shares. Nobody touches another's ready queue: threads move through
// the inboxes.
#include "cpu/time.h"
#include "thread/sched.h"

#define BALANCE_NS 10000000ull
/* Owed so much of running, a thread moves. */
#define MOVE_NS 8000000ull
/* How exact balance_latest is: so often at most it is written. */
#define LATEST_NS 1000000ull

/* Locks: [a] atomic, written by the owner alone   [x] atomic, written with the inbox' lock
 *        [c] atomic; set by the owner, cleared by whoever gives to it   [o] owner CPU
 *        [f] atomic; others add, the owner takes */
struct load {
	uint32_t runnable; /* [a] */
	uint32_t arriving; /* [x] threads in the inbox */
	bool idle;         /* [c] */
	uint64_t balanced; /* [o] ns */
	uint64_t place;    /* [a] */
	uint64_t since;    /* [a] */
	uint32_t weight;   /* [a] */
	uint64_t lift;     /* [f] */
};
DEFINE_CPU_PUBLIC(struct load, load);

static uint64_t latest __aligned(64); /* [a] */

unsigned balance_load(cpu_id_t cpu)
{
	const struct load *l = cpu_public(load, cpu);

	return __atomic_load_n(&l->runnable, __ATOMIC_RELAXED) +
	       __atomic_load_n(&l->arriving, __ATOMIC_RELAXED);
}

/* ---- places ---- */

uint64_t balance_latest(void)
{
	return __atomic_load_n(&latest, __ATOMIC_RELAXED);
}

uint64_t balance_take_lift(void)
{
	uint64_t *lift = &cpu_private(load)->lift;

	return __atomic_load_n(lift, __ATOMIC_RELAXED)
		       ? __atomic_exchange_n(lift, 0, __ATOMIC_RELAXED)
		       : 0;
}

void balance_publish(unsigned runnable, uint64_t place, uint64_t since, uint32_t weight)
{
	struct load *mine = cpu_private(load);

	__atomic_store_n(&mine->weight, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&mine->runnable, runnable, __ATOMIC_RELAXED);
	__atomic_store_n(&mine->place, place, __ATOMIC_RELAXED);
	__atomic_store_n(&mine->since, since, __ATOMIC_RELAXED);
	__atomic_store_n(&mine->weight, weight, __ATOMIC_RELEASE);
	if (runnable > 1 && ready_behind(balance_latest(), place) > LATEST_NS)
		__atomic_store_n(&latest, place, __ATOMIC_RELAXED);
}

/*
 * Where another CPU's queue is by now. What is read may be of two moments; then the guess is wrong
 * once, and a thread moves that need not have.
 */
static uint64_t place_now(cpu_id_t cpu, uint64_t now)
{
	const struct load *l = cpu_public(load, cpu);
	uint32_t weight = __atomic_load_n(&l->weight, __ATOMIC_ACQUIRE);
	uint64_t since = __atomic_load_n(&l->since, __ATOMIC_RELAXED);
	uint64_t place = __atomic_load_n(&l->place, __ATOMIC_RELAXED) +
			 __atomic_load_n(&l->lift, __ATOMIC_RELAXED);

	return weight && now > since ? place + ready_virtual(now - since, weight) : place;
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

cpu_id_t balance_least_loaded(const struct thread *t)
{
	static uint32_t turn; /* [a] among equals, so that threads that mostly sleep spread too */
	cpu_id_t cpu = CPU_ID(__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % cpu_count());
	cpu_id_t best = CPU_ID_NONE;

	for (unsigned i = 0; i < cpu_count(); i++, cpu = next_cpu(cpu)) {
		if (sched_allows(t, cpu) &&
		    (cpu_id_eq(best, CPU_ID_NONE) || balance_load(cpu) < balance_load(best)))
			best = cpu;
	}
	/* While CPUs change hands there may be none for a moment; who comes to a wrong one is sent
	 * on. */
	return cpu_id_eq(best, CPU_ID_NONE) ? CPU_ID(0) : best;
}

/* ---- to idle CPUs ---- */

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
		struct thread *t;

		if (!claim_idle(cpu))
			continue;
		t = sched_waiting_for(cpu);
		if (t) {
			sched_give(t, cpu);
			waiting--;
		} else {
			/* It goes on waiting for others. */
			__atomic_store_n(&cpu_public(load, cpu)->idle, true, __ATOMIC_SEQ_CST);
		}
	}
	return waiting;
}

/* ---- to CPUs that serve their threads better ---- */

/*
 * A thread alone may have what nobody can give it: more than one CPU's time. It is not owed that
 * for later, so its queue never falls behind others by more than a thread's due.
 */
static void lift(cpu_id_t cpu, const struct thread *t, uint64_t place, uint64_t now)
{
	uint64_t due = ready_virtual(READY_LAG_MAX_NS, t->ready.weight);
	uint64_t behind = ready_behind(place_now(cpu, now), place);

	if (behind > due)
		__atomic_fetch_add(&cpu_public(load, cpu)->lift, behind - due, __ATOMIC_RELAXED);
}

/* How much t is owed on the CPU, in ns of running; 0: nothing, or more wait there than here. */
static uint64_t owed(const struct thread *t, cpu_id_t cpu, uint64_t now)
{
	uint64_t place = sched_place_of(t);
	unsigned load = balance_load(cpu);

	if (!load || load > balance_load(this_cpu_id()))
		return 0;
	lift(cpu, t, place, now);
	return ready_behind(place, place_now(cpu, now)) * t->ready.weight / READY_WEIGHT_DEFAULT;
}

static void even_out(uint64_t now)
{
	struct thread *moves = NULL;
	cpu_id_t to = CPU_ID_NONE;
	uint64_t most = MOVE_NS;

	cpu_for_each (cpu) {
		struct thread *t = cpu_id_eq(cpu, this_cpu_id()) ? NULL : sched_waiting_for(cpu);
		uint64_t due = t ? owed(t, cpu, now) : 0;

		if (due > most) {
			most = due;
			moves = t;
			to = cpu;
		}
	}
	if (moves)
		sched_give(moves, to);
}

void balance_push(unsigned waiting)
{
	struct load *mine = cpu_private(load);
	uint64_t now;

	if (cpu_count() == 1 || !give_to_idle(waiting))
		return;
	now = time_now();
	if (now - mine->balanced < BALANCE_NS)
		return;
	mine->balanced = now;
	even_out(now);
}

/* ---- idle ---- */

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
