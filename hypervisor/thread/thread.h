/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads and the per-CPU scheduler.
 *
 * Each CPU has a ready queue that it alone touches, and an inbox (behind a lock, followed by an
 * IPI) through which other CPUs hand it threads: wakeups, new threads, steal requests. The kernel
 * is not preemptive: a thread gives the CPU away in thread_yield, in a sleep, in preempt_point(),
 * or on the way back to ring 3 or a guest.
 *
 * Sleeping: prepare (wait_begin on a queue, which takes its lock), check the condition under the
 * lock, wait_sleep drops the lock. A wakeup between check and sleep is not lost, because both take
 * the queue's lock.
 */
#pragma once

#include "cpu/account.h"
#include "cpu/fpu.h"
#include "cpu/intr.h"
#include "lib/heap.h"
#include "lib/list.h"
#include "lock/lock.h"
#include "mem/as.h"

struct thread;

enum thread_state {
	THREAD_NEW,
	THREAD_READY,
	THREAD_RUNNING,
	THREAD_SLEEPING,
	THREAD_DEAD
};

#define THREAD_WEIGHT_DEFAULT 1024

struct thread_args {
	const char *name;
	void (*entry)(void *arg); /* kernel function; returning ends the thread */
	void *arg;
	struct container *container; /* charged for stack and struct; a reference is held until both
					are freed */
	struct as *as;               /* NULL: kernel thread */
	cpu_id_t cpu;                /* home CPU; CPU_ID_NONE: the least loaded */
	uint32_t weight;             /* 0: default */
	bool pinned;                 /* never stolen by an idle CPU */
	bool has_fpu;                /* ring-3 thread: allocates FPU state */
};

/*
 * Boot CPU, once, after lapic_init and before another CPU starts. What runs is the CPU's idle
 * thread from now on: it may yield, never sleep, and ends in thread_start_cpu.
 */
void thread_init(void);
void thread_init_cpu(void); /* each other CPU, before anybody can know of it: the same */
__noreturn void thread_start_cpu(void); /* each CPU: becomes its idle loop */
/* For how long at most idle CPUs look for work before they halt; 0: not at all. Any context. */
void thread_set_idle_poll(uint64_t max_ns);
struct thread *thread_create(const struct thread_args *args); /* not started; one reference for the
								 caller; NULL: memory */
void thread_start(struct thread *t);
struct thread *thread_get(struct thread *t);
void thread_put(
	struct thread *t); /* frees it when it is dead and the last reference goes; no lock held */
__noreturn void thread_exit(void);
void thread_join(struct thread *t); /* sleeps until it is dead and off its stack: thread_put then
				       frees both */
void thread_yield(void);
void thread_move(cpu_id_t cpu); /* the current thread, which may run there, goes on there */
void thread_set_as(struct thread *t, struct as *as); /* for the current thread only: switches */

static inline struct thread *thread_current(void)
{
	struct thread *t;
	__asm__ volatile("movq %%gs:8, %0" : "=r"(t));
	return t;
}

/*
 * What every struct thread begins with: for the functions here that are on the way of each system
 * call and exit. Nobody else looks into it.
 * Locks: [I] immutable after start   [o] the thread itself   [a] atomic
 */
struct thread_head {
	void *owner;           /* [I] */
	struct fpu_state *fpu; /* [I] NULL: has none */
	const char *call;      /* [o] system call that it is in; NULL: none; read by the watchdog */
	uint64_t calls;        /* [o] rises with each, and with progress in one */
	uint32_t interrupted;  /* [a] */
	struct sched_group *group; /* [o] a reference; NULL: none */
};

static inline struct thread_head *thread_head(struct thread *t)
{
	return (struct thread_head *)t;
}

/* What upper layers hang on a thread: proc's struct for ring-3 threads. Set before start; [I]. */
void thread_set_owner(struct thread *t, void *owner);
static inline void *thread_owner(struct thread *t)
{
	return thread_head(t)->owner;
}
/* NULL: a kernel thread. */
static inline struct fpu_state *thread_fpu(struct thread *t)
{
	return thread_head(t)->fpu;
}
struct as *thread_as(struct thread *t);
/* FS and GS bases of ring 3, loaded whenever the thread runs; t is the current thread (takes effect
 * at once) or not running. */
void thread_set_user_bases(struct thread *t, uint64_t fs, uint64_t gs);
void thread_get_user_bases(const struct thread *t, uint64_t *fs, uint64_t *gs);
/*
 * Called when another CPU takes the thread over: on the CPU that it leaves, while it does not run,
 * interrupts off. For what a CPU holds of it, as a guest's FPU state. The current thread's, or one
 * that is not started.
 */
void thread_set_leave_hook(struct thread *t, void (*hook)(void *arg), void *arg);
uint64_t thread_id(const struct thread *t);
const char *thread_name(const struct thread *t); /* cut to 23 characters */
cpu_id_t thread_cpu(const struct thread *t);
uint64_t thread_run_time(const struct thread *t); /* ns */
/* TSC ticks that the caller waited for a CPU, ready to run, since the last call. */
uint64_t thread_take_waited(void);
unsigned thread_count(void); /* that exist, idle ones not counted; any context */
void thread_set_weight(struct thread *t, uint32_t weight);

