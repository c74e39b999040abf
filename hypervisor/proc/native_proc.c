// SPDX-License-Identifier: GPL-2.0-or-later
// Starting, ending and looking at other processes. All of a spawn's arguments are copied before
// anything is made; strings of argv and envp are packed one behind the other.
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/exec.h"
#include "proc/linux_calls.h"
#include "proc/machine.h"
#include "proc/native.h"
#include "proc/process.h"
#include "proc/user.h"

/* The packed strings while they are collected. */
struct strings {
	char *bytes; /* EXEC_ARGS_MAX */
	size_t used;
};

/* Adds one array of strings, none when it is at address 0. Their number, or -EFAULT, -E2BIG. */
static int64_t add_strings(struct strings *s, uint64_t array)
{
	for (unsigned int n = 0; array != 0; n++) {
		uint64_t address;
		int64_t len;

		if (USER_GET(&address, array + n * sizeof(address)) != 0)
			return -EFAULT;
		if (address == 0)
			return n;
		if (n == USER_STACK_ARGS_MAX)
			return -E2BIG;
		len = copy_string_from_user(s->bytes + s->used, address, EXEC_ARGS_MAX - s->used);
		if (len < 0)
			return len == -ENAMETOOLONG ? -E2BIG : len;
		s->used += (size_t)len + 1;
	}
	return 0;
}

static int collect(struct strings *s, const struct proc_spawn *spawn, struct user_args *args)
{
	int64_t nr_args = add_strings(s, spawn->argv), nr_envs;

	if (nr_args < 0)
		return (int)nr_args;
	nr_envs = add_strings(s, spawn->envp);
	if (nr_envs < 0)
		return (int)nr_envs;
	if (nr_args + nr_envs > USER_STACK_ARGS_MAX)
		return -E2BIG;
	*args = (struct user_args){ s->bytes, s->used, (unsigned int)nr_args,
				    (unsigned int)nr_envs };
	return 0;
}

static int get_fds(struct process_args *args, const struct proc_spawn *spawn)
{
	for (uint32_t i = 0; i < spawn->nr_fds; i++) {
		if (spawn->fds[i] < 0)
			continue;
		args->fds[i] = handle_get(&process_current()->handles, spawn->fds[i]);
		if (args->fds[i] == NULL)
			return -EBADF;
	}
	return 0;
}

static void put_fds(struct process_args *args)
{
	for (unsigned int i = 0; i < PROC_SPAWN_FDS_MAX; i++)
		object_put(args->fds[i]);
}

/* The handle of a new process that runs, or -errno: there is none. */
static int64_t start(const struct process_args *args)
{
	struct process *p;
	int64_t fd = process_create(args, &p);

	if (fd != 0)
		return fd;
	object_get(&p->object);
	fd = handle_install(&process_current()->handles, &p->object, 0, 0);
	if (fd < 0) {
		object_put(&p->object);
		process_discard(p);
		return fd;
	}
	process_start(p);
	object_put(&p->object);
	return fd;
}

static int64_t spawn_with_fds(struct process_args *args, const struct proc_spawn *spawn)
{
	int64_t rc = get_fds(args, spawn);

	if (rc == 0)
		rc = start(args);
	put_fds(args);
	return rc;
}

static int64_t spawn_in_container(struct process_args *args, const struct proc_spawn *spawn)
{
	struct container *own = process_container(process_current());
	int64_t rc;

	args->container = spawn->memory_limit != 0
				  ? container_create(own, spawn->name, spawn->memory_limit)
				  : container_get(own);
	if (args->container == NULL)
		return -ENOMEM;
	rc = spawn_with_fds(args, spawn);
	container_put(args->container);
	return rc;
}

static int check(struct proc_spawn *spawn)
{
	if ((spawn->flags & ~PROC_ADMIN) != 0 || spawn->nr_fds > PROC_SPAWN_FDS_MAX)
		return -EINVAL;
	if ((spawn->flags & ~process_current()->flags) != 0)
		return -EPERM;
	if (memchr(spawn->name, '\0', sizeof(spawn->name)) == NULL)
		return -EINVAL;
	return 0;
}

static int64_t spawn_with_strings(const struct proc_spawn *spawn, const char *path,
				  struct strings *s)
{
	struct process_args args = {
		.name = spawn->name,
		.path = path,
		.flags = spawn->flags,
		.parent_pid = process_current()->pid,
	};
	int64_t rc = collect(s, spawn, &args.args);

	return rc != 0 ? rc : spawn_in_container(&args, spawn);
}

static int64_t sys_proc_spawn(const struct syscall_args *a)
{
	char path[ARCHIVE_PATH_MAX];
	struct strings s = { .used = 0 };
	struct proc_spawn spawn;
	int64_t rc;

	if (USER_GET(&spawn, a->arg[0]) != 0)
		return -EFAULT;
	rc = check(&spawn);
	if (rc != 0)
		return rc;
	rc = copy_string_from_user(path, spawn.path, sizeof(path));
	if (rc < 0)
		return rc;
	s.bytes = kalloc(process_container(process_current()), EXEC_ARGS_MAX);
	if (s.bytes == NULL)
		return -ENOMEM;
	rc = spawn_with_strings(&spawn, path, &s);
	kfree(s.bytes);
	if (rc >= 0)
		machine_note_rest();
	return rc;
}

static struct process *get_process(uint64_t fd)
{
	struct object *o = handle_get_kind(&process_current()->handles, (int)fd, &process_ops);

	return o != NULL ? container_of(o, struct process, object) : NULL;
}

static int64_t sys_proc_kill(const struct syscall_args *a)
{
	struct process *p = get_process(a->arg[0]);

	if (p == NULL)
		return -EBADF;
	process_kill(p, PROC_KILLED, (int32_t)a->arg[1]);
	object_put(&p->object);
	return 0;
}

static int64_t sys_proc_info(const struct syscall_args *a)
{
	struct process *p = get_process(a->arg[0]);
	struct proc_info info;

	if (p == NULL)
		return -EBADF;
	process_get_info(p, &info);
	object_put(&p->object);
	return USER_PUT(a->arg[1], &info);
}

static const struct syscall_row rows[] = {
	{ SYS_PROC_SPAWN, "proc_spawn", sys_proc_spawn },
	{ SYS_PROC_KILL, "proc_kill", sys_proc_kill },
	{ SYS_PROC_INFO, "proc_info", sys_proc_info },
};

const struct syscall_table native_proc_calls = { rows, ARRAY_SIZE(rows) };
