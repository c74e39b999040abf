// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that take a path. Names live in the boot archive, which never changes: whatever would
// write, make or remove a name fails with -EROFS. A path is copied in once and looked up in that
// copy.
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/archive_file.h"
#include "proc/device.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/user.h"

#define BLOCK_SIZE 4096

/* ---- finding ---- */

/* The directory that relative paths of an *at call start from. 0, -EBADF, -ENOTDIR. */
static int start_of(uint64_t dirfd, struct archive_node **out)
{
	struct object *o;

	if ((int)dirfd == LINUX_AT_FDCWD) {
		*out = __atomic_load_n(&process_current()->cwd, __ATOMIC_RELAXED);
		return 0;
	}
	o = handle_get(&process_current()->handles, (int)dirfd);
	if (o == NULL)
		return -EBADF;
	*out = o->ops == &archive_dir_ops ? archive_node_of(o) : NULL;
	object_put(o);
	return *out != NULL ? 0 : -ENOTDIR;
}

static int find(uint64_t dirfd, uint64_t user_path, bool follow, struct archive_node **out)
{
	struct archive_node *start = archive_root();
	char path[ARCHIVE_PATH_MAX];
	int64_t len = copy_string_from_user(path, user_path, sizeof(path));
	int rc = 0;

	if (len < 0)
		return (int)len;
	if (path[0] != '/')
		rc = start_of(dirfd, &start);
	return rc != 0 ? rc : archive_lookup(start, path, follow, out);
}

/* ---- open ---- */

static int64_t open_node(struct archive_node *n, uint64_t flags)
{
	struct container *c = process_container(process_current());
	struct object *o = NULL;

	if (archive_is(n, MODE_CHAR)) {
		const struct device *d = n->device;
		int rc = d->open(d, c, &o);

		return rc != 0 ? rc : linux_install(o, flags);
	}
	if ((flags & LINUX_O_ACCMODE) != 0)
		return archive_is(n, MODE_DIR) ? -EISDIR : -EROFS;
	return linux_install(archive_open(c, n), flags);
}

static int64_t do_open(uint64_t dirfd, uint64_t path, uint64_t flags)
{
	struct archive_node *n;
	int rc = find(dirfd, path, (flags & LINUX_O_NOFOLLOW) == 0, &n);

	if (rc == -ENOENT && (flags & LINUX_O_CREAT))
		return -EROFS;
	if (rc != 0)
		return rc;
	if ((flags & LINUX_O_CREAT) && (flags & LINUX_O_EXCL))
		return -EEXIST;
	if (archive_is(n, MODE_SYMLINK))
		return -ELOOP;
	if ((flags & LINUX_O_DIRECTORY) && !archive_is(n, MODE_DIR))
		return -ENOTDIR;
	return open_node(n, flags);
}

int64_t linux_open(const struct syscall_args *a)
{
	return do_open((uint64_t)LINUX_AT_FDCWD, a->arg[0], a->arg[1]);
}

int64_t linux_openat(const struct syscall_args *a)
{
	return do_open(a->arg[0], a->arg[1], a->arg[2]);
}

/* ---- stat ---- */

static int object_stat(struct object *o, struct object_stat *st)
{
	*st = (struct object_stat){ .mode = MODE_CHAR | 0600, .nlink = 1 };
	return o->ops->stat != NULL ? o->ops->stat(o, st) : 0;
}

static int fd_stat(uint64_t fd, struct object_stat *st)
{
	struct object *o = handle_get(&process_current()->handles, (int)fd);
	int rc;

	if (o == NULL)
		return -EBADF;
	rc = object_stat(o, st);
	object_put(o);
	return rc;
}

/* With AT_EMPTY_PATH an empty path names dirfd itself. */
static int is_empty_path(uint64_t path, uint64_t flags, bool *empty)
{
	char first;

	*empty = false;
	if ((flags & LINUX_AT_EMPTY_PATH) == 0)
		return 0;
	if (USER_GET(&first, path) != 0)
		return -EFAULT;
	*empty = first == '\0';
	return 0;
}

static int path_stat(uint64_t dirfd, uint64_t path, uint64_t flags, struct object_stat *st)
{
	struct archive_node *n;
	bool empty;
	int rc = is_empty_path(path, flags, &empty);

	if (rc != 0)
		return rc;
	if (empty && (int)dirfd != LINUX_AT_FDCWD)
		return fd_stat(dirfd, st);
	rc = empty ? start_of(dirfd, &n)
		   : find(dirfd, path, (flags & LINUX_AT_SYMLINK_NOFOLLOW) == 0, &n);
	if (rc != 0)
		return rc;
	archive_stat(n, st);
	if (archive_is(n, MODE_CHAR))
		st->rdev = ((const struct device *)n->device)->rdev;
	return 0;
}

