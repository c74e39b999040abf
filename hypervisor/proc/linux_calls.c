// SPDX-License-Identifier: GPL-2.0-or-later
// The Linux calls that exist: a closed list, what static programs of Debian's gcc and glibc need.
// Whatever is not here is -ENOSYS, which such programs expect of an older kernel. There is no fork,
// no exec and no signal.
#include "proc/linux_calls.h"

#include "proc/linux_abi.h"

static const struct syscall_row rows[] = {
	/* Reading, writing, waiting. */
	{ LINUX_READ, "read", linux_read },
	{ LINUX_WRITE, "write", linux_write },
	{ LINUX_READV, "readv", linux_readv },
	{ LINUX_WRITEV, "writev", linux_writev },
	{ LINUX_PREAD64, "pread64", linux_pread64 },
	{ LINUX_LSEEK, "lseek", linux_lseek },
	{ LINUX_IOCTL, "ioctl", linux_ioctl },
	{ LINUX_GETDENTS64, "getdents64", linux_getdents64 },
	{ LINUX_POLL, "poll", linux_poll },
	{ LINUX_PPOLL, "ppoll", linux_ppoll },
	{ LINUX_SELECT, "select", linux_select },
	{ LINUX_PSELECT6, "pselect6", linux_pselect6 },

	/* Handles. */
	{ LINUX_CLOSE, "close", linux_close },
	{ LINUX_DUP, "dup", linux_dup },
	{ LINUX_DUP2, "dup2", linux_dup2 },
	{ LINUX_DUP3, "dup3", linux_dup3 },
	{ LINUX_FCNTL, "fcntl", linux_fcntl },

	/* Events and timers as handles. */
	{ LINUX_EVENTFD2, "eventfd2", linux_eventfd2 },
	{ LINUX_TIMERFD_CREATE, "timerfd_create", linux_timerfd_create },
	{ LINUX_TIMERFD_SETTIME, "timerfd_settime", linux_timerfd_settime },
	{ LINUX_TIMERFD_GETTIME, "timerfd_gettime", linux_timerfd_gettime },

	/* Names of the boot archive. */
	{ LINUX_OPEN, "open", linux_open },
	{ LINUX_OPENAT, "openat", linux_openat },
	{ LINUX_STAT, "stat", linux_stat },
	{ LINUX_LSTAT, "lstat", linux_lstat },
	{ LINUX_FSTAT, "fstat", linux_fstat },
	{ LINUX_NEWFSTATAT, "newfstatat", linux_newfstatat },
	{ LINUX_ACCESS, "access", linux_access },
	{ LINUX_FACCESSAT, "faccessat", linux_faccessat },
	{ LINUX_READLINK, "readlink", linux_readlink },
	{ LINUX_READLINKAT, "readlinkat", linux_readlinkat },
	{ LINUX_GETCWD, "getcwd", linux_getcwd },
	{ LINUX_CHDIR, "chdir", linux_chdir },

	/* Memory. */
	{ LINUX_MMAP, "mmap", linux_mmap },
	{ LINUX_MUNMAP, "munmap", linux_munmap },
	{ LINUX_MPROTECT, "mprotect", linux_mprotect },
	{ LINUX_MREMAP, "mremap", linux_mremap },
	{ LINUX_MADVISE, "madvise", linux_madvise },
	{ LINUX_BRK, "brk", linux_brk },

	/* Threads. */
	{ LINUX_CLONE, "clone", linux_clone },
	{ LINUX_EXIT, "exit", linux_exit },
	{ LINUX_EXIT_GROUP, "exit_group", linux_exit_group },
	{ LINUX_GETTID, "gettid", linux_gettid },
	{ LINUX_SET_TID_ADDRESS, "set_tid_address", linux_set_tid_address },
	{ LINUX_ARCH_PRCTL, "arch_prctl", linux_arch_prctl },
	{ LINUX_FUTEX, "futex", linux_futex },
	{ LINUX_SCHED_YIELD, "sched_yield", linux_sched_yield },
	{ LINUX_SCHED_GETAFFINITY, "sched_getaffinity", linux_sched_getaffinity },
	{ LINUX_GETCPU, "getcpu", linux_getcpu },
	{ LINUX_TGKILL, "tgkill", linux_tgkill },

	/* Remembered, because libc's start-up code sets them, and of no effect. */
	{ LINUX_SET_ROBUST_LIST, "set_robust_list", linux_set_robust_list },
	{ LINUX_RT_SIGACTION, "rt_sigaction", linux_rt_sigaction },
	{ LINUX_RT_SIGPROCMASK, "rt_sigprocmask", linux_rt_sigprocmask },
	{ LINUX_SIGALTSTACK, "sigaltstack", linux_sigaltstack },

	/* Time. */
	{ LINUX_CLOCK_GETTIME, "clock_gettime", linux_clock_gettime },
	{ LINUX_CLOCK_GETRES, "clock_getres", linux_clock_getres },
	{ LINUX_CLOCK_NANOSLEEP, "clock_nanosleep", linux_clock_nanosleep },
	{ LINUX_NANOSLEEP, "nanosleep", linux_nanosleep },
	{ LINUX_GETTIMEOFDAY, "gettimeofday", linux_gettimeofday },
	{ LINUX_TIME, "time", linux_time },
	{ LINUX_GETRUSAGE, "getrusage", linux_getrusage },

	/* Who and where. */
	{ LINUX_GETPID, "getpid", linux_getpid },
	{ LINUX_GETPPID, "getppid", linux_getppid },
	{ LINUX_GETUID, "getuid", linux_getid },
	{ LINUX_GETEUID, "geteuid", linux_getid },
	{ LINUX_GETGID, "getgid", linux_getid },
	{ LINUX_GETEGID, "getegid", linux_getid },
	{ LINUX_UNAME, "uname", linux_uname },
	{ LINUX_SYSINFO, "sysinfo", linux_sysinfo },
	{ LINUX_GETRANDOM, "getrandom", linux_getrandom },
	{ LINUX_GETRLIMIT, "getrlimit", linux_getrlimit },
	{ LINUX_PRLIMIT64, "prlimit64", linux_prlimit64 },
};

const struct syscall_table linux_calls = { rows, ARRAY_SIZE(rows) };
