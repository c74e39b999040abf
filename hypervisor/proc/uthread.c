// SPDX-License-Identifier: GPL-2.0-or-later
// A ring-3 thread begins in thread_main, which goes to ring 3 with the registers prepared for it,
// and ends in uthread_exit, from its own system call or from the hook that runs on the way back to
// ring 3 when it or its process has been killed.
#include "proc/uthread.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/futex.h"

static void thread_main(void *arg)
{
	struct uthread *u = arg;
	uint32_t tid = u->tid;

	/* A bad address is the program's own loss, as on Linux. */
	if (u->set_child_tid != 0)
		(void)copy_to_user(u->set_child_tid, &tid, sizeof(tid));
	intr_enter_user(&u->start);
}

static void set_start(struct uthread *u, const struct uthread_args *args)
{
	if (args->copy != NULL)
		u->start = *args->copy;
	u->start.rip = args->rip;
	u->start.rsp = args->rsp;
	u->start.rax = args->rax;
	u->set_child_tid = args->set_child_tid;
	u->clear_child_tid = args->clear_child_tid;
}

static int add_to_process(struct process *p, struct uthread *u)
{
	int rc = 0;

	lock_acquire(&p->lock);
	if (p->ending) {
		rc = -EAGAIN;
	} else {
		list_add_tail(&u->node, &p->threads);
		p->nr_threads++;
		p->nr_unreaped++;
	}
	lock_release(&p->lock);
	return rc;
}

static struct thread *make_thread(struct process *p, struct uthread *u)
{
	const struct thread_args args = {
		.name = p->name,
		.entry = thread_main,
		.arg = u,
		.container = process_container(p),
		.as = p->as,
		.cpu = CPU_ID_NONE,
		.has_fpu = true,
	};

	return thread_create(&args);
}

int uthread_create(struct process *p, const struct uthread_args *args, struct uthread **out)
{
	struct uthread *u = kalloc(process_container(p), sizeof(*u));
	int rc;

	if (u == NULL)
		return -ENOMEM;
	u->tid = args->tid != 0 ? args->tid : process_new_id();
	wait_queue_init(&u->sleep);
	set_start(u, args);
	u->thread = make_thread(p, u);
	if (u->thread == NULL) {
		kfree(u);
		return -ENOMEM;
	}
	thread_set_owner(u->thread, u);
	thread_set_user_bases(u->thread, args->fs_base, args->gs_base);
	u->process = p;
	object_get(&p->object);
	rc = add_to_process(p, u);
	if (rc != 0) {
		thread_put(u->thread);
		kfree(u);
		object_put(&p->object);
		return rc;
	}
	*out = u;
	return 0;
}

void uthread_start(struct uthread *u)
{
	thread_start(u->thread);
}

void uthread_discard(struct uthread *u)
{
	struct process *p = u->process;

	lock_acquire(&p->lock);
	list_del(&u->node);
	p->nr_threads--;
	p->nr_unreaped--;
	lock_release(&p->lock);
	thread_put(u->thread);
	kfree(u);
	object_put(&p->object);
}

static void clear_child_tid(struct uthread *u)
{
	const uint32_t zero = 0;

	if (u->clear_child_tid == 0)
		return;
	if (copy_to_user(u->clear_child_tid, &zero, sizeof(zero)) == 0)
		(void)futex_wake(u->clear_child_tid, 1, FUTEX_ANY);
}

/* ---- the pinned object ---- */

/* A vCPU that was pinned may have its registers in place of the thread's: not without reference. */
static void unpin(struct uthread *u)
{
	struct object *o = u->pin.object;

	fpu_release(thread_fpu(u->thread));
	u->pin.object = NULL;
	u->pin.generation = 0;
	object_put(o);
}

struct object *uthread_pin(int fd, const struct object_ops *ops)
{
	struct uthread *u = uthread_current();
	struct handle_table *t = &u->process->handles;
	/* Before the look: what changes after it is seen next time. */
	uint64_t generation = __atomic_load_n(&t->generation, __ATOMIC_ACQUIRE);
	struct object *o = handle_get_kind(t, fd, ops);

	unpin(u);
	if (o != NULL) {
		u->pin.object = o;
		u->pin.fd = fd;
		u->pin.generation = generation;
	}
	return o;
}

void uthread_unpin_closed(void)
{
	struct uthread *u = uthread_current();

	if (u->pin.object != NULL && u->pin.generation != u->process->handles.generation)
		unpin(u);
}

/* ---- the end ---- */

/* Takes the thread off the process' list; true when it was the last. */
static bool leave_process(struct uthread *u)
{
	struct process *p = u->process;
	bool last;

	lock_acquire(&p->lock);
	list_del(&u->node);
	p->dead_run_time += thread_run_time(u->thread);
	last = --p->nr_threads == 0;
	if (last && !p->ending) {
		p->ending = true;
		p->end = PROC_EXITED;
		p->exit_code = u->exit_code;
	}
	lock_release(&p->lock);
	return last;
}

void uthread_exit(void)
{
	struct uthread *u = uthread_current();

	/* From here on nothing may cut a sleep short: destructors rely on theirs. */
	thread_clear_interrupt();
	clear_child_tid(u);
	thread_set_as(thread_current(), NULL);
	unpin(u);
	if (leave_process(u))
		process_teardown(u->process);
	reaper_push(u);
	thread_exit();
}

/* A kill that comes after the look at the flags interrupts the thread once more. */
static void on_interrupted(void)
{
	struct uthread *u = uthread_current();

	thread_clear_interrupt();
	if (__atomic_load_n(&u->killed, __ATOMIC_ACQUIRE) || process_is_ending(u->process))
		uthread_exit();
}

void uthread_init(void)
{
	thread_set_interrupted_hook(on_interrupted);
}
