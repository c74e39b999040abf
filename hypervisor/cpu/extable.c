// SPDX-License-Identifier: GPL-2.0-or-later
// The rows are few (a dozen) and a fault that nobody can resolve is rare: they are searched one by
// one. The linker gathers them from all object files, in no particular order.
#include "cpu/extable.h"

extern const struct extable_row extable_start[], extable_end[]; /* boot/kernel.ld */

static const struct extable_row *find(uint64_t rip)
{
	for (const struct extable_row *row = extable_start; row < extable_end; row++) {
		if (row->from == rip)
			return row;
	}
	return NULL;
}

bool extable_has(uint64_t rip)
{
	return find(rip) != NULL;
}

bool extable_fix(struct trap_frame *frame)
{
	const struct extable_row *row = find(frame->rip);

	if (!row)
		return false;
	frame->rip = row->to;
	return true;
}
