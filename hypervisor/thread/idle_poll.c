// SPDX-License-Identifier: GPL-2.0-or-later
// Doubles when a look of the greatest length would have caught what came, halves when not even that
// would have. The cost of looking in vain is at most as much as halting would have cost.
#include "thread/idle_poll.h"

void idle_poll_done(struct idle_poll *p, uint64_t idle_ns, bool halted, uint64_t max_ns)
{
	if (!halted) {
		p->hits++;
		return;
	}
	p->misses++;
	if (idle_ns <= max_ns)
		p->ns = p->ns ? p->ns * 2 : IDLE_POLL_FIRST_NS;
	else
		p->ns = p->ns / 2 < IDLE_POLL_FIRST_NS ? 0 : p->ns / 2;
	p->ns = MIN(p->ns, max_ns);
}
