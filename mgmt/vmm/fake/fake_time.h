/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that only moves when a test says so, in the place of events.c. */
#pragma once

#include "vmm/events.h"

/* Nanoseconds of events_now; events_wall_time is this plus fake_wall. */
extern uint64_t fake_now;
extern int64_t fake_wall;
/* So many nanoseconds pass with each look at events_now; 0 at first. Fires no timer. */
extern uint64_t fake_look;

/* Moves time on, firing timers when they are due and in order. */
void fake_time_advance(uint64_t ns);
