/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much before a guest's deadline the host's timer is set: as much as the way from the host's
 * interrupt to the guest takes, so that the guest has its own in time. What comes too early waits
 * (vlapic_timer_wait); so the amount grows quickly while interrupts come late, and shrinks slowly
 * while they wait.
 *
 * Pure policy; no locks. Amounts are ticks of the guest's TSC.
 */
#pragma once

#include "lib/types.h"

/* The longest wait that a vCPU's CPU spends for one interrupt. */
#define TIMER_ADVANCE_MAX 16384

struct timer_advance {
	uint32_t ticks;
};

/* An interrupt was ready for the guest `late` ticks after its deadline; less than 0: before it. */
void timer_advance_learn(struct timer_advance *a, int64_t late);
