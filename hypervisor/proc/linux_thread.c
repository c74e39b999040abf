// SPDX-License-Identifier: GPL-2.0-or-later
// Threads, as glibc makes them: clone with the one set of flags that shares everything. Signals are
// never delivered: handlers and masks are remembered so that start-up code finds what it set, and a
// signal that a program sends itself ends it, unless it is ignored.
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/futex.h"
#include "proc/linux_calls.h"
#include "proc/uthread.h"
#include "proc/user.h"

/* ---- clone, exit ---- */

#define CLONE_NEEDED                                                                 \
	(LINUX_CLONE_VM | LINUX_CLONE_FS | LINUX_CLONE_FILES | LINUX_CLONE_SIGHAND | \
	 LINUX_CLONE_THREAD)
#define CLONE_KNOWN                                                                            \
	(CLONE_NEEDED | LINUX_CLONE_SYSVSEM | LINUX_CLONE_SETTLS | LINUX_CLONE_PARENT_SETTID | \
	 LINUX_CLONE_CHILD_CLEARTID | LINUX_CLONE_DETACHED | LINUX_CLONE_CHILD_SETTID)

static bool is_user_address(uint64_t va)
{
	return va < AS_USER_END;
}

/* clone(flags, stack, parent_tid, child_tid, tls) */
int64_t linux_clone(const struct syscall_args *a)
{
	uint64_t flags = a->arg[0], child_tid = a->arg[3];
	struct uthread_args args = {
		.rip = syscall_frame(a)->rip,
		.rsp = a->arg[1],
		.copy = syscall_frame(a),
		.set_child_tid = flags & LINUX_CLONE_CHILD_SETTID ? child_tid : 0,
		.clear_child_tid = flags & LINUX_CLONE_CHILD_CLEARTID ? child_tid : 0,
	};
	struct uthread *u;
	uint32_t tid;
	int rc;

	if ((flags & CLONE_NEEDED) != CLONE_NEEDED)
		return -ENOSYS;
	if ((flags & ~(uint64_t)CLONE_KNOWN) != 0 || args.rsp == 0)
		return -EINVAL;
	thread_get_user_bases(thread_current(), &args.fs_base, &args.gs_base);
	if (flags & LINUX_CLONE_SETTLS)
		args.fs_base = a->arg[4];
	if (!is_user_address(args.fs_base))
		return -EPERM;
	rc = uthread_create(process_current(), &args, &u);
	if (rc != 0)
		return rc;
	tid = u->tid;
	/* A bad address is the program's own loss, as on Linux. */
	if (flags & LINUX_CLONE_PARENT_SETTID)
		(void)USER_PUT(a->arg[2], &tid);
	uthread_start(u);
	return tid;
}

int64_t linux_exit(const struct syscall_args *a)
{
	uthread_current()->exit_code = (int32_t)(a->arg[0] & 0xff);
	uthread_exit();
}

int64_t linux_exit_group(const struct syscall_args *a)
{
	process_kill(process_current(), PROC_EXITED, (int32_t)(a->arg[0] & 0xff));
	uthread_exit();
}

int64_t linux_gettid(const struct syscall_args *a)
{
	(void)a;
	return uthread_current()->tid;
}

int64_t linux_set_tid_address(const struct syscall_args *a)
{
	struct uthread *u = uthread_current();

	u->clear_child_tid = a->arg[0];
	return u->tid;
}

#define ROBUST_LIST_HEAD_SIZE 24

/* Accepted, because start-up code of libc insists, and never walked: a thread that ends takes its
 * robust mutexes along. */
int64_t linux_set_robust_list(const struct syscall_args *a)
{
	return a->arg[1] == ROBUST_LIST_HEAD_SIZE ? 0 : -EINVAL;
}

/* ---- FS and GS ---- */

static int64_t set_base(uint64_t fs, uint64_t gs)
{
	if (!is_user_address(fs) || !is_user_address(gs))
		return -EPERM;
	thread_set_user_bases(thread_current(), fs, gs);
	return 0;
}

