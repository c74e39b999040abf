// SPDX-License-Identifier: GPL-2.0-or-later
// The search. A schedule is a list of processes; an execution follows the part of it that is given
// and then goes on with the first process that may run. Each step compares its access with the last
// ones of other processes to the same word: where two could have come in the other order, that
// order is noted to be tried at the state before the first of them. Vector clocks tell which could.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lock/spec/replay.h"
#include "tests/explore/explore.h"
#include "thread/sched.h"

#define STEPS_MAX  6000u /* more in one execution: it does not end */
#define STACK_SIZE (64u << 10)
#define KEYS       8192u

struct clock {
	int32_t at[PROCS_MAX]; /* the last step of each process that this one knows */
};

/* A state, and the step taken from it. */
struct step {
	uint32_t enabled, backtrack, done, sleep;
	struct access next[PROCS_MAX];
	int proc;
	struct clock clock; /* after the step */
};

struct key { /* a word of memory */
	uint64_t word;
	uint64_t execution;
	int32_t write, read[PROCS_MAX]; /* last steps; -1: none */
	struct clock write_clock, clock;
};

static const struct scenario *scenario;
static struct step steps[STEPS_MAX];
static int depth, given; /* steps of this execution; how many were given */
static struct clock clocks[PROCS_MAX];
static struct clock store_clocks[CPUS_MAX][192];
static struct key keys[KEYS];
static struct access next_access[CPUS_MAX];
static uint64_t stack_of[CPUS_MAX], engine_stack;
static char *stacks;
static int running; /* CPU; -1: the engine */
static bool exploring;
static struct outcome outcome;
static volatile uint64_t total_steps;

static int buffer_of(int cpu)
{
	return (int)scenario->cpus + cpu;
}

static int timer_of(int cpu)
{
	return 2 * (int)scenario->cpus + cpu;
}

static int nr_procs(void)
{
	return 3 * (int)scenario->cpus;
}

/* The CPU that a process belongs to. */
static int cpu_of(int proc)
{
	return proc % (int)scenario->cpus;
}

void explore_fail(const char *fmt, ...)
{
	va_list ap;

	if (outcome.failed)
		return;
	outcome.failed = true;
	va_start(ap, fmt);
	vsnprintf(outcome.why, sizeof(outcome.why), fmt, ap);
	va_end(ap);
}

/* ---- simulated CPUs ---- */

uint64_t engine_steps(void)
{
	return total_steps;
}

bool engine_exploring(void)
{
	return exploring;
}

unsigned engine_cpu(void)
{
	return running < 0 ? 0 : (unsigned)running;
}

static void cpu_main(void)
{
	struct access end = { .kind = ACCESS_END };

	machine_run_cpu((unsigned)running);
	memory_end_stores();
	engine_access(&end);
	abort();
}

static void make_stack(unsigned cpu)
{
	uint64_t *top = (uint64_t *)(stacks + (cpu + 1) * STACK_SIZE) - 1;

	/* What thread_switch_stack pops: six registers, and where to go. */
	top[-1] = (uintptr_t)cpu_main;
	memset(top - 7, 0, 6 * sizeof(*top));
	stack_of[cpu] = (uintptr_t)(top - 7);
}

/* The CPU goes on to its next access. */
static void run_cpu(int cpu)
{
	running = cpu;
	machine_enter((unsigned)cpu);
	memory_enter((unsigned)cpu);
	thread_switch_stack(&engine_stack, stack_of[cpu]);
	memory_leave((unsigned)cpu);
	running = -1;
}

void engine_access(const struct access *a)
{
	int cpu = running;

	next_access[cpu] = *a;
	thread_switch_stack(&stack_of[cpu], engine_stack);
}

/* ---- clocks ---- */

static void join(struct clock *c, const struct clock *other)
{
	for (int i = 0; i < nr_procs(); i++)
		c->at[i] = MAX(c->at[i], other->at[i]);
}

void engine_stored(unsigned cpu)
{
	/* Setup has no clocks. */
	if (exploring)
		store_clocks[cpu][memory_buffered(cpu) - 1] = clocks[cpu];
}

void engine_timer_armed(unsigned cpu)
{
	if (exploring)
		join(&clocks[timer_of((int)cpu)], &clocks[cpu]);
}

static struct key *key_of(uint64_t word)
{
	unsigned i = (unsigned)((word * 0x9e3779b97f4a7c15ull) >> 51) % KEYS;

	while (keys[i].execution == outcome.executions + 1 && keys[i].word != word)
		i = (i + 1) % KEYS;
	if (keys[i].execution != outcome.executions + 1) {
		keys[i] = (struct key){ .word = word,
					.execution = outcome.executions + 1,
					.write = -1 };
		for (int p = 0; p < nr_procs(); p++) {
			keys[i].read[p] = -1;
			keys[i].write_clock.at[p] = keys[i].clock.at[p] = -1;
		}
	}
	return &keys[i];
}

