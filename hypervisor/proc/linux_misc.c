// SPDX-License-Identifier: GPL-2.0-or-later
// Who, where and how much: identity, limits, random bytes. Everyone is root here; what a process
// may do is decided by the handles it holds and by its PROC_* flags.
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/version.h"
#include "proc/exec.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/random.h"
#include "proc/user.h"

int64_t linux_getpid(const struct syscall_args *a)
{
	(void)a;
	return process_current()->pid;
}

int64_t linux_getppid(const struct syscall_args *a)
{
	(void)a;
	return process_current()->parent_pid;
}

int64_t linux_getid(const struct syscall_args *a)
{
	(void)a;
	return 0;
}

/* libc wants a release that is new enough: the version whose interface this table follows. */
int64_t linux_uname(const struct syscall_args *a)
{
	struct linux_utsname u = {
		.sysname = "Linux",
		.nodename = "strata",
		.release = "6.1.0-strata",
		.machine = "x86_64",
		.domainname = "(none)",
	};

	str_copy(u.version, strata_version, sizeof(u.version));
	return USER_PUT(a->arg[0], &u);
}

/* The machine that a process sees is its container. */
int64_t linux_sysinfo(const struct syscall_args *a)
{
	struct linux_sysinfo s = { .procs = 1, .mem_unit = 1 };
	struct container_info c;

	container_get_info(process_container(process_current()), &c);
	s.uptime = (int64_t)(time_now() / 1000000000);
	s.totalram = c.limit;
	s.freeram = c.limit - c.used;
	return USER_PUT(a->arg[0], &s);
}

#define RANDOM_KNOWN 7u /* GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE: all the same here */
#define RANDOM_CHUNK 256

int64_t linux_getrandom(const struct syscall_args *a)
{
	uint8_t bytes[RANDOM_CHUNK];
	uint64_t done = 0, len = MIN(a->arg[1], 0x7ffff000ull);

	if ((a->arg[2] & ~(uint64_t)RANDOM_KNOWN) != 0)
		return -EINVAL;
	while (done < len && !thread_interrupted()) {
		uint64_t n = MIN(len - done, sizeof(bytes));

		random_bytes(bytes, n);
		if (copy_to_user(a->arg[0] + done, bytes, n) != 0)
			return done != 0 ? (int64_t)done : -EFAULT;
		done += n;
		preempt_point();
	}
	return done != 0 || len == 0 ? (int64_t)done : -EINTR;
}

static uint64_t limit_of(uint32_t resource)
{
	switch (resource) {
	case LINUX_RLIMIT_STACK: return EXEC_STACK_SIZE;
	case LINUX_RLIMIT_CORE: return 0;
	case LINUX_RLIMIT_NOFILE: return HANDLES_MAX;
	default: return LINUX_RLIM_INFINITY;
	}
}

/* Limits are told, not set: memory is bounded by the container. */
int64_t linux_prlimit64(const struct syscall_args *a)
{
	uint32_t resource = (uint32_t)a->arg[1];
	const struct linux_rlimit limit = { limit_of(resource), limit_of(resource) };

	if (resource >= LINUX_RLIM_NLIMITS)
		return -EINVAL;
	if ((uint32_t)a->arg[0] != 0 && (uint32_t)a->arg[0] != process_current()->pid)
		return -ESRCH;
	if (a->arg[2] != 0)
		return -EPERM;
	return a->arg[3] != 0 ? USER_PUT(a->arg[3], &limit) : 0;
}

int64_t linux_getrlimit(const struct syscall_args *a)
{
	uint32_t resource = (uint32_t)a->arg[0];
	const struct linux_rlimit limit = { limit_of(resource), limit_of(resource) };

	return resource < LINUX_RLIM_NLIMITS ? USER_PUT(a->arg[1], &limit) : -EINVAL;
}
