/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replay of the logical log (lock/llog.h) against sequential specifications. Host code: a tool for
 * logs of whole machines, and a part of the explorer of interleavings.
 *
 * A specification is a row of functions for one kind of event (spec_rows). What an event says of
 * its CPU is looked at when it comes; what it says of an object behind a lock when its turn has
 * come, and what it says of a thread when all earlier events of that thread have. So the order in
 * which events of different CPUs are fed does not matter, as long as each CPU's own are in order.
 *
 * State is kept in the objects here: a specification hangs its own on object->state.
 * Not thread-safe.
 */
#pragma once

#include "lock/llog.h"

#define SPEC_NOBODY UINT32_MAX

struct spec_pending;

struct spec_order { /* events that wait for earlier ones */
	uint32_t now;
	struct spec_pending *first, **last;
};

struct spec_object { /* a lock and what it protects */
	uint64_t id;
	struct spec_object *next_in_bucket, *next;
	struct spec_order order; /* now: the turn that is on or comes next */
	bool taken;              /* the present turn has begun */
	unsigned cpu;            /* who has it */
	bool placed;
	uint32_t place_base, last_node;
	uint32_t woken; /* by turn, in this lock's turn: thread/spec/wait_spec.c */
	void *state;
};

enum spec_thread_at {
	AT_NOWHERE,
	AT_START,
	AT_POSTED,
	AT_ACCEPTED,
	AT_READY,
	AT_RUNNING,
	AT_SLEEPING,
	AT_WOKEN,
	AT_GIVEN,
	AT_DEAD,
	AT_GONE,
	AT_PLACES,
};

struct spec_thread {
	uint32_t id;
	struct spec_thread *next_in_bucket, *next;
	struct spec_order order; /* by the thread's own count */
	enum spec_thread_at at;
	uint64_t where; /* CPU or wait queue */
};

struct spec_held {
	uint64_t lock;
	uint32_t turn;
};

struct spec_cpu {
	unsigned n;
	uint64_t events;
	struct spec_held held[16];
	unsigned nr_held;
	uint64_t waits_for; /* a lock that it spins at; 0: none */
	void *state;        /* thread/spec/ */
};

struct spec_row {
	const char *name;
	void (*cpu)(struct spec_cpu *c, const struct llog_entry *e);
	void (*locked)(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
	void (*thread)(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
};
extern const struct spec_row spec_rows[LLOG_OPS];

struct spec_totals {
	uint64_t events, acquires, waits, max_distance, violations;
	uint64_t of[LLOG_OPS];
	uint64_t objects, threads, threads_at[AT_PLACES];
};
extern struct spec_totals spec_totals;
extern char spec_first_violation[256];

void spec_reset(void); /* forgets everything */
void spec_feed(unsigned cpu, const struct llog_entry *e);
/* The log is over. `quiet`: nothing may be under way. */
void spec_end(bool quiet);

/* What the specification forbids has happened. Counted; the first ones are printed. */
void spec_violation(const char *fmt, ...) __printf_like(1, 2);
void spec_set_quiet(bool quiet); /* prints nothing */

/* ---- for specifications ---- */

void *spec_alloc(size_t size); /* zeroed, until spec_reset */
struct spec_cpu *spec_cpu(unsigned n);
unsigned spec_cpus_seen(void);
struct spec_object *spec_objects(void);
bool spec_cpu_holds(const struct spec_cpu *c, uint64_t lock);

/* A queue of numbers, first in first out. */
struct spec_queue {
	uint64_t *items;
	uint32_t n, room;
};
void spec_queue_add(struct spec_queue *q, uint64_t item);
bool spec_queue_remove(struct spec_queue *q, uint64_t item); /* from anywhere */

/* Rows of the specification of locks. */
void spec_lock_waits(struct spec_cpu *c, const struct llog_entry *e);
void spec_lock_taken(struct spec_cpu *c, const struct llog_entry *e);
void spec_lock_taken_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_lock_freed(struct spec_cpu *c, const struct llog_entry *e);
void spec_lock_freed_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_lock_end(const struct spec_cpu *c);