static int64_t put_stat(int rc, const struct object_stat *st, uint64_t address)
{
	const struct linux_timespec time = { .tv_sec = (int64_t)st->mtime };
	struct linux_stat out = {
		.st_dev = 1,
		.st_ino = st->ino,
		.st_nlink = st->nlink,
		.st_mode = st->mode,
		.st_rdev = st->rdev,
		.st_size = (int64_t)st->size,
		.st_blksize = BLOCK_SIZE,
		.st_blocks = (int64_t)DIV_ROUND_UP(st->size, 512),
		.st_atim = time,
		.st_mtim = time,
		.st_ctim = time,
	};

	return rc != 0 ? rc : USER_PUT(address, &out);
}

int64_t linux_fstat(const struct syscall_args *a)
{
	struct object_stat st = { 0 };
	int rc = fd_stat(a->arg[0], &st);

	return put_stat(rc, &st, a->arg[1]);
}

int64_t linux_stat(const struct syscall_args *a)
{
	struct object_stat st = { 0 };
	int rc = path_stat((uint64_t)LINUX_AT_FDCWD, a->arg[0], 0, &st);

	return put_stat(rc, &st, a->arg[1]);
}

int64_t linux_lstat(const struct syscall_args *a)
{
	struct object_stat st = { 0 };
	int rc = path_stat((uint64_t)LINUX_AT_FDCWD, a->arg[0], LINUX_AT_SYMLINK_NOFOLLOW, &st);

	return put_stat(rc, &st, a->arg[1]);
}

int64_t linux_newfstatat(const struct syscall_args *a)
{
	struct object_stat st = { 0 };
	int rc = path_stat(a->arg[0], a->arg[1], a->arg[3], &st);

	return put_stat(rc, &st, a->arg[2]);
}

/* ---- the rest ---- */

/* Everyone is root: what exists can be read, nothing of the archive be written. */
static int64_t check_access(uint64_t dirfd, uint64_t path, uint64_t mode)
{
	struct archive_node *n;
	int rc;

	if ((mode & ~(uint64_t)LINUX_ACCESS_ALL) != 0)
		return -EINVAL;
	rc = find(dirfd, path, true, &n);
	if (rc != 0)
		return rc;
	if ((mode & LINUX_W_OK) && !archive_is(n, MODE_CHAR))
		return -EROFS;
	return (mode & LINUX_X_OK) && (n->mode & 0111) == 0 ? -EACCES : 0;
}

int64_t linux_access(const struct syscall_args *a)
{
	return check_access((uint64_t)LINUX_AT_FDCWD, a->arg[0], (uint32_t)a->arg[1]);
}

int64_t linux_faccessat(const struct syscall_args *a)
{
	return check_access(a->arg[0], a->arg[1], (uint32_t)a->arg[2]);
}

static int64_t put_bytes(uint64_t buf, uint64_t size, const void *bytes, uint64_t len)
{
	uint64_t n = MIN(len, size);

	return copy_to_user(buf, bytes, n) == 0 ? (int64_t)n : -EFAULT;
}

/* The one name of /proc that programs cannot do without: their own. */
static int64_t read_proc_self_exe(uint64_t user_path, uint64_t buf, uint64_t size)
{
	static const char self_exe[] = "/proc/self/exe";
	const struct process *p = process_current();
	char path[sizeof(self_exe)];

	if (copy_string_from_user(path, user_path, sizeof(path)) < 0 || strcmp(path, self_exe) != 0)
		return -ENOENT;
	return put_bytes(buf, size, p->exe, strlen(p->exe));
}

static int64_t do_readlink(uint64_t dirfd, uint64_t path, uint64_t buf, uint64_t size)
{
	struct archive_node *n;
	int rc;

	if ((int)size <= 0)
		return -EINVAL;
	rc = find(dirfd, path, false, &n);
	if (rc == -ENOENT)
		return read_proc_self_exe(path, buf, size);
	if (rc != 0)
		return rc;
	return archive_is(n, MODE_SYMLINK) ? put_bytes(buf, size, n->data, n->size) : -EINVAL;
}

int64_t linux_readlink(const struct syscall_args *a)
{
	return do_readlink((uint64_t)LINUX_AT_FDCWD, a->arg[0], a->arg[1], a->arg[2]);
}

int64_t linux_readlinkat(const struct syscall_args *a)
{
	return do_readlink(a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

int64_t linux_getcwd(const struct syscall_args *a)
{
	struct archive_node *cwd = __atomic_load_n(&process_current()->cwd, __ATOMIC_RELAXED);
	char path[ARCHIVE_PATH_MAX];
	int64_t len = archive_path(cwd, path, sizeof(path));

	if (len < 0)
		return len;
	if ((uint64_t)len + 1 > a->arg[1])
		return -ERANGE;
	return put_bytes(a->arg[0], a->arg[1], path, (uint64_t)len + 1);
}

int64_t linux_chdir(const struct syscall_args *a)
{
	struct archive_node *n;
	int rc = find((uint64_t)LINUX_AT_FDCWD, a->arg[0], true, &n);

	if (rc != 0)
		return rc;
	if (!archive_is(n, MODE_DIR))
		return -ENOTDIR;
	__atomic_store_n(&process_current()->cwd, n, __ATOMIC_RELAXED);
	return 0;
}
