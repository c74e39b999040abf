/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: counters that anyone may signal and one wait collects (Linux' eventfd), and timers that
 * are such counters (timerfd). virt/ signals the former from doorbells.
 */
#pragma once

#include "proc/object.h"

#define EVENT_SEMAPHORE 1u /* a read takes one, not all */

extern const struct object_ops event_ops;
extern const struct object_ops timerfd_ops;

/* One reference for the caller; NULL: quota or memory. */
struct object *event_create(struct container *c, uint64_t value, unsigned int flags);
/* Adds to the counter, which stops short of its limit. Any context, the lock order permitting
 * (LOCK_RANK_OBJECT). */
void event_signal(struct object *event, uint64_t n);

struct object *timerfd_create(struct container *c, bool realtime);
/* First expiry in ns from now or as absolute time_now() (0: disarms) and interval (0: once). */
void timerfd_arm(struct object *timer, uint64_t deadline, uint64_t interval);
/* Time until the next expiry (0: not armed) and the interval, in ns. */
void timerfd_get(struct object *timer, uint64_t *left, uint64_t *interval);
bool timerfd_is_realtime(const struct object *timer);
