// SPDX-License-Identifier: GPL-2.0-or-later
// Handles as such: closing, copying, flags. An object may be destroyed by any of these, so the
// table hands the last reference out and drops it with no lock held.
#include "lib/errno.h"
#include "proc/linux_calls.h"
#include "proc/user.h"
#include "proc/uthread.h"

static struct handle_table *table(void)
{
	return &process_current()->handles;
}

static uint32_t fd_flags(uint64_t open_flags)
{
	return open_flags & LINUX_O_CLOEXEC ? HANDLE_CLOEXEC : 0;
}

int64_t linux_close(const struct syscall_args *a)
{
	int rc = handle_close(table(), (int)a->arg[0]);

	uthread_unpin_closed();
	return rc;
}

/* Another number for the object at fd: the first free one >= min. */
static int64_t copy_fd(uint64_t fd, uint64_t min, uint32_t flags)
{
	struct object *o;
	int rc;

	if (min >= HANDLES_MAX)
		return -EINVAL;
	o = handle_get(table(), (int)fd);
	if (o == NULL)
		return -EBADF;
	rc = handle_install(table(), o, (unsigned int)min, flags);
	if (rc < 0)
		object_put(o);
	return rc;
}

int64_t linux_dup(const struct syscall_args *a)
{
	return copy_fd(a->arg[0], 0, 0);
}

static int64_t copy_to(uint64_t from, uint64_t to, uint32_t flags)
{
	struct object *o = handle_get(table(), (int)from);
	int rc;

	if (o == NULL)
		return -EBADF;
	rc = handle_install_at(table(), o, (int)to, flags);
	if (rc < 0)
		object_put(o);
	uthread_unpin_closed();
	return rc;
}

int64_t linux_dup2(const struct syscall_args *a)
{
	if ((int)a->arg[0] == (int)a->arg[1])
		return handle_flags(table(), (int)a->arg[0]) < 0 ? -EBADF : (int)a->arg[0];
	return copy_to(a->arg[0], a->arg[1], 0);
}

int64_t linux_dup3(const struct syscall_args *a)
{
	if ((int)a->arg[0] == (int)a->arg[1] || (a->arg[2] & ~(uint64_t)LINUX_O_CLOEXEC) != 0)
		return -EINVAL;
	return copy_to(a->arg[0], a->arg[1], fd_flags(a->arg[2]));
}

static int64_t get_status(uint64_t fd)
{
	struct object *o = handle_get(table(), (int)fd);
	int64_t flags;

	if (o == NULL)
		return -EBADF;
	flags = __atomic_load_n(&o->flags, __ATOMIC_RELAXED);
	if (o->ops->write != NULL && o->ops->read != NULL)
		flags |= LINUX_O_RDWR;
	object_put(o);
	return flags;
}

static int64_t set_status(uint64_t fd, uint64_t flags)
{
	struct object *o = handle_get(table(), (int)fd);

	if (o == NULL)
		return -EBADF;
	if (flags & OBJECT_NONBLOCK)
		__atomic_fetch_or(&o->flags, OBJECT_NONBLOCK, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&o->flags, ~OBJECT_NONBLOCK, __ATOMIC_RELAXED);
	object_put(o);
	return 0;
}

int64_t linux_fcntl(const struct syscall_args *a)
{
	switch ((int)a->arg[1]) {
	case LINUX_F_DUPFD: return copy_fd(a->arg[0], a->arg[2], 0);
	case LINUX_F_DUPFD_CLOEXEC: return copy_fd(a->arg[0], a->arg[2], HANDLE_CLOEXEC);
	case LINUX_F_GETFD: return handle_flags(table(), (int)a->arg[0]);
	case LINUX_F_SETFD:
		return handle_set_flags(table(), (int)a->arg[0],
					a->arg[2] & 1 ? HANDLE_CLOEXEC : 0);
	case LINUX_F_GETFL: return get_status(a->arg[0]);
	case LINUX_F_SETFL: return set_status(a->arg[0], a->arg[2]);
	default: return handle_flags(table(), (int)a->arg[0]) < 0 ? -EBADF : -EINVAL;
	}
}

int64_t linux_install(struct object *o, uint64_t flags)
{
	int rc;

	if (o == NULL)
		return -ENOMEM;
	o->flags = (uint32_t)flags & OBJECT_NONBLOCK;
	rc = handle_install(table(), o, 0, fd_flags(flags));
	if (rc < 0)
		object_put(o);
	return rc;
}
