/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event thread: timers of the devices, and file descriptors to watch.
 *
 * Contract: times are CLOCK_MONOTONIC nanoseconds (events_now). Callbacks run in the event thread
 * with no lock of this module held; a timer's callback first takes the timer's `lock`, and is not
 * called when the timer was stopped or moved before that. timer_set and timer_stop may be called by
 * any thread that holds the timer's lock. Watches are only touched by the event thread itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/lock.h"

#define TIMER_NEVER UINT64_MAX

struct events;

/* Locks: [I] immutable after timer_init  [e] events' lock */
struct timer {
	struct events *events;   /* [I] */
	struct mutex *lock;      /* [I] the device's */
	void (*fire)(void *arg); /* [I] called with `lock` held */
	void *arg;               /* [I] */
	struct timer *next;      /* [e] */
	uint64_t deadline;       /* [e] TIMER_NEVER: not set */
};

struct watch {
	int fd;       /* -1: not watched */
	short wanted; /* POLLIN | POLLOUT; 0: not watched */
	void (*ready)(void *arg, short revents);
	void *arg;
	struct watch *next;
};

/* Locks: [I] immutable after events_init  [l] lock  [t] event thread only */
struct events {
	struct mutex lock;
	struct timer *timers;    /* [l] in no order */
	struct watch *watches;   /* [t] */
	int wake_fd;             /* [I] eventfd */
	bool quit;               /* [l] */
	uint64_t sleeping_until; /* [l] 0: awake */
};

/* 0 or a negative errno. */
int events_init(struct events *events);
/* Closes the eventfd; timers and watches belong to their owners. */
void events_destroy(struct events *events);

/* Serve timers and watches until events_quit. */
void events_run(struct events *events);
/* Any thread: make events_run return soon, or at once when it is called next. */
void events_quit(struct events *events);
/* Any thread: make the event thread look at its watches anew. */
void events_wake(struct events *events);

uint64_t events_now(void);
/* Wall-clock time: nanoseconds since 1970. */
int64_t events_wall_time(void);

void timer_init(struct timer *timer, struct events *events, struct mutex *lock,
		void (*fire)(void *), void *arg);
void timer_set(struct timer *timer, uint64_t deadline);
void timer_stop(struct timer *timer);
/* Takes the timer out of the list; its lock need not be held; only when events_run does not run. */
void timer_remove(struct timer *timer);

/* Event thread only, or before it runs. */
void watch_add(struct events *events, struct watch *watch);
void watch_remove(struct events *events, struct watch *watch);
