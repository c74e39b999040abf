/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and structures of the Linux x86-64 system-call ABI, as far as proc serves it. Names are
 * Linux' own with a LINUX_/linux_ prefix where a plain name could clash. Facts of the interface
 * only.
 */
#pragma once

#include "lib/types.h"

/* Numbers of the calls in the table (linux_calls.c). */
enum linux_nr {
	LINUX_READ = 0,
	LINUX_WRITE = 1,
	LINUX_OPEN = 2,
	LINUX_CLOSE = 3,
	LINUX_STAT = 4,
	LINUX_FSTAT = 5,
	LINUX_LSTAT = 6,
	LINUX_POLL = 7,
	LINUX_LSEEK = 8,
	LINUX_MMAP = 9,
	LINUX_MPROTECT = 10,
	LINUX_MUNMAP = 11,
	LINUX_BRK = 12,
	LINUX_RT_SIGACTION = 13,
	LINUX_RT_SIGPROCMASK = 14,
	LINUX_IOCTL = 16,
	LINUX_PREAD64 = 17,
	LINUX_READV = 19,
	LINUX_WRITEV = 20,
	LINUX_ACCESS = 21,
	LINUX_SELECT = 23,
	LINUX_SCHED_YIELD = 24,
	LINUX_MREMAP = 25,
	LINUX_MADVISE = 28,
	LINUX_DUP = 32,
	LINUX_DUP2 = 33,
	LINUX_NANOSLEEP = 35,
	LINUX_GETPID = 39,
	LINUX_CLONE = 56,
	LINUX_EXIT = 60,
	LINUX_UNAME = 63,
	LINUX_FCNTL = 72,
	LINUX_GETCWD = 79,
	LINUX_CHDIR = 80,
	LINUX_READLINK = 89,
	LINUX_GETTIMEOFDAY = 96,
	LINUX_GETRLIMIT = 97,
	LINUX_GETRUSAGE = 98,
	LINUX_SYSINFO = 99,
	LINUX_GETUID = 102,
	LINUX_GETGID = 104,
	LINUX_GETEUID = 107,
	LINUX_GETEGID = 108,
	LINUX_GETPPID = 110,
	LINUX_SIGALTSTACK = 131,
	LINUX_ARCH_PRCTL = 158,
	LINUX_GETTID = 186,
	LINUX_TIME = 201,
	LINUX_FUTEX = 202,
	LINUX_SCHED_GETAFFINITY = 204,
	LINUX_GETDENTS64 = 217,
	LINUX_SET_TID_ADDRESS = 218,
	LINUX_CLOCK_GETTIME = 228,
	LINUX_CLOCK_GETRES = 229,
	LINUX_CLOCK_NANOSLEEP = 230,
	LINUX_EXIT_GROUP = 231,
	LINUX_TGKILL = 234,
	LINUX_OPENAT = 257,
	LINUX_NEWFSTATAT = 262,
	LINUX_READLINKAT = 267,
	LINUX_FACCESSAT = 269,
	LINUX_PSELECT6 = 270,
	LINUX_PPOLL = 271,
	LINUX_SET_ROBUST_LIST = 273,
	LINUX_TIMERFD_CREATE = 283,
	LINUX_TIMERFD_SETTIME = 286,
	LINUX_TIMERFD_GETTIME = 287,
	LINUX_EVENTFD2 = 290,
	LINUX_DUP3 = 292,
	LINUX_PRLIMIT64 = 302,
	LINUX_GETCPU = 309,
	LINUX_GETRANDOM = 318,
	LINUX_NR_END = 512,
};

/* open(2), fcntl(2) */
#define LINUX_O_ACCMODE           3u
#define LINUX_O_WRONLY            1u
#define LINUX_O_RDWR              2u
#define LINUX_O_CREAT             0100u
#define LINUX_O_EXCL              0200u
#define LINUX_O_TRUNC             01000u
#define LINUX_O_NONBLOCK          04000u
#define LINUX_O_DIRECTORY         0200000u
#define LINUX_O_NOFOLLOW          0400000u
#define LINUX_O_CLOEXEC           02000000u
#define LINUX_AT_FDCWD            (-100)
#define LINUX_AT_SYMLINK_NOFOLLOW 0x100u
#define LINUX_AT_EMPTY_PATH       0x1000u
/* access(2) */
#define LINUX_W_OK            2u
#define LINUX_X_OK            1u
#define LINUX_ACCESS_ALL      7u
#define LINUX_F_DUPFD         0
#define LINUX_F_GETFD         1
#define LINUX_F_SETFD         2
#define LINUX_F_GETFL         3
#define LINUX_F_SETFL         4
#define LINUX_F_DUPFD_CLOEXEC 1030

struct linux_timespec {
	int64_t tv_sec, tv_nsec;
};

struct linux_timeval {
	int64_t tv_sec, tv_usec;
};

struct linux_iovec {
	uint64_t base, len;
};
#define LINUX_IOV_MAX 1024

struct linux_stat {
	uint64_t st_dev, st_ino, st_nlink;
	uint32_t st_mode, st_uid, st_gid, pad0;
	uint64_t st_rdev;
	int64_t st_size, st_blksize, st_blocks;
	struct linux_timespec st_atim, st_mtim, st_ctim;
	int64_t unused[3];
};
static_assert_size(struct linux_stat, 144);

