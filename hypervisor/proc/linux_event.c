// SPDX-License-Identifier: GPL-2.0-or-later
// Objects that are made from nothing but a call: eventfd and timerfd.
#include "cpu/time.h"
#include "lib/errno.h"
#include "proc/event.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/user.h"

static struct handle_table *table(void)
{
	return &process_current()->handles;
}

int64_t linux_eventfd2(const struct syscall_args *a)
{
	const uint32_t known = LINUX_O_CLOEXEC | LINUX_O_NONBLOCK | LINUX_EFD_SEMAPHORE;
	uint32_t flags = (uint32_t)a->arg[1];

	if ((flags & ~known) != 0)
		return -EINVAL;
	return linux_install(event_create(process_container(process_current()), (uint32_t)a->arg[0],
					  flags & LINUX_EFD_SEMAPHORE ? EVENT_SEMAPHORE : 0),
			     flags);
}

int64_t linux_timerfd_create(const struct syscall_args *a)
{
	uint32_t clock = (uint32_t)a->arg[0], flags = (uint32_t)a->arg[1];

	if (clock != LINUX_CLOCK_REALTIME && clock != LINUX_CLOCK_MONOTONIC &&
	    clock != LINUX_CLOCK_BOOTTIME)
		return -EINVAL;
	if ((flags & ~(LINUX_O_CLOEXEC | LINUX_O_NONBLOCK)) != 0)
		return -EINVAL;
	return linux_install(
		timerfd_create(process_container(process_current()), clock == LINUX_CLOCK_REALTIME),
		flags);
}

static int put_timer(struct object *o, uint64_t address)
{
	struct linux_itimerspec spec;
	uint64_t left, interval;

	timerfd_get(o, &left, &interval);
	spec.it_value.tv_sec = (int64_t)(left / 1000000000);
	spec.it_value.tv_nsec = (int64_t)(left % 1000000000);
	spec.it_interval.tv_sec = (int64_t)(interval / 1000000000);
	spec.it_interval.tv_nsec = (int64_t)(interval % 1000000000);
	return USER_PUT(address, &spec);
}

static bool is_zero(const struct linux_timespec *ts)
{
	return ts->tv_sec == 0 && ts->tv_nsec == 0;
}

static int64_t set_timer(struct object *o, const struct syscall_args *a)
{
	struct linux_itimerspec spec;
	uint64_t deadline = 0, interval;
	int rc;

	if (USER_GET(&spec, a->arg[2]) != 0)
		return -EFAULT;
	/* An interval is a deadline from time 0 on, cut to what fits. */
	rc = linux_deadline(&spec.it_interval, true, false, &interval);
	if (rc == 0 && !is_zero(&spec.it_value))
		rc = linux_deadline(&spec.it_value, a->arg[1] & LINUX_TIMER_ABSTIME,
				    timerfd_is_realtime(o), &deadline);
	if (rc != 0)
		return rc;
	if (a->arg[3] != 0 && put_timer(o, a->arg[3]) != 0)
		return -EFAULT;
	if (!is_zero(&spec.it_value))
		deadline = MAX(deadline, 1ull);
	timerfd_arm(o, deadline, interval);
	return 0;
}

static struct object *get_timer(uint64_t fd, int64_t *error)
{
	struct object *o = handle_get(table(), (int)fd);

	*error = o == NULL ? -EBADF : -EINVAL;
	if (o != NULL && o->ops != &timerfd_ops) {
		object_put(o);
		return NULL;
	}
	return o;
}

int64_t linux_timerfd_settime(const struct syscall_args *a)
{
	int64_t rc;
	struct object *o = get_timer(a->arg[0], &rc);

	if (o == NULL)
		return rc;
	rc = set_timer(o, a);
	object_put(o);
	return rc;
}

int64_t linux_timerfd_gettime(const struct syscall_args *a)
{
	int64_t rc;
	struct object *o = get_timer(a->arg[0], &rc);

	if (o == NULL)
		return rc;
	rc = put_timer(o, a->arg[1]);
	object_put(o);
	return rc;
}
