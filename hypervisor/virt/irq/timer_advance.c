// SPDX-License-Identifier: GPL-2.0-or-later
// A quarter of what was missing is added, an eighth of what was too much taken off: each comes to
// rest, and where the way's length varies most interrupts are in time.
#include "virt/irq/timer_advance.h"

void timer_advance_learn(struct timer_advance *a, int64_t late)
{
	/* Not the way's length: the CPU was another's, or the VMM had the vCPU. */
	if (late > TIMER_ADVANCE_MAX || late < -TIMER_ADVANCE_MAX)
		return;
	if (late > 0)
		a->ticks = (uint32_t)MIN(a->ticks + (late + 3) / 4, TIMER_ADVANCE_MAX);
	else
		a->ticks -= (uint32_t)MIN(-late / 8, (int64_t)a->ticks);
}
