// SPDX-License-Identifier: GPL-2.0-or-later
// The native calls on the caller's own process: its threads, its address space, its memory objects.
// While a thread is in thread_sleep its registers are open to the others: they lie in its trap
// frame, guarded by the process' lock; the thread takes them up when its sleep is over.
#include "cpu/log.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/linux_calls.h"
#include "proc/memory.h"
#include "proc/native.h"
#include "proc/user.h"
#include "proc/uthread.h"

/* ---- wakeup, sleep, kill ---- */

/* The caller's process' thread with this tid; NULL. Process lock held. */
static struct uthread *find_thread(struct process *p, uint64_t tid)
{
	struct uthread *u;

	ASSERT(lock_held(&p->lock));
	list_for_each_entry (u, &p->threads, node) {
		if (u->tid == tid)
			return u;
	}
	return NULL;
}

static void wake(struct uthread *u)
{
	wait_begin(&u->sleep);
	u->wakeup = true;
	wait_wake_locked(&u->sleep, 1);
	wait_end(&u->sleep);
}

static void kill_thread(struct uthread *u)
{
	__atomic_store_n(&u->killed, true, __ATOMIC_RELEASE);
	thread_interrupt(u->thread);
}

/* Calls fn on the thread with this tid: 0 or -ESRCH. */
static int64_t with_thread(uint64_t tid, void (*fn)(struct uthread *u))
{
	struct process *p = process_current();
	struct uthread *u;

	lock_acquire(&p->lock);
	u = find_thread(p, tid);
	if (u != NULL)
		fn(u);
	lock_release(&p->lock);
	return u != NULL ? 0 : -ESRCH;
}

static int64_t sys_thread_wakeup(const struct syscall_args *a)
{
	return with_thread(a->arg[0], wake);
}

static int64_t sys_thread_kill(const struct syscall_args *a)
{
	return with_thread(a->arg[0], kill_thread);
}

/* 0: a wakeup came, or had come before; -ETIMEDOUT, -EINTR. */
static int wait_for_wakeup(struct uthread *u, uint64_t deadline)
{
	int rc = 0;

	while (rc == 0) {
		wait_begin(&u->sleep);
		if (u->wakeup) {
			u->wakeup = false;
			wait_end(&u->sleep);
			return 0;
		}
		rc = wait_sleep(&u->sleep, deadline, true);
	}
	return rc;
}

static void open_context(struct uthread *u, struct trap_frame *frame)
{
	lock_acquire(&u->process->lock);
	u->trap = frame;
	u->context_set = false;
	thread_get_user_bases(u->thread, &u->fs_base, &u->gs_base);
	lock_release(&u->process->lock);
}

/* True when another thread has set the registers. */
static bool close_context(struct uthread *u)
{
	bool set;

	lock_acquire(&u->process->lock);
	u->trap = NULL;
	set = u->context_set;
	lock_release(&u->process->lock);
	if (set)
		thread_set_user_bases(u->thread, u->fs_base, u->gs_base);
	return set;
}

static int64_t sys_thread_sleep(const struct syscall_args *a)
{
	struct uthread *u = uthread_current();
	uint64_t deadline = WAIT_FOREVER;
	int rc;

	if ((int64_t)a->arg[0] >= 0 && __builtin_add_overflow(time_now(), a->arg[0], &deadline))
		deadline = WAIT_FOREVER;
	open_context(u, syscall_frame(a));
	rc = wait_for_wakeup(u, deadline);
	return close_context(u) ? (int64_t)syscall_frame(a)->rax : rc;
}

/* ---- contexts ---- */

static void save_context(const struct uthread *u, struct thread_context *c)
{
	const struct trap_frame *f = u->trap;

	*c = (struct thread_context){
		f->rax, f->rbx, f->rcx, f->rdx,    f->rsi,     f->rdi,     f->rbp,
		f->rsp, f->r8,  f->r9,  f->r10,    f->r11,     f->r12,     f->r13,
		f->r14, f->r15, f->rip, f->rflags, u->fs_base, u->gs_base,
	};
}

