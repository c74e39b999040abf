/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: the TSC, calibrated once at boot, synchronous on all CPUs or offset per CPU by cpu/.
 * Contract: time_now() never goes back on one CPU. Any context.
 */
#pragma once

#include "lib/types.h"

struct time_ref;

/* Boot CPU, once: calibrates by the first of the references (cpu/time_ref.h) that counts. */
void time_init(const struct time_ref *refs, unsigned n);
uint32_t time_tsc_khz(void);
uint64_t time_tsc(void);              /* RDTSC */
uint64_t time_now(void);              /* nanoseconds since boot */
uint64_t time_ns_to_tsc(uint64_t ns); /* a duration */
uint64_t time_tsc_to_ns(uint64_t ticks);

uint64_t time_of(uint64_t tsc); /* time_now() at that TSC value; 0 before boot's end */
uint64_t time_at(uint64_t ns);  /* TSC value at which time_now() is ns */

/*
 * Arms this CPU's one-shot timer for an absolute time_now() value (UINT64_MAX: none): VECTOR_TIMER
 * comes then, at once for the past. It may come early when the deadline is seconds away: the
 * handler looks at the clock and arms again.
 */
void time_arm(uint64_t deadline_ns);

/* Time of day: nanoseconds since 1970 when time_now() was 0; 0: not known. Set once, by boot. */
void time_set_epoch(uint64_t ns);
uint64_t time_epoch(void);

/* Busy-waits; boot only. */
void time_delay_us(unsigned us);
