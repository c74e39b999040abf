/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of ring 3: what proc hangs on a struct thread.
 *
 * Life: uthread_create, uthread_start; uthread_exit in the thread itself hands it to the reaper,
 * which waits until it is off its stack and frees it.
 */
#pragma once

#include "proc/process.h"

/* Locks: [I] immutable   [o] the thread itself   [l] the process' lock   [a] atomic   [w]
 * sleep.lock */
struct uthread {
	struct list_head node;       /* [l] process->threads, later the reaper's */
	struct process *process;     /* [I] a reference */
	struct thread *thread;       /* [I] a reference */
	uint32_t tid;                /* [I] */
	bool killed;                 /* [a] */
	struct trap_frame start;     /* [I] registers of its first entry to ring 3 */
	uint64_t set_child_tid;      /* [I] address to write the tid to at start; 0: none */
	uint64_t clear_child_tid;    /* [o] address to clear and wake at exit; 0: none */
	uint64_t sigmask;            /* [o] remembered */
	struct linux_stack altstack; /* [o] remembered */
	int32_t exit_code;           /* [o] the process' if this thread is its last */
	struct trap_frame *trap;     /* [l] frame of the thread_sleep it is in; NULL: not in one */
	uint64_t fs_base, gs_base;   /* [l] while `trap` is set */
	bool context_set;            /* [l] another thread has set these and the frame */
	struct wait_queue sleep;
	bool wakeup; /* [w] a wakeup that no thread_sleep has taken */
	struct {
		struct object *object; /* a reference; NULL: none */
		uint64_t generation;   /* of the handle table, when `fd` was that object */
		int fd;
	} pin; /* [o] see uthread_pinned */
};

struct uthread_args {
	uint64_t rip, rsp, rax;        /* first registers in ring 3 */
	const struct trap_frame *copy; /* the others: from here; NULL: zeros */
	uint64_t fs_base, gs_base;
	uint64_t set_child_tid, clear_child_tid;
	uint32_t tid; /* 0: a new one */
};

/* On the process' list, not started. 0, -ENOMEM, or -EAGAIN when the process is ending. */
int uthread_create(struct process *p, const struct uthread_args *args, struct uthread **out);
void uthread_start(struct uthread *u);
/* Undoes uthread_create of a thread that was never started. */
void uthread_discard(struct uthread *u);

/* Registers the hook that ends killed threads on their way back to ring 3. Boot, once. */
void uthread_init(void);

/* NULL for kernel threads. */
static inline struct uthread *uthread_current(void)
{
	return thread_owner(thread_current());
}
__noreturn void uthread_exit(void);

/*
 * The object of kind `ops` at handle `fd` of the current thread's process, NULL: none. The
 * reference is the thread's own and not the caller's: it lasts until the thread asks for another
 * handle, closes one after this one has been closed, or ends. For the one call that must find its
 * object in a few instructions.
 */
struct object *uthread_pin(int fd, const struct object_ops *ops);
static inline struct object *uthread_pinned(int fd, const struct object_ops *ops)
{
	const struct uthread *u = uthread_current();

	if (likely(u->pin.fd == fd &&
		   u->pin.generation == READ_ONCE(u->process->handles.generation) &&
		   u->pin.object->ops == ops))
		return u->pin.object;
	return uthread_pin(fd, ops);
}
/* The current thread has closed or replaced a handle. */
void uthread_unpin_closed(void);

/* Puts a thread that has begun to exit into the reaper's care. */
void reaper_push(struct uthread *u);
void reaper_init(void);
