/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says so when a lock is waited for too long: which, who holds it (debug image), and where both
 * are. For the loops that wait for a lock, one step each time round.
 */
#pragma once

#include "lock/lock.h"

struct lock_wait {
	uint32_t steps;
	bool told;
	uint64_t since; /* ns; 0: not long yet */
};

void lock_wait_long(const struct lock *l, struct lock_wait *w);

static inline void lock_wait_step(const struct lock *l, struct lock_wait *w)
{
	cpu_relax();
	if (unlikely(++w->steps % 65536 == 0))
		lock_wait_long(l, w);
}
