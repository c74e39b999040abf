/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions of the kernel that may fault on purpose (user memory, MSRs that may not exist), and
 *where to go on when they do.
 *
 *	__asm__ volatile("1: movl (%1), %0\n2:\n" EXTABLE(1b, 3f) ...
 *
 * Rows lie in .extable; the linker script names its ends.
 */
#pragma once

#include "cpu/intr.h"

struct extable_row {
	uint64_t from, to;
};

/* A fault of the instruction at label `from` goes on at label `to`. */
#define EXTABLE(from, to) EXTABLE_TEXT(#from, #to)

/* The same for a label of C: EXTABLE_TEXT("1b", "%l[label]") in an `asm goto`. */
#define EXTABLE_TEXT(from, to)           \
	".pushsection .extable, \"a\"\n" \
	".balign 8\n"                    \
	".quad " from ", " to "\n"       \
	".popsection\n"

/* Sets frame->rip to where to go on; false: no row for it. Any context. */
bool extable_fix(struct trap_frame *frame);
/* Is there a row for this instruction? */
bool extable_has(uint64_t rip);
