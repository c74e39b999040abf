// SPDX-License-Identifier: GPL-2.0-or-later
// A ring per CPU, written by that CPU alone; an interrupt in between takes the next place. Old
// entries are overwritten.
#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/log_private.h"

#define ENTRIES 128

/* Locks: [o] owner CPU only */
struct trace_ring {
	uint64_t next;                       /* [o] */
	struct trace_entry entries[ENTRIES]; /* [o] */
};
DEFINE_CPU_PRIVATE(struct trace_ring, trace);

void trace_event(const char *what, uint64_t a, uint64_t b)
{
	struct trace_ring *r = cpu_private(trace);
	struct trace_entry *e = &r->entries[r->next++ % ENTRIES];

	*e = (struct trace_entry){ .tsc = __builtin_ia32_rdtsc(), .a = a, .b = b, .what = what };
}

bool trace_get(unsigned back, struct trace_entry *out)
{
	const struct trace_ring *r = cpu_private(trace);

	if (back >= ENTRIES || back >= r->next)
		return false;
	*out = r->entries[(r->next - 1 - back) % ENTRIES];
	return true;
}
