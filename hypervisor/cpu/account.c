// SPDX-License-Identifier: GPL-2.0-or-later
// A CPU writes its times alone: a change of kind adds the TSC to the old one's ticks and takes it
// from the new one's. So the one that runs is below 0, and what a reader has read belongs together
// when all add up with the start to 0.
#include "cpu/account.h"

_Static_assert(ARRAY_SIZE(((struct cpu_account_state *)0)->tsc) == CPU_TIME_COUNT, "one per kind");

void cpu_account_start(void)
{
	uint64_t now = __builtin_ia32_rdtsc();

	this_cpu()->account = (struct cpu_account_state){
		.start = now,
		.since = now,
		.tsc[CPU_TIME_KERNEL] = -now,
		.kind = CPU_TIME_KERNEL,
	};
}

/* False: a change came between. */
static bool try_read(const struct cpu_account_state *a, uint64_t tsc[CPU_TIME_COUNT])
{
	uint64_t since = __atomic_load_n(&a->since, __ATOMIC_ACQUIRE), sum = a->start, now;
	unsigned runs = 0;

	for (unsigned i = 0; i < CPU_TIME_COUNT; i++) {
		tsc[i] = __atomic_load_n(&a->tsc[i], __ATOMIC_ACQUIRE);
		sum += tsc[i];
		if ((int64_t)tsc[i] < 0)
			runs = i;
	}
	if (sum != 0 || since != __atomic_load_n(&a->since, __ATOMIC_ACQUIRE))
		return false;
	/* Another CPU's TSC may be a little ahead of this one's. */
	now = MAX(__builtin_ia32_rdtsc(), since);
	tsc[runs] += now;
	return (int64_t)tsc[runs] >= 0;
}

void cpu_account_read(cpu_id_t cpu, uint64_t tsc[CPU_TIME_COUNT])
{
	while (!try_read(&cpu_get(cpu)->account, tsc))
		cpu_relax();
}