static bool has_address(const struct access *a)
{
	return a->kind != ACCESS_FENCE && a->kind != ACCESS_END;
}

static bool writes(const struct access *a)
{
	return a->kind == ACCESS_LOCKED || a->kind == ACCESS_FLUSH || a->kind == ACCESS_TIMER;
}

static uint64_t first_word(const struct access *a)
{
	return a->address / 8;
}

static uint64_t last_word(const struct access *a)
{
	return (a->address + a->size - 1) / 8;
}

static bool independent(const struct access *a, int pa, const struct access *b, int pb)
{
	if (cpu_of(pa) == cpu_of(pb))
		/* A CPU reads its own stores, flushed or not; else its program orders them. */
		return pa != pb && (a->kind == ACCESS_READ || b->kind == ACCESS_READ);
	if (!has_address(a) || !has_address(b) || (!writes(a) && !writes(b)))
		return true;
	return last_word(a) < first_word(b) || last_word(b) < first_word(a);
}

/* ---- races ---- */

/* The clock that process p has before its next step. */
static struct clock clock_before(int p)
{
	struct clock c = clocks[p];
	int cpu = cpu_of(p);

	if (p == buffer_of(cpu))
		join(&c, &store_clocks[cpu][0]);
	return c;
}

static void try_earlier(int i, int p, const struct clock *c)
{
	struct step *s = &steps[i];

	if (s->enabled & 1u << p) {
		s->backtrack |= 1u << p;
		return;
	}
	/* Somebody whose steps lead to p's. */
	for (int j = i + 1; j < depth; j++) {
		int q = steps[j].proc;

		if (c->at[q] >= j && (s->enabled & 1u << q)) {
			s->backtrack |= 1u << q;
			return;
		}
	}
	s->backtrack |= s->enabled;
}

/* The last step that a step of p to this word races with; -1: none. */
static int race_of(const struct key *k, bool write, int p, const struct clock *c)
{
	int latest = -1;

	if (k->write >= 0) {
		int q = steps[k->write].proc;

		if (cpu_of(q) != cpu_of(p) && c->at[q] < k->write)
			latest = k->write;
	}
	for (int q = 0; write && q < nr_procs(); q++) {
		if (cpu_of(q) != cpu_of(p) && k->read[q] > c->at[q])
			latest = MAX(latest, k->read[q]);
	}
	return latest;
}

static void find_races(int p, const struct access *a)
{
	struct clock c;
	int latest = -1;

	if (!has_address(a))
		return;
	c = clock_before(p);
	for (uint64_t w = first_word(a); w <= last_word(a); w++)
		latest = MAX(latest, race_of(key_of(w), writes(a), p, &c));
	if (latest >= 0)
		try_earlier(latest, p, &c);
}

static void note_access(int p, const struct access *a)
{
	struct clock c = clock_before(p);
	int cpu = cpu_of(p);

	if (a->kind == ACCESS_LOCKED || a->kind == ACCESS_FENCE)
		join(&c, &clocks[buffer_of(cpu)]);
	for (uint64_t w = first_word(a); has_address(a) && w <= last_word(a); w++) {
		struct key *k = key_of(w);

		join(&c, writes(a) ? &k->clock : &k->write_clock);
	}
	c.at[p] = depth;
	for (uint64_t w = first_word(a); has_address(a) && w <= last_word(a); w++) {
		struct key *k = key_of(w);

		join(&k->clock, &c);
		if (writes(a)) {
			k->write = depth;
			k->write_clock = k->clock;
		} else {
			k->read[p] = depth;
		}
	}
	clocks[p] = c;
	steps[depth].clock = c;
}

/* ---- one execution ---- */

static bool cpu_enabled(int cpu)
{
	const struct access *a = &next_access[cpu];

	switch (a->kind) {
	case ACCESS_END: return false;
	case ACCESS_LOCKED:
	case ACCESS_FENCE: return memory_buffered((unsigned)cpu) == 0;
	case ACCESS_IDLE: return memory_load(a->address, a->size) != 0;
	case ACCESS_AWAIT: return memory_load(a->address, a->size) != a->seen;
	default: return true;
	}
}

static void look(struct step *s)
{
	s->enabled = 0;
	for (int cpu = 0; cpu < (int)scenario->cpus; cpu++) {
		unsigned u = (unsigned)cpu;

		s->next[cpu] = next_access[cpu];
		if (cpu_enabled(cpu))
			s->enabled |= 1u << cpu;
		s->next[buffer_of(cpu)] = (struct access){ .kind = ACCESS_END };
		if (memory_buffered(u)) {
			s->next[buffer_of(cpu)] = memory_oldest(u);
			s->enabled |= 1u << buffer_of(cpu);
		}
		s->next[timer_of(cpu)] = (struct access){ .kind = ACCESS_END };
		if (machine_timer_armed(u)) {
			s->next[timer_of(cpu)] =
				(struct access){ .kind = ACCESS_TIMER,
						 .address = machine_interrupt_word(u),
						 .size = 8 };
			s->enabled |= 1u << timer_of(cpu);
		}
	}
}

