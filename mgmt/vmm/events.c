// SPDX-License-Identifier: GPL-2.0-or-later
// One poll() loop. There are few timers, so the next one is found by a walk over the list. A timer
// that is set earlier than the loop's sleep ends wakes it through an eventfd.

#include "vmm/events.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_MAX 32

int events_init(struct events *events)
{
	*events = (struct events){ .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	if (events->wake_fd < 0)
		return -errno;
	mutex_init(&events->lock);
	return 0;
}

void events_destroy(struct events *events)
{
	close(events->wake_fd);
}

uint64_t events_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

int64_t events_wall_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void events_wake(struct events *events)
{
	uint64_t one = 1;

	/* EAGAIN only says that the counter is full: the thread is being woken already. */
	if (write(events->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

void events_quit(struct events *events)
{
	mutex_lock(&events->lock);
	events->quit = true;
	mutex_unlock(&events->lock);
	events_wake(events);
}

void timer_init(struct timer *timer, struct events *events, struct mutex *lock,
		void (*fire)(void *), void *arg)
{
	*timer = (struct timer){
		.events = events, .lock = lock, .fire = fire, .arg = arg, .deadline = TIMER_NEVER
	};
	mutex_lock(&events->lock);
	timer->next = events->timers;
	events->timers = timer;
	mutex_unlock(&events->lock);
}

void timer_remove(struct timer *timer)
{
	mutex_lock(&timer->events->lock);
	for (struct timer **p = &timer->events->timers; *p; p = &(*p)->next) {
		if (*p == timer) {
			*p = timer->next;
			break;
		}
	}
	mutex_unlock(&timer->events->lock);
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	struct events *events = timer->events;
	bool wake;

	mutex_lock(&events->lock);
	timer->deadline = deadline;
	wake = deadline < events->sleeping_until;
	if (wake)
		events->sleeping_until = 0;
	mutex_unlock(&events->lock);
	if (wake)
		events_wake(events);
}

void timer_stop(struct timer *timer)
{
	timer_set(timer, TIMER_NEVER);
}

void watch_add(struct events *events, struct watch *watch)
{
	watch->next = events->watches;
	events->watches = watch;
}

void watch_remove(struct events *events, struct watch *watch)
{
	for (struct watch **p = &events->watches; *p; p = &(*p)->next) {
		if (*p == watch) {
			*p = watch->next;
			return;
		}
	}
}

/* The timer's deadline is read again under its own lock: its device may have moved it. */
static void fire_if_due(struct timer *timer, uint64_t now)
{
	bool due;

	mutex_lock(timer->lock);
	mutex_lock(&timer->events->lock);
	due = timer->deadline <= now;
	if (due)
		timer->deadline = TIMER_NEVER;
	mutex_unlock(&timer->events->lock);
	if (due)
		timer->fire(timer->arg);
	mutex_unlock(timer->lock);
}

static struct timer *first_due(struct events *events, uint64_t now)
{
	struct timer *due = NULL;

	for (struct timer *t = events->timers; t; t = t->next) {
		if (t->deadline <= now && (!due || t->deadline < due->deadline))
			due = t;
	}
	return due;
}

static uint64_t next_deadline(struct events *events)
{
	uint64_t next = TIMER_NEVER;

	for (struct timer *t = events->timers; t; t = t->next) {
		if (t->deadline < next)
			next = t->deadline;
	}
	return next;
}

/* Fires what is due. False: time to quit; otherwise *until is when the next timer is. */
static bool run_timers(struct events *events, uint64_t *until)
{
	for (;;) {
		uint64_t now = events_now();
		struct timer *due;
		bool quit;

		mutex_lock(&events->lock);
		quit = events->quit;
		events->quit = false;
		due = quit ? NULL : first_due(events, now);
		if (!due)
			*until = events->sleeping_until = next_deadline(events);
		mutex_unlock(&events->lock);
		if (quit)
			return false;
		if (!due)
			return true;
		fire_if_due(due, now);
	}
}

static void drain_wake(struct events *events)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(events->wake_fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
}

static void poll_until(struct events *events, uint64_t until)
{
	struct pollfd fds[POLL_MAX] = { { .fd = events->wake_fd, .events = POLLIN } };
	struct watch *watches[POLL_MAX];
	struct timespec timeout = { 0 };
	uint64_t now = events_now();
	unsigned n = 1;

	for (struct watch *w = events->watches; w && n < POLL_MAX; w = w->next) {
		if (w->fd < 0 || !w->wanted)
			continue;
		watches[n] = w;
		fds[n++] = (struct pollfd){ .fd = w->fd, .events = w->wanted };
	}
	if (until > now) {
		timeout.tv_sec = (time_t)((until - now) / 1000000000);
		timeout.tv_nsec = (long)((until - now) % 1000000000);
	}
	if (ppoll(fds, n, until == TIMER_NEVER ? NULL : &timeout, NULL) < 0)
		return;
	mutex_lock(&events->lock);
	events->sleeping_until = 0;
	mutex_unlock(&events->lock);
	if (fds[0].revents)
		drain_wake(events);
	for (unsigned i = 1; i < n; i++) {
		/* A callback before may have closed or removed it. */
		if (fds[i].revents && watches[i]->fd == fds[i].fd)
			watches[i]->ready(watches[i]->arg, fds[i].revents);
	}
}

void events_run(struct events *events)
{
	uint64_t until;

	while (run_timers(events, &until))
		poll_until(events, until);
}
