/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of thread/. Who may touch a thread:
 *
 * A thread belongs to one CPU, t->cpu. That CPU alone changes its state, puts it into its ready
 * queue, runs it, or hands it to another CPU through that one's inbox. A sleeping thread is woken
 * by whoever takes it off its wait queue under the queue's lock; exactly one does, and tells the
 * thread's CPU. Until then t->cpu cannot change.
 */
#pragma once

#include "thread/group_impl.h"
#include "thread/loan_impl.h"
#include "thread/ready.h"
#include "thread/thread.h"

/* Locks: [I] immutable after start   [o] t->cpu   [a] atomic   [q] lock of wait.queue
 *        [x] the inbox in which it is */
struct thread {
	struct thread_head head;  /* first: thread_head() */
	struct ready_entry ready; /* [o] */
	uint64_t rsp;             /* [o] while it does not run */
	enum thread_state state;  /* [o] */
	bool pinned;              /* [I] */
	bool interruptible;       /* [o] the sleep */
	uint16_t cpu;             /* [a] */
	uint16_t wish;            /* [o] thread_move's; CPU_ID_NONE.n: none */
	uint16_t slot;            /* [o] its number in the group */
	bool active;              /* [o] the group counts it */
	uint32_t weight;          /* [a] without a group */
	struct thread_loan loan;
	uint32_t refs; /* [a] */

	struct list_head arriving; /* [x] woken, new or handed over: at most one at a time */
	struct list_head knock;    /* [x] interrupted */
	uint32_t knocking;         /* [a] in some inbox by `knock`, which holds a reference */

	struct {
		struct wait_queue *queue; /* [o] of the present or last sleep */
		struct list_head link;    /* [q] */
		bool queued;              /* [q] */
		int result;               /* [q] */
		struct timer timeout;     /* [o] */
	} wait;

	struct as *as;         /* [o] */
	struct fpu_state fpu;  /* [o] */
	bool user;             /* [I] has FPU state and bases */
	uint64_t fs, gs;       /* [o] bases of ring 3 */
	void (*leave)(void *); /* [I] */
	void *leave_arg;       /* [I] */

	uint64_t run_tsc;     /* [o] up to run_since; read by all */
	uint64_t run_since;   /* [o] TSC; 0: it does not run */
	uint64_t ready_since; /* [o] TSC; while it is in the ready queue */
	uint64_t waited;      /* [o] ticks there since thread_take_waited() */

	void (*entry)(void *);       /* [I] */
	void *arg;                   /* [I] */
	void *stack;                 /* [I] top; NULL: not ours */
	void *fpu_area;              /* [I] */
	struct container *container; /* [I] a reference; NULL: idle */
	uint64_t id;                 /* [I] */
	struct wait_queue exited;    /* who joins */
	bool gone;                   /* [exited.lock] off its stack for good */
	char name[24];               /* [I] */
#ifdef CONFIG_LLOG
	uint32_t log_count; /* who has it: events in the logical log so far */
#endif

	struct list_head all_link; /* the watchdog's list, by its lock */
	struct {
		uint64_t calls, begun;
		unsigned looks;
		bool told;
	} watch; /* by that lock */
};

static_assert_offset(struct thread, head, 0);

/* Bits of struct cpu's `resched`. */
#define RESCHED_SWITCH      1u /* somebody else should run */
#define RESCHED_INTERRUPTED 2u /* the running thread is interrupted */
#define RESCHED_BALANCE     4u /* threads wait here: another CPU may have time for them */

/* ---- scheduler (sched.c): own CPU, interrupts off ---- */

void sched_init_cpu(void); /* each CPU: what runs now becomes its idle thread */
struct thread *sched_idle_thread(void);
/* A thread of this CPU that is not queued - new, woken, or handed over - becomes ready. */
void sched_accept(struct thread *t);
/* Wakes or starts a thread: claimed by who calls. Any CPU. */
void sched_wake(struct thread *t);
/*
 * Runs the next one. The caller's state says why: RUNNING (it goes on later), SLEEPING or DEAD. No
 * lock held.
 */
