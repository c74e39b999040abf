/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mutex of one word, for the locks of devices: one is taken and given back at almost each exit,
 * and nearly always free, which is decided here in a few instructions; waiting is a futex. No
 * owner, not recursive, no condition variables (those have pthread's mutex). Zeros are a free one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/types.h"

/* Locks: [a] atomic */
struct mutex {
	uint32_t state; /* [a] enum mutex_state; a futex */
};

enum mutex_state {
	MUTEX_FREE,
	MUTEX_TAKEN,
	MUTEX_WANTED /* taken, and somebody may sleep */
};

static inline void mutex_init(struct mutex *m)
{
	m->state = MUTEX_FREE;
}

void mutex_wait(struct mutex *m); /* takes it */
void mutex_wake(struct mutex *m); /* one of those that sleep */

static inline bool mutex_try(struct mutex *m)
{
	uint32_t state = MUTEX_FREE;

	return __atomic_compare_exchange_n(&m->state, &state, MUTEX_TAKEN, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void mutex_lock(struct mutex *m)
{
	if (unlikely(!mutex_try(m)))
		mutex_wait(m);
}

static inline void mutex_unlock(struct mutex *m)
{
	if (unlikely(__atomic_exchange_n(&m->state, MUTEX_FREE, __ATOMIC_RELEASE) == MUTEX_WANTED))
		mutex_wake(m);
}
