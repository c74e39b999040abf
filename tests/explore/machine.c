// SPDX-License-Identifier: GPL-2.0-or-later
// The machine below the explored files: CPUs with their areas (GS base), interrupts as bits of a
// word for each CPU, memory that is never given back, timers that may fire at any moment, and the
// logical log as a list. None of it is a step, but for the interrupt words.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cpu/ipi.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "lock/spec/replay.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "mem/kspace.h"
#include "tests/explore/explore.h"
#include "thread/idle_poll.h"
#include "thread/sched.h"
#include "thread/spec/thread_spec.h"

#define ARENA_SIZE      (64u << 10)
#define KSTACKS_MAX     8u
#define TIMERS_MAX      8u
#define LOG_MAX         4096u
#define FROM_TIMER      (1ull << 56)
#define ARCH_SET_GS     0x1001
#define HWCAP2_FSGSBASE 2u

extern char __percpu_end[], explored_start[], explored_end[];

__attribute__((section(".percpu.head"), used, aligned(64))) static struct cpu percpu_head;

struct timers {
	struct timer *armed[TIMERS_MAX];
	unsigned n;
	bool fired;
};

static const struct scenario *scenario;
static char *areas[CPUS_MAX], *explored_copy;
static uint64_t interrupts[CPUS_MAX], clocks[CPUS_MAX];
static struct timers timers[CPUS_MAX];
static char arena[ARENA_SIZE] __aligned(64);
static size_t arena_used;
static char kstacks[KSTACKS_MAX][KSTACK_SIZE] __aligned(64);
static unsigned nr_kstacks;
static void (*wake_hook)(void);
static bool has_wrgsbase;

static struct {
	unsigned cpu;
	struct llog_entry e;
} events[LOG_MAX];
static unsigned nr_events;
bool llog_on;

/* ---- CPUs ---- */

void machine_enter(unsigned cpu)
{
	if (has_wrgsbase)
		__asm__ volatile("wrgsbase %0" : : "r"(areas[cpu]));
	else if (syscall(SYS_arch_prctl, ARCH_SET_GS, areas[cpu]) != 0)
		abort();
}

static void init_areas(void)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);

	for (unsigned i = 0; i < CPUS_MAX; i++) {
		struct cpu *c;

		if (!areas[i])
			areas[i] = aligned_alloc(64, ALIGN_UP(size, (size_t)64));
		memset(areas[i], 0, size);
		c = (struct cpu *)areas[i];
		c->self = c;
		c->id = CPU_ID(i);
		c->online = true;
	}
	(void)percpu_head;
}

unsigned cpu_count(void)
{
	return scenario->cpus;
}

struct cpu *cpu_get(cpu_id_t id)
{
	return (struct cpu *)areas[id.n];
}

/* Static data of the explored files. */
static void restore_data(void)
{
	size_t size = (size_t)(explored_end - explored_start);

	if (!explored_copy) {
		explored_copy = malloc(size);
		memcpy(explored_copy, explored_start, size);
		has_wrgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
	}
	memcpy(explored_start, explored_copy, size);
}

static void start_threads(void)
{
	for (unsigned i = scenario->cpus; i--;) {
		machine_enter(i);
		if (i)
			thread_init_cpu();
		else
			thread_init();
	}
}

void machine_reset(const struct scenario *s)
{
	scenario = s;
	restore_data();
	init_areas();
	memset(interrupts, 0, sizeof(interrupts));
	memset(clocks, 0, sizeof(clocks));
	memset(timers, 0, sizeof(timers));
	memset(arena, 0, arena_used);
	arena_used = 0;
	nr_kstacks = 0;
	nr_events = 0;
	llog_on = true;
	machine_enter(0);
	start_threads();
	s->setup();
}

void machine_run_cpu(unsigned cpu)
{
	if (scenario->body)
		scenario->body(cpu);
	else
		thread_start_cpu();
}

/* ---- interrupts ---- */

uint64_t machine_interrupt_word(unsigned cpu)
{
	return (uintptr_t)&interrupts[cpu];
}

static void word_access(enum access_kind kind, unsigned cpu)
{
	struct access a = { .kind = kind, .address = machine_interrupt_word(cpu), .size = 8 };

	memory_end_stores();
	hooks_forget(engine_cpu());
	engine_access(&a);
}

static void run_timers(struct timers *t)
{
	t->fired = false;
	while (t->n) {
		struct timer *timer = t->armed[--t->n];

		timer->armed = false;
		timer->fire(timer);
	}
}

static void take_interrupts(void)
{
	unsigned cpu = engine_cpu();
	uint64_t why;

	word_access(ACCESS_LOCKED, cpu);
	why = interrupts[cpu];
	interrupts[cpu] = 0;
	if (why & FROM_TIMER)
		run_timers(&timers[cpu]);
	if (why & ~FROM_TIMER)
		wake_hook();
}

void cpu_idle(void)
{
	word_access(ACCESS_IDLE, engine_cpu());
	take_interrupts();
}

