/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The liveness watchdog: names a CPU that does not schedule and a system call that does not return,
 * with backtraces, once each time it happens. (lock/lock_stall.h names locks.) A guest that runs
 * for ever and a call that sleeps interruptibly are nobody's fault.
 *
 * Two threads look a few times within the limit (cpu/watch.h): one on CPU 0 at all others, one on
 * another CPU at CPU 0. With one CPU nobody sees it stand still.
 */
#pragma once

#include "lib/types.h"

/* Once all CPUs run; limit in ns, 0: not yet. A second time it only sets the limit. Thread context,
 * by boot's thread. */
void watchdog_start(uint64_t limit);
/* Another limit from now on. */
void watchdog_set_limit(uint64_t limit);
