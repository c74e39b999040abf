/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between log.c, trace.c and panic.c: what a panic may use. No locks. */
#pragma once

#include "lib/types.h"

/* Gives text to every sink as it is, past the ring and its lock. */
void log_emit(const char *text);

/* Terminals get again what is emitted, after the lines that whoever took the log over has not seen.
 */
void log_last_words(void);

#define TRACE_SHOWN 16
struct trace_entry {
	uint64_t tsc, a, b;
	const char *what;
};
/* The entry `back` places before this CPU's newest. False: there are not that many. */
bool trace_get(unsigned back, struct trace_entry *out);
