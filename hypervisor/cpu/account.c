// SPDX-License-Identifier: GPL-2.0-or-later
// A CPU writes its times alone: the ticks, then the new kind, then `since`. A reader goes the other
// way; what it has read belongs together when the ticks add up to `since`.
#include "cpu/account.h"

_Static_assert(ARRAY_SIZE(((struct cpu_account_state *)0)->tsc) == CPU_TIME_COUNT, "one per kind");

void cpu_account_start(void)
{
	uint64_t now = __builtin_ia32_rdtsc();

	this_cpu()->account = (struct cpu_account_state){
		.start = now,
		.since = now,
		.kind = CPU_TIME_KERNEL,
	};
}

void cpu_account_read(cpu_id_t cpu, uint64_t tsc[CPU_TIME_COUNT])
{
	const struct cpu_account_state *a = &cpu_get(cpu)->account;
	uint64_t since, now, sum;
	uint32_t kind;

	do {
		since = __atomic_load_n(&a->since, __ATOMIC_ACQUIRE);
		kind = __atomic_load_n(&a->kind, __ATOMIC_ACQUIRE);
		sum = a->start;
		for (unsigned i = 0; i < CPU_TIME_COUNT; i++) {
			tsc[i] = READ_ONCE(a->tsc[i]);
			sum += tsc[i];
		}
	} while (sum != since);
	now = __builtin_ia32_rdtsc();
	/* Another CPU's TSC may be a little ahead of this one's. */
	if (now > since)
		tsc[kind] += now - since;
}
