// SPDX-License-Identifier: GPL-2.0-or-later
// Clocks. All tell time_now(), nanoseconds since boot; the realtime clock adds when that was. CPU
// time is what the scheduler has counted for the thread.
#include "cpu/time.h"
#include "lib/errno.h"
#include "proc/linux_calls.h"
#include "proc/user.h"
#include "proc/uthread.h"

#define NS 1000000000ull

static uint64_t boot_time; /* ns since 1970; immutable after boot */

void linux_set_boot_time(uint64_t ns_since_1970)
{
	boot_time = ns_since_1970;
}

static struct linux_timespec timespec_of(uint64_t ns)
{
	return (struct linux_timespec){ (int64_t)(ns / NS), (int64_t)(ns % NS) };
}

static bool is_valid(const struct linux_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && (uint64_t)ts->tv_nsec < NS;
}

int linux_deadline(const struct linux_timespec *ts, bool absolute, bool realtime, uint64_t *out)
{
	uint64_t ns, base = absolute ? 0 : time_now();

	if (!is_valid(ts))
		return -EINVAL;
	if (__builtin_mul_overflow((uint64_t)ts->tv_sec, NS, &ns) ||
	    __builtin_add_overflow(ns, (uint64_t)ts->tv_nsec, &ns) ||
	    __builtin_add_overflow(ns, base, &ns)) {
		*out = WAIT_FOREVER;
		return 0;
	}
	if (absolute && realtime)
		ns = ns > boot_time ? ns - boot_time : 0;
	*out = ns;
	return 0;
}

/* 0 or -EINVAL. */
static int read_clock(uint64_t clock, uint64_t *ns)
{
	switch ((uint32_t)clock) {
	case LINUX_CLOCK_REALTIME:
	case LINUX_CLOCK_REALTIME_COARSE: *ns = boot_time + time_now(); return 0;
	case LINUX_CLOCK_MONOTONIC:
	case LINUX_CLOCK_MONOTONIC_RAW:
	case LINUX_CLOCK_MONOTONIC_COARSE:
	case LINUX_CLOCK_BOOTTIME: *ns = time_now(); return 0;
	case LINUX_CLOCK_PROCESS_CPUTIME: *ns = process_run_time(process_current()); return 0;
	case LINUX_CLOCK_THREAD_CPUTIME: *ns = thread_run_time(thread_current()); return 0;
	default: return -EINVAL;
	}
}

int64_t linux_clock_gettime(const struct syscall_args *a)
{
	struct linux_timespec ts;
	uint64_t ns;
	int rc = read_clock(a->arg[0], &ns);

	if (rc != 0)
		return rc;
	ts = timespec_of(ns);
	return USER_PUT(a->arg[1], &ts);
}

int64_t linux_clock_getres(const struct syscall_args *a)
{
	const struct linux_timespec ts = { .tv_nsec = 1 };
	uint64_t ns;
	int rc = read_clock(a->arg[0], &ns);

	if (rc != 0 || a->arg[1] == 0)
		return rc;
	return USER_PUT(a->arg[1], &ts);
}

/* Sleeps; a sleep that was cut short tells how much was left. */
static int64_t sleep_until(uint64_t deadline, uint64_t remain_address)
{
	struct linux_timespec left;
	uint64_t now;
	int rc = thread_sleep_until(deadline, true);

	if (rc != -EINTR)
		return 0;
	now = time_now();
	left = timespec_of(deadline > now ? deadline - now : 0);
	if (remain_address != 0 && USER_PUT(remain_address, &left) != 0)
		return -EFAULT;
	return -EINTR;
}

static bool can_sleep_on(uint64_t clock)
{
	return (uint32_t)clock == LINUX_CLOCK_REALTIME ||
	       (uint32_t)clock == LINUX_CLOCK_MONOTONIC || (uint32_t)clock == LINUX_CLOCK_BOOTTIME;
}

int64_t linux_clock_nanosleep(const struct syscall_args *a)
{
	bool absolute = a->arg[1] & LINUX_TIMER_ABSTIME;
	struct linux_timespec ts;
	uint64_t deadline;
	int rc;

	if (!can_sleep_on(a->arg[0]))
		return -EINVAL;
	if (USER_GET(&ts, a->arg[2]) != 0)
		return -EFAULT;
	rc = linux_deadline(&ts, absolute, (uint32_t)a->arg[0] == LINUX_CLOCK_REALTIME, &deadline);
	return rc != 0 ? rc : sleep_until(deadline, absolute ? 0 : a->arg[3]);
}

int64_t linux_nanosleep(const struct syscall_args *a)
{
	struct linux_timespec ts;
	uint64_t deadline;
	int rc;

	if (USER_GET(&ts, a->arg[0]) != 0)
		return -EFAULT;
	rc = linux_deadline(&ts, false, false, &deadline);
	return rc != 0 ? rc : sleep_until(deadline, a->arg[1]);
}

/* The time zone is UTC. */
int64_t linux_gettimeofday(const struct syscall_args *a)
{
	const uint64_t utc = 0;
	uint64_t ns = boot_time + time_now();
	const struct linux_timeval tv = { (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };

	if (a->arg[0] != 0 && USER_PUT(a->arg[0], &tv) != 0)
		return -EFAULT;
	return a->arg[1] != 0 ? USER_PUT(a->arg[1], &utc) : 0;
}

int64_t linux_time(const struct syscall_args *a)
{
	int64_t now = (int64_t)((boot_time + time_now()) / NS);

	if (a->arg[0] != 0 && USER_PUT(a->arg[0], &now) != 0)
		return -EFAULT;
	return now;
}

#define RUSAGE_SELF   0
#define RUSAGE_THREAD 1

/* Only times and memory are counted; all time is ring 3's. */
int64_t linux_getrusage(const struct syscall_args *a)
{
	struct process *p = process_current();
	struct linux_rusage r = { .ru_maxrss = (int64_t)(as_used(p->as) / 1024) };
	uint64_t ns;

	if ((int)a->arg[0] != RUSAGE_SELF && (int)a->arg[0] != RUSAGE_THREAD)
		return -EINVAL;
	ns = (int)a->arg[0] == RUSAGE_SELF ? process_run_time(p)
					   : thread_run_time(thread_current());
	r.ru_utime = (struct linux_timeval){ (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };
	return USER_PUT(a->arg[1], &r);
}
