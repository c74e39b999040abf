/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where code is: return addresses along the frame pointers, of this CPU, of a stack, or of another
 * CPU, which an NMI asks whatever it is doing.
 *
 * Locks: one CPU at a time asks another (atomics, no waiting).
 */
#pragma once

#include "cpu/cpu.h"

#define BACKTRACE_MAX 24

struct backtrace {
	unsigned n;
	uint64_t rip[BACKTRACE_MAX]; /* innermost first */
};

/*
 * From rip and frame pointer rbp on, as long as frames lie in [low, high) and go up. Whatever is
 * in the stack, only memory in that range is read, which must be mapped. Any context.
 */
void backtrace_walk(struct backtrace *b, uint64_t rip, uint64_t rbp, uint64_t low, uint64_t high);

/*
 * Another CPU's. false: it did not answer within a moment (it is in a guest's session, or not
 * there), or somebody is asking at the same time. Any context that may spin for half a second.
 */
bool backtrace_of_cpu(cpu_id_t cpu, struct backtrace *b);

/* One line of the log for each. */
void backtrace_log(const struct backtrace *b);

/* Boot CPU, once: NMIs are understood from here on. */
void backtrace_init(void);