/* getdents64: followed by the name with its NUL, padded to 8. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
} __packed;
#define LINUX_DT_CHR 2
#define LINUX_DT_DIR 4
#define LINUX_DT_REG 8
#define LINUX_DT_LNK 10

/* mmap(2) */
#define LINUX_PROT_READ           1u
#define LINUX_PROT_WRITE          2u
#define LINUX_PROT_EXEC           4u
#define LINUX_MAP_SHARED          0x01u
#define LINUX_MAP_PRIVATE         0x02u
#define LINUX_MAP_FIXED           0x10u
#define LINUX_MAP_ANONYMOUS       0x20u
#define LINUX_MAP_GROWSDOWN       0x100u
#define LINUX_MAP_FIXED_NOREPLACE 0x100000u
#define LINUX_MREMAP_MAYMOVE      1u
#define LINUX_MADV_DONTNEED       4
#define LINUX_MADV_LAST           25 /* MADV_COLLAPSE */

/* clone(2) */
#define LINUX_CLONE_VM             0x00000100u
#define LINUX_CLONE_FS             0x00000200u
#define LINUX_CLONE_FILES          0x00000400u
#define LINUX_CLONE_SIGHAND        0x00000800u
#define LINUX_CLONE_THREAD         0x00010000u
#define LINUX_CLONE_SYSVSEM        0x00040000u
#define LINUX_CLONE_SETTLS         0x00080000u
#define LINUX_CLONE_PARENT_SETTID  0x00100000u
#define LINUX_CLONE_CHILD_CLEARTID 0x00200000u
#define LINUX_CLONE_DETACHED       0x00400000u
#define LINUX_CLONE_CHILD_SETTID   0x01000000u

#define LINUX_ARCH_SET_GS 0x1001
#define LINUX_ARCH_SET_FS 0x1002
#define LINUX_ARCH_GET_FS 0x1003
#define LINUX_ARCH_GET_GS 0x1004

/* futex(2) */
#define LINUX_FUTEX_WAIT           0
#define LINUX_FUTEX_WAKE           1
#define LINUX_FUTEX_REQUEUE        3
#define LINUX_FUTEX_CMP_REQUEUE    4
#define LINUX_FUTEX_WAIT_BITSET    9
#define LINUX_FUTEX_WAKE_BITSET    10
#define LINUX_FUTEX_PRIVATE        128
#define LINUX_FUTEX_CLOCK_REALTIME 256

/* Signals: only as reasons of an end. */
#define LINUX_NSIG        64
#define LINUX_SIGILL      4
#define LINUX_SIGTRAP     5
#define LINUX_SIGABRT     6
#define LINUX_SIGBUS      7
#define LINUX_SIGFPE      8
#define LINUX_SIGKILL     9
#define LINUX_SIGSEGV     11
#define LINUX_SIGCHLD     17
#define LINUX_SIGCONT     18
#define LINUX_SIGSTOP     19
#define LINUX_SIGURG      23
#define LINUX_SIGWINCH    28
#define LINUX_SIG_DFL     0
#define LINUX_SIG_IGN     1
#define LINUX_SIG_BLOCK   0
#define LINUX_SIG_UNBLOCK 1
#define LINUX_SIG_SETMASK 2

struct linux_sigaction {
	uint64_t handler, flags, restorer, mask;
};

struct linux_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};
#define LINUX_SS_DISABLE 2

/* poll(2): struct pollfd. */
struct linux_pollfd {
	int32_t fd;
	int16_t events, revents;
};
#define LINUX_POLLNVAL 0x20

/* ioctl(2) on terminals */
#define LINUX_TCGETS     0x5401
#define LINUX_TCSETS     0x5402
#define LINUX_TCSETSW    0x5403
#define LINUX_TCSETSF    0x5404
#define LINUX_TCFLSH     0x540b
#define LINUX_TIOCGPGRP  0x540f
#define LINUX_TIOCSPGRP  0x5410
#define LINUX_TIOCOUTQ   0x5411
#define LINUX_TIOCGWINSZ 0x5413
#define LINUX_TIOCSWINSZ 0x5414
#define LINUX_FIONREAD   0x541b
#define LINUX_FIONBIO    0x5421

struct linux_winsize {
	uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};

struct linux_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct linux_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit, pad3;
};
static_assert_size(struct linux_sysinfo, 112);

struct linux_rusage {
	struct linux_timeval ru_utime, ru_stime;
	int64_t ru_maxrss, rest[13];
};
static_assert_size(struct linux_rusage, 144);

struct linux_rlimit {
	uint64_t cur, max;
};
#define LINUX_RLIM_INFINITY (~0ull)
#define LINUX_RLIMIT_STACK  3
#define LINUX_RLIMIT_CORE   4
#define LINUX_RLIMIT_NOFILE 7
#define LINUX_RLIM_NLIMITS  16

/* Clocks */
#define LINUX_CLOCK_REALTIME         0
#define LINUX_CLOCK_MONOTONIC        1
#define LINUX_CLOCK_PROCESS_CPUTIME  2
#define LINUX_CLOCK_THREAD_CPUTIME   3
#define LINUX_CLOCK_MONOTONIC_RAW    4
#define LINUX_CLOCK_REALTIME_COARSE  5
#define LINUX_CLOCK_MONOTONIC_COARSE 6
#define LINUX_CLOCK_BOOTTIME         7
#define LINUX_TIMER_ABSTIME          1

struct linux_itimerspec {
	struct linux_timespec it_interval, it_value;
};

#define LINUX_EFD_SEMAPHORE 1u