int64_t linux_arch_prctl(const struct syscall_args *a)
{
	uint64_t fs, gs;

	thread_get_user_bases(thread_current(), &fs, &gs);
	switch ((uint32_t)a->arg[0]) {
	case LINUX_ARCH_SET_FS: return set_base(a->arg[1], gs);
	case LINUX_ARCH_SET_GS: return set_base(fs, a->arg[1]);
	case LINUX_ARCH_GET_FS: return USER_PUT(a->arg[1], &fs);
	case LINUX_ARCH_GET_GS: return USER_PUT(a->arg[1], &gs);
	default: return -EINVAL;
	}
}

/* ---- futex ---- */

/* The deadline out of a futex timeout: none, relative (FUTEX_WAIT), absolute (FUTEX_WAIT_BITSET).
 */
static int futex_deadline(uint64_t address, bool absolute, bool realtime, uint64_t *deadline)
{
	struct linux_timespec ts;

	*deadline = WAIT_FOREVER;
	if (address == 0)
		return 0;
	if (USER_GET(&ts, address) != 0)
		return -EFAULT;
	return linux_deadline(&ts, absolute, realtime, deadline);
}

static int64_t do_futex_wait(const struct syscall_args *a, bool absolute, uint32_t bitset)
{
	bool realtime = a->arg[1] & LINUX_FUTEX_CLOCK_REALTIME;
	uint64_t deadline;
	int rc = futex_deadline(a->arg[3], absolute, realtime, &deadline);

	return rc != 0 ? rc : futex_wait(a->arg[0], (uint32_t)a->arg[2], deadline, bitset);
}

static int64_t do_futex_requeue(const struct syscall_args *a, bool compare)
{
	uint32_t expected = (uint32_t)a->arg[5];

	if ((int32_t)a->arg[2] < 0 || (int32_t)a->arg[3] < 0)
		return -EINVAL;
	return futex_requeue(a->arg[0], (uint32_t)a->arg[2], (uint32_t)a->arg[3],
			     compare ? &expected : NULL);
}

/* Private and shared are the same here: a word is known by the memory behind it. */
int64_t linux_futex(const struct syscall_args *a)
{
	const uint32_t modifiers = LINUX_FUTEX_PRIVATE | LINUX_FUTEX_CLOCK_REALTIME;
	uint32_t op = (uint32_t)a->arg[1] & ~modifiers;

	switch (op) {
	case LINUX_FUTEX_WAIT: return do_futex_wait(a, false, FUTEX_ANY);
	case LINUX_FUTEX_WAIT_BITSET: return do_futex_wait(a, true, (uint32_t)a->arg[5]);
	case LINUX_FUTEX_WAKE: return futex_wake(a->arg[0], (uint32_t)a->arg[2], FUTEX_ANY);
	case LINUX_FUTEX_WAKE_BITSET:
		return futex_wake(a->arg[0], (uint32_t)a->arg[2], (uint32_t)a->arg[5]);
	case LINUX_FUTEX_REQUEUE: return do_futex_requeue(a, false);
	case LINUX_FUTEX_CMP_REQUEUE: return do_futex_requeue(a, true);
	default: return -ENOSYS;
	}
}

/* ---- scheduling ---- */

int64_t linux_sched_yield(const struct syscall_args *a)
{
	(void)a;
	thread_yield();
	return 0;
}

/* All CPUs that are online: threads are not bound to some. */
int64_t linux_sched_getaffinity(const struct syscall_args *a)
{
	uint64_t mask[CPU_MAX / 64] = { 0 };
	uint64_t len = MIN((uint64_t)(uint32_t)a->arg[1], sizeof(mask));

	cpu_for_each (id)
		mask[id.n / 64] |= 1ull << id.n % 64;
	if (!IS_ALIGNED(a->arg[1], sizeof(mask[0])) || len * 8 < cpu_count())
		return -EINVAL;
	return copy_to_user(a->arg[2], mask, len) == 0 ? (int64_t)len : -EFAULT;
}

