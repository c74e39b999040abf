/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread in the logical log (lock/llog.h): its number, and its own count of events. */
#pragma once

#include "lock/llog.h"
#include "thread/sched.h"

#ifdef CONFIG_LLOG
/* The next event of t, by who has it now. */
static inline uint64_t log_who(struct thread *t)
{
	return (uint32_t)t->id | (uint64_t)t->log_count++ << 32;
}
#else
static inline uint64_t log_who(const struct thread *t)
{
	return t->id;
}
#endif