static void load_context(struct uthread *u, const struct thread_context *c)
{
	struct trap_frame *f = u->trap;

	f->rax = c->rax, f->rbx = c->rbx, f->rcx = c->rcx, f->rdx = c->rdx;
	f->rsi = c->rsi, f->rdi = c->rdi, f->rbp = c->rbp, f->rsp = c->rsp;
	f->r8 = c->r8, f->r9 = c->r9, f->r10 = c->r10, f->r11 = c->r11;
	f->r12 = c->r12, f->r13 = c->r13, f->r14 = c->r14, f->r15 = c->r15;
	f->rip = c->rip;
	f->rflags = c->rflags;
	intr_make_user_frame(f);
	u->fs_base = c->fs_base;
	u->gs_base = c->gs_base;
	u->context_set = true;
}

static int64_t sys_thread_get_context(const struct syscall_args *a)
{
	struct process *p = process_current();
	struct thread_context c;
	struct uthread *u;
	int rc = 0;

	lock_acquire(&p->lock);
	u = find_thread(p, a->arg[0]);
	if (u == NULL)
		rc = -ESRCH;
	else if (u->trap == NULL)
		rc = -EBUSY;
	else
		save_context(u, &c);
	lock_release(&p->lock);
	return rc != 0 ? rc : USER_PUT(a->arg[1], &c);
}

/* What IRET and WRMSR would fault on in the kernel is refused here. */
static bool is_sane(const struct thread_context *c)
{
	return c->rip < AS_USER_END && c->fs_base < AS_USER_END && c->gs_base < AS_USER_END;
}

static int64_t sys_thread_set_context(const struct syscall_args *a)
{
	struct process *p = process_current();
	struct thread_context c;
	struct uthread *u;
	int rc = 0;

	if (USER_GET(&c, a->arg[1]) != 0)
		return -EFAULT;
	if (!is_sane(&c))
		return -EINVAL;
	lock_acquire(&p->lock);
	u = find_thread(p, a->arg[0]);
	if (u == NULL)
		rc = -ESRCH;
	else if (u->trap == NULL)
		rc = -EBUSY;
	else
		load_context(u, &c);
	lock_release(&p->lock);
	return rc;
}

/* ---- memory and identity ---- */

static int64_t sys_as_query(const struct syscall_args *a)
{
	struct as_query q;

	as_query(process_current()->as, a->arg[0], &q);
	return USER_PUT(a->arg[1], &q);
}

static int64_t sys_self(const struct syscall_args *a)
{
	const struct process *p = process_current();
	struct self_info s = { .pid = p->pid, .tid = uthread_current()->tid, .flags = p->flags };
	struct container_info c;

	container_get_info(process_container(p), &c);
	s.container_id = c.id;
	s.container_used = c.used;
	s.container_limit = c.limit;
	s.cpu = this_cpu_id().n;
	memcpy(s.name, p->name, sizeof(s.name));
	return USER_PUT(a->arg[0], &s);
}

static int64_t sys_mobj_create(const struct syscall_args *a)
{
	struct object *o;
	int rc;

	if ((a->arg[1] & ~(uint64_t)MOBJ_GUEST) != 0)
		return -EINVAL;
	rc = memory_create(process_container(process_current()), a->arg[0], (uint32_t)a->arg[1],
			   &o);
	return rc != 0 ? rc : linux_install(o, 0);
}

static const struct syscall_row rows[] = {
	{ SYS_THREAD_WAKEUP, "thread_wakeup", sys_thread_wakeup },
	{ SYS_THREAD_KILL, "thread_kill", sys_thread_kill },
	{ SYS_THREAD_SLEEP, "thread_sleep", sys_thread_sleep },
	{ SYS_THREAD_GET_CONTEXT, "thread_get_context", sys_thread_get_context },
	{ SYS_THREAD_SET_CONTEXT, "thread_set_context", sys_thread_set_context },
	{ SYS_AS_QUERY, "as_query", sys_as_query },
	{ SYS_SELF, "self", sys_self },
	{ SYS_MOBJ_CREATE, "mobj_create", sys_mobj_create },
};

const struct syscall_table native_thread_calls = { rows, ARRAY_SIZE(rows) };
