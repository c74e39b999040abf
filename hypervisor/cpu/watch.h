/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What watches over liveness (lock/lock_stall.c, thread/watchdog.c) shares: how long is too long,
 * and the line that says so. A report is a line that begins with `watchdog:` and backtraces behind
 * it, by the kernel's log; nothing is done about it. Any context.
 */
#pragma once

#include "lib/types.h"

enum watch_kind {
	WATCH_CPU,  /* a CPU does not schedule */
	WATCH_LOCK, /* a lock is held too long */
	WATCH_CALL, /* a system call does not return */
};

#define WATCH_LIMIT_NS 10000000000ull /* unless the command line says otherwise */

/* ns; 0: nothing is watched. */
uint64_t watch_limit(void);
void watch_set_limit(uint64_t ns);

void watch_report(enum watch_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For self-tests: is told of each report as well; NULL: nobody. */
void watch_set_hook(void (*hook)(enum watch_kind kind, const char *text));