int64_t linux_getcpu(const struct syscall_args *a)
{
	uint32_t cpu = this_cpu_id().n, node = this_cpu()->node;

	if (a->arg[0] != 0 && USER_PUT(a->arg[0], &cpu) != 0)
		return -EFAULT;
	return a->arg[1] != 0 ? USER_PUT(a->arg[1], &node) : 0;
}

/* ---- signals, remembered ---- */

static bool is_blockable(uint64_t signal)
{
	return signal != LINUX_SIGKILL && signal != LINUX_SIGSTOP;
}

int64_t linux_rt_sigaction(const struct syscall_args *a)
{
	struct process *p = process_current();
	struct linux_sigaction new, old;
	uint64_t signal = a->arg[0];

	if (a->arg[3] != sizeof(uint64_t) || signal == 0 || signal > LINUX_NSIG)
		return -EINVAL;
	if (a->arg[1] != 0 && USER_GET(&new, a->arg[1]) != 0)
		return -EFAULT;
	if (a->arg[1] != 0 && !is_blockable(signal))
		return -EINVAL;
	lock_acquire(&p->lock);
	old = p->actions[signal - 1];
	if (a->arg[1] != 0)
		p->actions[signal - 1] = new;
	lock_release(&p->lock);
	return a->arg[2] != 0 ? USER_PUT(a->arg[2], &old) : 0;
}

static int new_mask(uint64_t how, uint64_t set, uint64_t *mask)
{
	switch ((uint32_t)how) {
	case LINUX_SIG_BLOCK: *mask |= set; return 0;
	case LINUX_SIG_UNBLOCK: *mask &= ~set; return 0;
	case LINUX_SIG_SETMASK: *mask = set; return 0;
	default: return -EINVAL;
	}
}

int64_t linux_rt_sigprocmask(const struct syscall_args *a)
{
	struct uthread *u = uthread_current();
	uint64_t old = u->sigmask, set;
	int rc = 0;

	if (a->arg[3] != sizeof(set))
		return -EINVAL;
	if (a->arg[1] != 0 && USER_GET(&set, a->arg[1]) != 0)
		return -EFAULT;
	if (a->arg[1] != 0)
		rc = new_mask(a->arg[0], set, &u->sigmask);
	if (rc != 0)
		return rc;
	return a->arg[2] != 0 ? USER_PUT(a->arg[2], &old) : 0;
}

int64_t linux_sigaltstack(const struct syscall_args *a)
{
	struct uthread *u = uthread_current();
	struct linux_stack new, old = u->altstack;

	if (a->arg[0] != 0 && USER_GET(&new, a->arg[0]) != 0)
		return -EFAULT;
	if (a->arg[0] != 0)
		u->altstack = new;
	return a->arg[1] != 0 ? USER_PUT(a->arg[1], &old) : 0;
}

static bool is_ignored(struct process *p, uint64_t signal)
{
	const uint64_t harmless =
		BIT(LINUX_SIGCHLD) | BIT(LINUX_SIGCONT) | BIT(LINUX_SIGURG) | BIT(LINUX_SIGWINCH);
	uint64_t handler;

	lock_acquire(&p->lock);
	handler = p->actions[signal - 1].handler;
	lock_release(&p->lock);
	return handler == LINUX_SIG_IGN ||
	       (handler == LINUX_SIG_DFL && (harmless >> signal & 1) != 0);
}

/* How abort() ends a program. tgkill(pid, tid, signal), the caller's own process only. */
int64_t linux_tgkill(const struct syscall_args *a)
{
	struct process *p = process_current();
	uint64_t signal = a->arg[2];

	if (signal > LINUX_NSIG)
		return -EINVAL;
	if ((uint32_t)a->arg[0] != p->pid)
		return -ESRCH;
	if (signal == 0 || is_ignored(p, signal))
		return 0;
	process_fault(syscall_frame(a), (int)signal, 0);
}
