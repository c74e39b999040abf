/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the specifications of threads, wait queues, inboxes and ready queues
 * (lock/spec/replay.h). */
#pragma once

#include "lock/spec/replay.h"

/* The life of a thread: at one place at a time, and always on. thread_spec.c */
void spec_thread_start(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_posted(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_accepted(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_ready(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_runs(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_given(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_sleeps(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_woken(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_dead(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);
void spec_thread_gone(struct spec_thread *t, unsigned cpu, const struct llog_entry *e);

/* wait_spec.c */
void spec_wait_sleep(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_wait_woken(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_wait_wake(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_cond_wait(struct spec_cpu *c, const struct llog_entry *e);
void spec_cond_wait_turn(struct spec_object *o, unsigned cpu, const struct llog_entry *e);

/* inbox_spec.c */
void spec_inbox_post(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_inbox_knock(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_inbox_emptied(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_inbox_accept(struct spec_cpu *c, const struct llog_entry *e);
void spec_inbox_answer(struct spec_cpu *c, const struct llog_entry *e);
void spec_inbox_end(void); /* nothing is left */

/* ready_spec.c */
void spec_ready_insert(struct spec_cpu *c, const struct llog_entry *e);
void spec_ready_remove(struct spec_cpu *c, const struct llog_entry *e);
/* The thread no longer runs: sleeps, ends, or goes elsewhere. */
void spec_ready_stops(struct spec_cpu *c, const struct llog_entry *e);
void spec_ready_end(void);
void spec_ready_leave(struct spec_cpu *c, const struct llog_entry *e);

struct spec_ready_one {
	uint32_t thread;
	uint64_t vtime, passed; /* passed: threads that ran since it became ready */
};

/* What the specifications here keep of a CPU: struct spec_cpu's state. */
struct spec_cpu_threads {
	struct spec_queue emptied, accepted, knocks_emptied, answered;
	struct spec_ready_one *ready; /* in order of arrival */
	uint32_t nr_ready, room;
	uint64_t max_passed;
	uint32_t running, left; /* threads; left: ran until `running` was chosen */
};
struct spec_cpu_threads *spec_threads_of(struct spec_cpu *c);

/* Loans of weight. loan_spec.c */
void spec_loan_begin(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_loan_less(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_loan_end(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