void sched_switch(void);
/* On the new stack, after each switch. */
void sched_finish_switch(void);
bool sched_is_empty(void); /* nothing waits in the ready queue */
/* May the thread run there? Own thread, or one that is not started. */
bool sched_allows(const struct thread *t, cpu_id_t cpu);
/* The thread that waits longest here and may go on there; NULL: none. */
struct thread *sched_waiting_for(cpu_id_t to);
/* Where the thread is on the common scale (thread/ready.h); a guess for another CPU's thread. */
uint64_t sched_place_of(const struct thread *t);
/* Charges the current thread up to now: before and after what changes its weight. */
void sched_account(void);
/* By weight or as a member of its group, without what is lent to it. Own CPU's thread. */
uint32_t sched_own_weight(const struct thread *t);
/* ready_distance of a place from the queue of t's CPU; a guess when that is another CPU. */
int64_t sched_distance(uint64_t place, const struct thread *t, uint32_t weight);
/* The current thread is there at least, unless no thread can owe so much. */
void sched_set_place(uint64_t place);
/* A thread of sched_waiting_for goes to that CPU. */
void sched_give(struct thread *t, cpu_id_t to);
/* CPUs have changed hands: sends away whoever may not run here any more. Interrupt context. */
void sched_evict(void);

/* Rises whenever the CPU comes by the scheduler or a preemption point. Any CPU. */
uint64_t sched_beats(cpu_id_t cpu);

/* How often work came while an idle CPU looked for it, and how often it had halted. Any CPU. */
void sched_idle_figures(cpu_id_t cpu, uint64_t *hits, uint64_t *misses);

/* ---- watchdog (watchdog.c) ---- */
void watchdog_add(struct thread *t);    /* new */
void watchdog_remove(struct thread *t); /* before its stack goes */

/* ---- groups (group.c) ---- */
/* Own CPU: the thread wants to run from now on, or no more; says so to its group, if any. */
void group_set_active(struct thread *t, bool active);
uint64_t sched_switches(cpu_id_t cpu); /* any CPU */

/* ---- inbox (inbox.c) ---- */

void inbox_init_cpu(void);
void inbox_drain(void);    /* own CPU, no lock held */
bool inbox_is_empty(void); /* own CPU */
/* Own CPU: looks into its inbox all the time from now on, or no more. */
void inbox_watch(bool on);
void inbox_post_thread(cpu_id_t cpu, struct thread *t); /* any lock below INBOX may be held */
void inbox_post_knock(cpu_id_t cpu, struct thread *t);
void inbox_post_steal(cpu_id_t victim); /* this CPU is idle and wants a thread of it */

/* ---- balance (balance.c) ---- */

/* Threads of the CPU that want to run, those on their way included. Any CPU. */
unsigned balance_load(cpu_id_t cpu);
/*
 * Own CPU's: how many run or are ready; its queue's place, and by what weight it moves on by itself
 * from `since` (ns) on; 0: only when it is published again.
 */
void balance_publish(unsigned runnable, uint64_t place, uint64_t since, uint32_t weight);
/* What others found this CPU's queue to be behind beyond all that is owed; once. */
uint64_t balance_take_lift(void);
void balance_note_arriving(cpu_id_t cpu);
void balance_arrived(void);
cpu_id_t balance_least_loaded(const struct thread *t); /* of those where it may run */
/* Threads wait here: gives some to CPUs that have none, or that serve their threads better. */
void balance_push(unsigned waiting);
/* The place of a queue where threads wait, of late: what a CPU that was idle begins with. */
uint64_t balance_latest(void);
/* The idle loop, before it halts and after. */
void balance_enter_idle(void);
void balance_leave_idle(void);

/* ---- waiting (wait.c) ---- */

/* Own CPU: ends the sleep of a thread of this CPU with `result` unless somebody has already. */
void wait_claim(struct thread *t, int result);
void wait_timeout(struct timer *timer);

/* ---- interrupts (interrupt.c) ---- */

void thread_answer_knock(struct thread *t); /* drops its reference */
void thread_handle_interrupt(void);         /* of the current thread, before it goes to ring 3 */

/* ---- thread.c ---- */

/* A dead thread has left its stack: frees all but the struct, wakes who joins, drops the thread's
 * own reference. */
void thread_gone(struct thread *t);

/* ---- timers (timer.c) ---- */

void timer_init_cpu(void);
void timer_disarm(struct timer *t); /* own CPU */

/* ---- switch.S ---- */

/* Saves the callee-saved registers on this stack and its pointer in *save, goes on with `load`. */
void thread_switch_stack(uint64_t *save, uint64_t load);
/* Where a new thread's stack goes on: calls thread_begin. */
void thread_first_return(void);
__noreturn void thread_begin(void);
