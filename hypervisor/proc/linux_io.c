// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing. Objects only try; the loops here sleep on their readiness and try again. A
// write to a stream goes on until everything is written or it can't go on.
#include "lib/errno.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/user.h"

static struct object *get_fd(uint64_t fd)
{
	return handle_get(&process_current()->handles, (int)fd);
}

/* Writes larger than this are cut short, as on Linux. */
#define COUNT_MAX 0x7ffff000ull

static bool is_nonblocking(const struct object *o)
{
	return __atomic_load_n(&o->flags, __ATOMIC_RELAXED) & OBJECT_NONBLOCK;
}

static int64_t do_read(struct object *o, uint64_t buf, uint64_t len)
{
	for (;;) {
		int64_t n = o->ops->read != NULL ? o->ops->read(o, buf, len) : -EINVAL;
		int rc;

		if (n != -EAGAIN || is_nonblocking(o))
			return n;
		rc = object_wait(o, OBJECT_IN, WAIT_FOREVER);
		if (rc != 0)
			return rc;
	}
}

static int64_t write_once(struct object *o, uint64_t buf, uint64_t len)
{
	for (;;) {
		int64_t n = o->ops->write != NULL ? o->ops->write(o, buf, len) : -EINVAL;
		int rc;

		if (n != -EAGAIN || is_nonblocking(o))
			return n;
		rc = object_wait(o, OBJECT_OUT, WAIT_FOREVER);
		if (rc != 0)
			return rc;
	}
}

static int64_t do_write(struct object *o, uint64_t buf, uint64_t len)
{
	uint64_t done = 0;

	do {
		int64_t n = write_once(o, buf + done, len - done);

		if (n <= 0)
			return done != 0 ? (int64_t)done : n;
		done += (uint64_t)n;
		preempt_point();
	} while (done < len && o->ops->write_all && !thread_interrupted());
	return (int64_t)done;
}

typedef int64_t (*io_fn)(struct object *o, uint64_t buf, uint64_t len);

static int64_t with_fd(uint64_t fd, io_fn io, uint64_t buf, uint64_t len)
{
	struct object *o = get_fd(fd);
	int64_t n;

	if (o == NULL)
		return -EBADF;
	n = io(o, buf, MIN(len, COUNT_MAX));
	object_put(o);
	return n;
}

int64_t linux_read(const struct syscall_args *a)
{
	return with_fd(a->arg[0], do_read, a->arg[1], a->arg[2]);
}

int64_t linux_write(const struct syscall_args *a)
{
	return with_fd(a->arg[0], do_write, a->arg[1], a->arg[2]);
}

/* One element after the other; a short one ends it. */
static int64_t vector(struct object *o, io_fn io, uint64_t iov, uint64_t count)
{
	uint64_t total = 0;

	if (count > LINUX_IOV_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		struct linux_iovec v;
		int64_t n;

		if (USER_GET(&v, iov + i * sizeof(v)) != 0)
			return total != 0 ? (int64_t)total : -EFAULT;
		if (v.len == 0)
			continue;
		if (v.len > COUNT_MAX - total)
			return total != 0 ? (int64_t)total : -EINVAL;
		/* What has been transferred counts; after that nothing waits. */
		if (total != 0 && io == do_read && (object_ready(o) & OBJECT_IN) == 0)
			break;
		n = io(o, v.base, v.len);
		if (n < 0)
			return total != 0 ? (int64_t)total : n;
		total += (uint64_t)n;
		if ((uint64_t)n < v.len)
			break;
	}
	return (int64_t)total;
}

static int64_t with_vector(const struct syscall_args *a, io_fn io)
{
	struct object *o = get_fd(a->arg[0]);
	int64_t n;

	if (o == NULL)
		return -EBADF;
	n = vector(o, io, a->arg[1], a->arg[2]);
	object_put(o);
	return n;
}

int64_t linux_readv(const struct syscall_args *a)
{
	return with_vector(a, do_read);
}

int64_t linux_writev(const struct syscall_args *a)
{
	return with_vector(a, do_write);
}

int64_t linux_pread64(const struct syscall_args *a)
{
	struct object *o = get_fd(a->arg[0]);
	int64_t n = -ESPIPE;

	if (o == NULL)
		return -EBADF;
	if ((int64_t)a->arg[3] < 0)
		n = -EINVAL;
	else if (o->ops->pread != NULL)
		n = o->ops->pread(o, a->arg[1], MIN(a->arg[2], COUNT_MAX), a->arg[3]);
	object_put(o);
	return n;
}

int64_t linux_lseek(const struct syscall_args *a)
{
	struct object *o = get_fd(a->arg[0]);
	int64_t n = -ESPIPE;

	if (o == NULL)
		return -EBADF;
	if (o->ops->seek != NULL)
		n = o->ops->seek(o, (int64_t)a->arg[1], (unsigned int)a->arg[2]);
	object_put(o);
	return n;
}

static int64_t set_nonblocking(struct object *o, uint64_t arg)
{
	uint32_t on;

	if (USER_GET(&on, arg) != 0)
		return -EFAULT;
	if (on != 0)
		__atomic_fetch_or(&o->flags, OBJECT_NONBLOCK, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&o->flags, ~OBJECT_NONBLOCK, __ATOMIC_RELAXED);
	return 0;
}

int64_t linux_ioctl(const struct syscall_args *a)
{
	struct object *o = get_fd(a->arg[0]);
	int64_t rc = -ENOTTY;

	if (o == NULL)
		return -EBADF;
	if ((uint32_t)a->arg[1] == LINUX_FIONBIO)
		rc = set_nonblocking(o, a->arg[2]);
	else if (o->ops->ioctl != NULL)
		rc = o->ops->ioctl(o, (uint32_t)a->arg[1], a->arg[2]);
	object_put(o);
	return rc;
}

int64_t linux_getdents64(const struct syscall_args *a)
{
	struct object *o = get_fd(a->arg[0]);
	int64_t n = -ENOTDIR;

	if (o == NULL)
		return -EBADF;
	if (o->ops->list != NULL)
		n = o->ops->list(o, a->arg[1], (uint32_t)a->arg[2]);
	object_put(o);
	return n;
}