static void take(int p, const struct access *a)
{
	int cpu = cpu_of(p);

	total_steps++;
	note_access(p, a);
	if (p == buffer_of(cpu)) {
		memory_flush((unsigned)cpu);
		memmove(&store_clocks[cpu][0], &store_clocks[cpu][1],
			memory_buffered((unsigned)cpu) * sizeof(store_clocks[0][0]));
	} else if (p == timer_of(cpu)) {
		machine_timer_fires((unsigned)cpu);
	} else {
		run_cpu(cpu);
	}
}

/* Who sleeps at the next state: what would only repeat an order that has been tried. */
static uint32_t sleep_after(const struct step *s)
{
	uint32_t asleep = (s->sleep | s->done) & ~(1u << s->proc), left = 0;

	for (int q = 0; q < nr_procs(); q++) {
		if ((asleep & 1u << q) && independent(&s->next[q], q, &s->next[s->proc], s->proc))
			left |= 1u << q;
	}
	return left;
}

/* The process to go on with at a new state; -1: all that could has been tried. */
static int first_choice(struct step *s)
{
	uint32_t may = s->enabled & ~s->sleep;
	/* The one that ran goes on while it can: few switches, and stores stay in their buffers. */
	int last = depth ? steps[depth - 1].proc : 0;

	if (!may)
		return -1;
	return may & 1u << last ? last : __builtin_ctz(may);
}

static bool all_done(void)
{
	for (int cpu = 0; cpu < (int)scenario->cpus; cpu++) {
		if (next_access[cpu].kind != ACCESS_END && next_access[cpu].kind != ACCESS_IDLE)
			return false;
	}
	return true;
}

static void begin_execution(void)
{
	exploring = false;
	running = -1;
	memory_reset();
	hooks_reset();
	machine_reset(scenario);
	memset(clocks, -1, sizeof(clocks));
	memset(store_clocks, -1, sizeof(store_clocks));
	depth = 0;
	exploring = true;
	for (int cpu = 0; cpu < (int)scenario->cpus; cpu++) {
		make_stack((unsigned)cpu);
		run_cpu(cpu);
	}
}

static void say_stuck(void)
{
	char text[200] = "";
	size_t n = 0;

	for (unsigned cpu = 0; cpu < scenario->cpus; cpu++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " CPU %u %s", cpu,
				      next_access[cpu].kind == ACCESS_END    ? "is done"
				      : next_access[cpu].kind == ACCESS_IDLE ? "is idle"
									     : "spins");
	explore_fail("nothing can go on:%s", text);
}

/* Nothing is enabled: the end, or a deadlock. */
static void end_execution(void)
{
	exploring = false;
	machine_enter(0);
	if (!all_done())
		say_stuck();
	scenario->check();
	machine_check_log();
}

/* False: it only repeated another one. */
static bool run_execution(void)
{
	begin_execution();
	for (;; depth++) {
		struct step *s = &steps[depth];

		if (depth == STEPS_MAX - 1) {
			explore_fail("no end after %u steps", STEPS_MAX);
			return true;
		}
		look(s);
		if (depth >= given) {
			s->backtrack = s->done = 0;
			s->sleep = depth ? sleep_after(&steps[depth - 1]) : 0;
			for (int p = 0; p < nr_procs(); p++)
				find_races(p, &s->next[p]);
			if (!s->enabled) {
				end_execution();
				return true;
			}
			s->proc = first_choice(s);
			if (s->proc < 0)
				return false;
			s->backtrack |= 1u << s->proc;
		}
		take(s->proc, &s->next[s->proc]);
		if (outcome.failed)
			return true;
	}
}

/* The deepest state where another order is left to try. */
static bool next_schedule(void)
{
	for (int d = depth - 1; d >= 0; d--) {
		struct step *s = &steps[d];
		uint32_t left;

		s->done |= 1u << s->proc;
		left = s->backtrack & s->enabled & ~s->done & ~s->sleep;
		if (left) {
			s->proc = __builtin_ctz(left);
			given = d + 1;
			return true;
		}
	}
	return false;
}

struct outcome explore(const struct scenario *s, uint64_t limit)
{
	bool more = true;

	scenario = s;
	if (!stacks)
		stacks = aligned_alloc(64, CPUS_MAX * STACK_SIZE);
	outcome = (struct outcome){ 0 };
	memset(keys, 0, sizeof(keys));
	given = 0;
	while (more && !outcome.failed && (!limit || outcome.executions < limit)) {
		outcome.cut += !run_execution();
		outcome.executions++;
		outcome.steps += (uint64_t)depth;
		outcome.longest = MAX(outcome.longest, (uint64_t)depth);
		if (!outcome.failed)
			more = next_schedule();
	}
	exploring = false;
	outcome.complete = !more;
	return outcome;
}
