/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Linux calls that exist, by the files that hold them. All have the type syscall_fn; arguments
 * and results are Linux'. linux_calls.c has the table.
 */
#pragma once

#include "proc/object.h"
#include "proc/syscall.h"

/* An absolute time_now() deadline out of a relative or absolute timespec of a clock. */
struct linux_timespec;
int linux_deadline(const struct linux_timespec *ts, bool absolute, bool realtime, uint64_t *out);
/* Nanoseconds from 1970 to time_now() 0. boot sets it from the machine's clock. */
void linux_set_boot_time(uint64_t ns_since_1970);

/*
 * Gives the caller a handle for a new object: the one reference goes to the table, or is dropped.
 * `flags`: LINUX_O_CLOEXEC and LINUX_O_NONBLOCK count. NULL: -ENOMEM. The number or -errno.
 */
int64_t linux_install(struct object *o, uint64_t flags);

/* linux_io.c */
int64_t linux_read(const struct syscall_args *a);
int64_t linux_write(const struct syscall_args *a);
int64_t linux_readv(const struct syscall_args *a);
int64_t linux_writev(const struct syscall_args *a);
int64_t linux_pread64(const struct syscall_args *a);
int64_t linux_lseek(const struct syscall_args *a);
int64_t linux_ioctl(const struct syscall_args *a);
int64_t linux_getdents64(const struct syscall_args *a);

/* linux_fd.c */
int64_t linux_close(const struct syscall_args *a);
int64_t linux_dup(const struct syscall_args *a);
int64_t linux_dup2(const struct syscall_args *a);
int64_t linux_dup3(const struct syscall_args *a);
int64_t linux_fcntl(const struct syscall_args *a);

/* linux_event.c */
int64_t linux_eventfd2(const struct syscall_args *a);
int64_t linux_timerfd_create(const struct syscall_args *a);
int64_t linux_timerfd_settime(const struct syscall_args *a);
int64_t linux_timerfd_gettime(const struct syscall_args *a);

/* linux_path.c */
int64_t linux_open(const struct syscall_args *a);
int64_t linux_openat(const struct syscall_args *a);
int64_t linux_stat(const struct syscall_args *a);
int64_t linux_lstat(const struct syscall_args *a);
int64_t linux_fstat(const struct syscall_args *a);
int64_t linux_newfstatat(const struct syscall_args *a);
int64_t linux_access(const struct syscall_args *a);
int64_t linux_faccessat(const struct syscall_args *a);
int64_t linux_readlink(const struct syscall_args *a);
int64_t linux_readlinkat(const struct syscall_args *a);
int64_t linux_getcwd(const struct syscall_args *a);
int64_t linux_chdir(const struct syscall_args *a);

/* linux_poll.c */
int64_t linux_poll(const struct syscall_args *a);
int64_t linux_ppoll(const struct syscall_args *a);
int64_t linux_select(const struct syscall_args *a);
int64_t linux_pselect6(const struct syscall_args *a);

/* linux_mem.c */
int64_t linux_mmap(const struct syscall_args *a);
int64_t linux_munmap(const struct syscall_args *a);
int64_t linux_mprotect(const struct syscall_args *a);
int64_t linux_mremap(const struct syscall_args *a);
int64_t linux_madvise(const struct syscall_args *a);
int64_t linux_brk(const struct syscall_args *a);

/* linux_thread.c */
int64_t linux_clone(const struct syscall_args *a);
int64_t linux_exit(const struct syscall_args *a);
int64_t linux_exit_group(const struct syscall_args *a);
int64_t linux_tgkill(const struct syscall_args *a);
int64_t linux_set_tid_address(const struct syscall_args *a);
int64_t linux_set_robust_list(const struct syscall_args *a);
int64_t linux_arch_prctl(const struct syscall_args *a);
int64_t linux_futex(const struct syscall_args *a);
int64_t linux_sched_yield(const struct syscall_args *a);
int64_t linux_sched_getaffinity(const struct syscall_args *a);
int64_t linux_getcpu(const struct syscall_args *a);
int64_t linux_gettid(const struct syscall_args *a);
int64_t linux_rt_sigaction(const struct syscall_args *a);
int64_t linux_rt_sigprocmask(const struct syscall_args *a);
int64_t linux_sigaltstack(const struct syscall_args *a);

/* linux_time.c */
int64_t linux_clock_gettime(const struct syscall_args *a);
int64_t linux_clock_getres(const struct syscall_args *a);
int64_t linux_clock_nanosleep(const struct syscall_args *a);
int64_t linux_nanosleep(const struct syscall_args *a);
int64_t linux_gettimeofday(const struct syscall_args *a);
int64_t linux_time(const struct syscall_args *a);
int64_t linux_getrusage(const struct syscall_args *a);

/* linux_misc.c */
int64_t linux_getpid(const struct syscall_args *a);
int64_t linux_getppid(const struct syscall_args *a);
int64_t linux_getid(const struct syscall_args *a); /* uid, gid and the effective ones: 0 */
int64_t linux_uname(const struct syscall_args *a);
int64_t linux_sysinfo(const struct syscall_args *a);
int64_t linux_getrandom(const struct syscall_args *a);
int64_t linux_getrlimit(const struct syscall_args *a);
int64_t linux_prlimit64(const struct syscall_args *a);

extern const struct syscall_table linux_calls;
