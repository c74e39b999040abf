/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Lets a long job say how far it is, without knowing to whom. No locks; any context that the job
 * has. */
#include "lib/types.h"

struct progress {
	void (*tell)(void *arg, size_t done); /* now and then; never more than the job's size */
	void *arg;
	size_t before; /* what parts of a whole that are done already amount to */
};

/* A job has dealt with `done` units of its own. p NULL: nobody asks. */
static inline void progress_tell(const struct progress *p, size_t done)
{
	if (p != NULL)
		p->tell(p->arg, p->before + done);
}
