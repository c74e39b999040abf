/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debug image's checks of locks, called by lock.c alone. In the release image they are nothing.
 */
#pragma once

#include "lock/lock.h"

#ifdef CONFIG_DEBUG
void lock_debug_before(const struct lock *l); /* about to wait */
void lock_debug_taken(struct lock *l);
void lock_debug_release(struct lock *l);

/* For self-tests: misuse calls this instead of panic; NULL: panics again. The operation then goes
 * on. */
void lock_debug_set_hook(void (*hook)(const char *what));
#else
static inline void lock_debug_before(const struct lock *l)
{
	(void)l;
}

static inline void lock_debug_taken(struct lock *l)
{
	(void)l;
}

static inline void lock_debug_release(struct lock *l)
{
	(void)l;
}
#endif