void cpu_irq_window(void)
{
	if (!engine_exploring())
		return;
	word_access(ACCESS_READ, engine_cpu());
	if (interrupts[engine_cpu()])
		take_interrupts();
}

void ipi_set_wake_hook(void (*hook)(void))
{
	wake_hook = hook;
}

/* As in cpu/lapic.c, where a fence comes before the command. */
void ipi_wake(cpu_id_t cpu)
{
	if (engine_exploring())
		word_access(ACCESS_LOCKED, cpu.n);
	interrupts[cpu.n] |= 1u;
}

/* ---- time: so much passes at each look that an idle CPU looks for work twice ---- */

uint64_t time_now(void)
{
	return clocks[this_cpu_id().n] += IDLE_POLL_FIRST_NS / 2 + 1;
}

/* ---- timers: only those that end a sleep ---- */

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
	*t = (struct timer){ .fire = fire, .cpu = CPU_ID_NONE };
}

void timer_arm(struct timer *t, uint64_t deadline)
{
	struct timers *mine = &timers[this_cpu_id().n];

	(void)deadline;
	if (t->fire != wait_timeout || t->armed)
		return;
	if (mine->n == TIMERS_MAX)
		abort();
	t->armed = true;
	mine->armed[mine->n++] = t;
	engine_timer_armed(this_cpu_id().n);
}

void timer_disarm(struct timer *t)
{
	struct timers *mine = &timers[this_cpu_id().n];

	for (unsigned i = 0; i < mine->n; i++) {
		if (mine->armed[i] == t)
			mine->armed[i] = mine->armed[--mine->n];
	}
	t->armed = false;
}

void timer_cancel(struct timer *t)
{
	timer_disarm(t);
}

bool machine_timer_armed(unsigned cpu)
{
	return timers[cpu].n && !timers[cpu].fired;
}

void machine_timer_fires(unsigned cpu)
{
	timers[cpu].fired = true;
	interrupts[cpu] |= FROM_TIMER;
}

/* ---- memory ---- */

void *kalloc(struct container *c, size_t size)
{
	char *p = arena + arena_used;

	(void)c;
	arena_used += ALIGN_UP(size, (size_t)64);
	if (arena_used > ARENA_SIZE)
		abort();
	return p;
}

void *kstack_alloc(struct container *c)
{
	(void)c;
	if (nr_kstacks == KSTACKS_MAX)
		abort();
	return kstacks[nr_kstacks++] + KSTACK_SIZE;
}

/* ---- words ---- */

size_t str_copy(char *dst, const char *src, size_t size)
{
	(void)src;
	if (size)
		dst[0] = '\0';
	return 0;
}

/* The CPU stops here for good. */
void panic(const char *fmt, ...)
{
	struct access end = { .kind = ACCESS_END };
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	explore_fail("panic: %s", text);
	memory_end_stores();
	engine_access(&end);
	abort();
}

/* ---- the logical log ---- */

void llog_write(enum llog_op op, uint64_t object, uint32_t seq, uint64_t arg, uint64_t arg2,
		unsigned extra)
{
	if (nr_events == LOG_MAX)
		return;
	events[nr_events].cpu = this_cpu_id().n;
	events[nr_events++].e = (struct llog_entry){ .object = object,
						     .seq = seq,
						     .arg = arg,
						     .arg2 = arg2,
						     .op = (uint16_t)op,
						     .extra = (uint16_t)extra };
}

uint64_t llog_lock_id(const struct lock *l)
{
	return (uintptr_t)l;
}

void llog_lock_init(struct lock *l)
{
	(void)l;
}

void llog_lock_waits(const struct lock *l, uint64_t place, uint64_t turn_of, unsigned kind)
{
	llog_write(LLOG_LOCK_WAITS, (uintptr_t)l, 0, place, turn_of, kind);
}

void llog_lock_taken(struct lock *l, uint64_t place, unsigned kind)
{
	llog_write(LLOG_LOCK_TAKEN, (uintptr_t)l, ++l->turn, place, 0, kind);
}

void llog_lock_freed(const struct lock *l)
{
	llog_write(LLOG_LOCK_FREED, (uintptr_t)l, l->turn, 0, 0, 0);
}

void machine_check_log(void)
{
	spec_reset();
	spec_set_quiet(true);
	for (unsigned i = 0; i < nr_events; i++)
		spec_feed(events[i].cpu, &events[i].e);
	spec_end(true);
	spec_inbox_end();
	spec_ready_end();
	if (spec_totals.violations)
		explore_fail("%s", spec_first_violation);
}

void machine_print_log(void)
{
	for (unsigned i = 0; i < nr_events; i++)
		printf("  %3u CPU %u %-16s object %llx seq %u arg %llx %llx\n", i, events[i].cpu,
		       spec_rows[events[i].e.op].name, (unsigned long long)events[i].e.object,
		       events[i].e.seq, (unsigned long long)events[i].e.arg,
		       (unsigned long long)events[i].e.arg2);
}