/*
 * Interrupting: marks the thread; an interruptible sleep returns -EINTR at once, and
 * thread_interrupted() tells. Used by kill and by vcpu_kick. Any context. Also pulls it out of ring
 * 3 or guest mode by an IPI so that its return hook runs.
 */
void thread_interrupt(struct thread *t);
/* The current thread. */
static inline bool thread_interrupted(void)
{
	return __atomic_load_n(&thread_head(thread_current())->interrupted, __ATOMIC_SEQ_CST);
}
void thread_clear_interrupt(void);
/*
 * Set once, by proc: called on the way back to ring 3 (from a system call, an interrupt or an
 * exception, never on the way into a guest) while the current thread is interrupted; no lock held.
 * It may end the thread; else it clears the interrupt.
 */
void thread_set_interrupted_hook(void (*hook)(void));

/* True when the current CPU should leave a guest or ring 3 promptly: something wants to run or the
 * thread is interrupted. Cheap. */
static inline bool thread_need_resched(void)
{
	uint32_t why;
	__asm__ volatile("movl %%gs:48, %0" : "=r"(why));
	return why != 0;
}

/*
 * What is behind thread_need_resched, but for the interrupt: lets others run if they should. For a
 * vCPU's loop, which then asks thread_interrupted(). No lock held.
 */
void thread_resched(void);

/* Bounded long work calls this with no lock held: takes pending interrupts and lets others run. */
void preempt_point(void);

/* ---- waiting ---- */

/* Locks: its own (LOCK_RANK_WAIT). FIFO. */
struct wait_queue {
	struct lock lock;
	struct list_head waiters;
};

#define WAIT_FOREVER UINT64_MAX

void wait_queue_init(struct wait_queue *q);
/* Takes q's lock. A queue must live until every wait_sleep in it has returned. */
void wait_begin(struct wait_queue *q);
/* Drops it without sleeping. */
void wait_end(struct wait_queue *q);
/*
 * With q's lock taken by wait_begin: queues the current thread, drops the lock, sleeps until woken,
 * until time_now() reaches deadline (-ETIMEDOUT), or until interrupted if `interruptible` (-EINTR).
 * 0: woken. The lock is not held afterwards.
 */
int wait_sleep(struct wait_queue *q, uint64_t deadline, bool interruptible);
/* Wakes up to n waiters in order; returns how many. Takes the lock: never with it held. Any
 * context. */
unsigned wait_wake(struct wait_queue *q, unsigned n);
unsigned wait_wake_locked(struct wait_queue *q, unsigned n); /* with the lock held (wait_begin) */

/* Condition variable in the usual sense: the caller's lock is dropped while it sleeps and taken
 * again. */
struct condvar {
	struct wait_queue queue;
};
void condvar_init(struct condvar *c);
int condvar_wait(struct condvar *c, struct lock *l, uint64_t deadline, bool interruptible);
void condvar_signal(struct condvar *c);
void condvar_broadcast(struct condvar *c);

int thread_sleep_until(uint64_t deadline, bool interruptible); /* 0, -EINTR */

/* ---- timers: one-shot, on the CPU that arms them ---- */

/* Locks: [o] the CPU that armed it. A timer is disarmed on its own CPU or by timer_cancel from any
 * (through the inbox, waits). */
struct timer {
	struct heap_node node;
	uint64_t deadline;             /* ns, time_now() */
	void (*fire)(struct timer *t); /* interrupt context, interrupts off; may rearm for later;
					  the timer may be gone when it returns */
	cpu_id_t cpu;
	bool armed;
};

void timer_init(struct timer *t, void (*fire)(struct timer *t));
void timer_arm(struct timer *t,
	       uint64_t deadline);  /* on this CPU; moves it if it was armed here already */
void timer_cancel(struct timer *t); /* after it returns, fire does not run and will not; no lock
				       held if armed elsewhere */

/*
 * For the watchdog (thread/watchdog.h): the current thread is in a system call of that name, is
 * still getting on in it, or has left it. A few instructions.
 */
static inline void thread_call_progress(void)
{
	struct thread_head *t = thread_head(thread_current());

	WRITE_ONCE(t->calls, t->calls + 1);
}
static inline void thread_call_begin(const char *name)
{
	struct thread_head *t = thread_head(thread_current());

	WRITE_ONCE(t->calls, t->calls + 1);
	WRITE_ONCE(t->call, name);
}
static inline void thread_call_end(void)
{
	WRITE_ONCE(thread_head(thread_current())->call, NULL);
}

/* ---- accounting for `cpu` and `top` ---- */
struct cpu_account {
	uint64_t ns[CPU_TIME_COUNT], switches;
};
void thread_cpu_account(cpu_id_t cpu, struct cpu_account *out);
