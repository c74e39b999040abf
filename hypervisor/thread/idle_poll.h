/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long an idle CPU looks for work before it halts. Halting and being woken by an IPI costs more
 * than a short look, but only if work comes within it: so the time grows while work comes soon
 * after halting, and shrinks to nothing while it does not.
 *
 * Pure policy, one per CPU; no locks.
 */
#pragma once

#include "lib/types.h"

#define IDLE_POLL_MAX_NS   200000u /* unless the command line says otherwise */
#define IDLE_POLL_FIRST_NS 10000u

struct idle_poll {
	uint64_t ns;     /* look for so long; 0: halt at once */
	uint64_t hits;   /* work came while looking */
	uint64_t misses; /* had to halt */
};

/* Work came after `idle_ns`; `halted`: the CPU had halted by then. */
void idle_poll_done(struct idle_poll *p, uint64_t idle_ns, bool halted, uint64_t max_ns);
