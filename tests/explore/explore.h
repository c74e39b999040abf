/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The explorer of interleavings: kernel files, compiled unchanged with -fsanitize=thread, run on
 * simulated CPUs whose every access to memory is a step that the explorer schedules.
 *
 * memory.c has the CPUs' store buffers (x86-TSO: stores wait in order and are seen by their own CPU
 * alone until they are flushed; locked instructions and fences wait until the buffer is empty).
 * engine.c explores all schedules that differ in the order of dependent steps: dynamic
 * partial-order reduction with sleep sets (Flanagan and Godefroid 2005); a CPU's buffer is a
 * process of its own. machine.c stands in for what is below and beside the explored files.
 *
 * One thread of the host does everything. A simulated CPU is a stack; it stops before each access.
 */
#pragma once

#include "lib/types.h"

#define CPUS_MAX  3u
#define PROCS_MAX (3 * CPUS_MAX) /* CPUs, their store buffers, their timers */

struct scenario {
	const char *name;
	unsigned cpus;
	void (*setup)(void);        /* on CPU 0, before anything is explored */
	void (*check)(void);        /* afterwards: calls explore_fail */
	void (*body)(unsigned cpu); /* what a CPU does; NULL: the kernel's idle loop */
	uint64_t limit;             /* executions by default; 0: all there are */
};
extern const struct scenario scenarios[];
extern const unsigned nr_scenarios;

/* The present execution is wrong. */
void explore_fail(const char *fmt, ...) __printf_like(1, 2);

/* ---- engine.c ---- */

enum access_kind {
	ACCESS_READ,
	ACCESS_AWAIT,  /* a read that repeats: enabled when the value is another one */
	ACCESS_LOCKED, /* reads and writes at once, after the store buffer has emptied */
	ACCESS_FENCE,
	ACCESS_IDLE, /* a read of the interrupt word: enabled when it is not 0 */
	ACCESS_FLUSH,
	ACCESS_TIMER,
	ACCESS_END, /* the CPU does nothing any more */
};

struct access {
	enum access_kind kind;
	uint64_t address;
	unsigned size;
	uint64_t seen; /* of ACCESS_AWAIT: the value that it waits to change */
};

struct outcome {
	uint64_t executions, cut, steps, longest;
	bool complete, failed;
	char why[256];
};
struct outcome explore(const struct scenario *s, uint64_t limit);
uint64_t engine_steps(void); /* of all executions so far; signal-safe */

bool engine_exploring(void); /* false: setup and check, on CPU 0, all at once */
unsigned engine_cpu(void);   /* that runs now */
/* The running CPU stops here until this access is its turn. */
void engine_access(const struct access *a);
/* It has put a store into its buffer, armed its timer: from here on that process may go. */
void engine_stored(unsigned cpu);
void engine_timer_armed(unsigned cpu);

/* ---- memory.c ---- */

void memory_reset(void);
void memory_begin_store(uint64_t address, unsigned size); /* a plain store follows */
void memory_end_stores(void); /* what followed is taken into the buffer */
void memory_store(uint64_t address, unsigned size, uint64_t value);
void memory_enter(unsigned cpu); /* memory looks as that CPU sees it */
void memory_leave(unsigned cpu); /* as all see it */
unsigned memory_buffered(unsigned cpu);
/* The oldest store: where; and does it. */
struct access memory_oldest(unsigned cpu);
void memory_flush(unsigned cpu);
uint64_t memory_load(uint64_t address, unsigned size);

/* ---- machine.c ---- */

void machine_reset(const struct scenario *s);
void machine_enter(unsigned cpu);   /* GS base */
void machine_run_cpu(unsigned cpu); /* the body of a simulated CPU */
bool machine_timer_armed(unsigned cpu);
void machine_timer_fires(unsigned cpu);
uint64_t machine_interrupt_word(unsigned cpu); /* its address */
void machine_check_log(void);                  /* replays what was logged */
void machine_print_log(void);

/* ---- hooks.c ---- */
void hooks_reset(void);
/* A CPU's instrumented code has gone on: a repeated read is not a loop. */
void hooks_forget(unsigned cpu);
