// SPDX-License-Identifier: GPL-2.0-or-later
// One function for the VMM, which sets what its VM starts with, and for the shell, which changes
// it.

#include "mgmt/lib/vm_sched.h"

#include <string.h>

struct sched_params vm_sched_params(const struct vm_config *c)
{
	struct sched_params p = {
		.set = SCHED_SET_WEIGHT | SCHED_SET_CAP | SCHED_SET_POOL | SCHED_SET_CPUS |
		       SCHED_SET_DEDICATED,
		.weight = c->weight,
		.cap = c->cap,
		.pool = c->pool,
		.dedicated = c->dedicated,
	};

	memcpy(p.cpus, c->cpus, sizeof(p.cpus));
	return p;
}
