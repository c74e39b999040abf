/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ring-3 processes: an address space, a handle table, a container and threads. A process is itself
 * an object; its handle becomes readable when the process has ended, which is when everything that
 * it held (pages, handles, threads with their stacks) has been given back.
 *
 * Life: process_create (loads the program), process_start, then its threads run until they exit or
 * process_kill marks it. The last thread to exit tears down; the reaper announces the end.
 *
 * Locks: the process' lock (LOCK_RANK_PROC); the table of processes has one of the same rank, never
 * held together.
 */
#pragma once

#include "abi/strata.h"
#include "proc/archive.h"
#include "proc/handle.h"
#include "proc/linux_abi.h"
#include "proc/user_stack.h"

/* A mapping whose pages belong to an object (a run page): the object lives while it is mapped. */
struct proc_mapping {
	struct list_head node;
	struct object *object; /* a reference */
	uint64_t va, size;
};

/* Locks: [I] immutable after create   [l] lock   [t] the table's lock   [a] atomic
 * [w] layout_queue.lock   [m] a change of layout */
struct process {
	struct object object;
	struct list_head table_node; /* [t] */
	uint32_t pid;                /* [I] */
	uint32_t parent_pid;         /* [I] */
	uint32_t flags;              /* [I] PROC_* */
	char name[STRATA_NAME_MAX];  /* [I] */
	uint32_t vm;                 /* [a] VM that it made last, for the trace; 0: none */
	char exe[ARCHIVE_PATH_MAX];  /* [I] path of the program */
	struct as *as;               /* [I] until the last thread has left */
	struct handle_table handles;
	void (*on_end)(struct process *p); /* [I] called by the reaper at the end; may be NULL */

	struct wait_queue layout_queue;
	bool layout_busy; /* [w] a change of the address space's layout is under way */

	struct lock lock;
	struct list_head threads; /* [l] struct uthread */
	unsigned int nr_threads;  /* [l] on the list */
	unsigned int nr_unreaped; /* [l] threads whose stack still exists */
	bool ending;              /* [l] read anywhere; no new threads; all existing ones end */
	bool ended;               /* [l] everything is given back */
	enum proc_end end;        /* [l] valid once ending */
	int32_t exit_code;        /* [l] */
	uint64_t fault_rip, fault_address;          /* [l] */
	uint64_t dead_run_time;                     /* [l] ns, of threads that have ended */
	uint64_t brk_start;                         /* [I] */
	uint64_t brk;                               /* [m] */
	struct archive_node *cwd;                   /* [a] */
	struct list_head mappings;                  /* [m] struct proc_mapping */
	struct linux_sigaction actions[LINUX_NSIG]; /* [l] remembered, never acted on */
};

struct process_args {
	const char *name;
	const char *path; /* absolute path of the program in the boot archive */
	struct user_args args;
	uint32_t flags; /* PROC_* */
	uint32_t parent_pid;
	struct container *container; /* the process takes its own reference */
	/* fds[i], if not NULL, becomes handle i; new references are taken. */
	struct object *fds[PROC_SPAWN_FDS_MAX];
};

/*
 * Loads the program; no thread runs yet. One reference for the caller, in *out. 0; -ENOENT, -EACCES
 * (not an executable file), -ENOEXEC, -EINVAL, -E2BIG, -ENOMEM.
 */
int process_create(const struct process_args *args, struct process **out);
/* Starts its first thread. Once. */
void process_start(struct process *p);
/* Instead of process_start: undoes process_create, with the caller's reference. */
void process_discard(struct process *p);

extern const struct object_ops process_ops;

/* The current thread's process. Only in system calls and faults of ring 3. */
struct process *process_current(void);
bool process_is_admin(void); /* the current one has PROC_ADMIN */
/* The VM whose VMM it is; 0: none. */
static inline uint32_t process_vm(const struct process *p)
{
	return __atomic_load_n(&p->vm, __ATOMIC_RELAXED);
}
void process_made_vm(struct process *p, uint32_t vm);
static inline struct container *process_container(const struct process *p)
{
	return p->object.container;
}

/*
 * Marks it as ending, for the reason given, and pulls its threads out of whatever they do. The
 * first reason stays. May be the current process: it ends on its way back to ring 3. Any thread
 * context, no lock held.
 */
void process_kill(struct process *p, enum proc_end end, int32_t code);

/* The current process broke (exception in ring 3 of that Linux signal number): ends it and this
 * thread. */
__noreturn void process_fault(const struct trap_frame *frame, int signal, uint64_t address);

bool process_is_ending(struct process *p);
void process_get_info(struct process *p, struct proc_info *info);
/* The process with the smallest pid > `after`, with a reference; NULL: none. */
struct process *process_next(uint32_t after);

/*
 * Changes of a process' memory layout, with what they record here, come one after the other. Sleeps
 * until its turn, not cut short; no lock held.
 */
void process_layout_begin(struct process *p);
void process_layout_end(struct process *p);

/* Run time of all its threads, in ns. */
uint64_t process_run_time(struct process *p);

/* Within a change of layout. Records that a mapping of the current process uses `o`; a reference is
 * taken. 0 or -ENOMEM. */
int process_add_mapping(struct process *p, struct object *o, uint64_t va, uint64_t size);
/* Drops those within the range, which has been unmapped. No lock held. */
void process_drop_mappings(struct process *p, uint64_t va, uint64_t size);

/* For uthread.c and the reaper: the last thread left; a thread's memory is back. */
void process_teardown(struct process *p);
void process_reaped(struct process *p);

uint32_t process_new_id(void); /* pids and tids: positive, below 2^30 */

/* Starts the reaper; registers the system calls, devices and topics of this layer. Boot, once,
 * after thread_init. */
void proc_init(void);
