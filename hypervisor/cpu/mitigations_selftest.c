// SPDX-License-Identifier: GPL-2.0-or-later
// Whether what was decided is what each CPU does: the way in from ring 3 that it uses, and barriers
// that are counted. What the MSRs hold cannot be asked on an emulator without them.
#include "cpu/lapic.h"
#include "cpu/mitigations.h"
#include "cpu/msr.h"
#include "cpu/selftest.h"
#include "lib/string.h"

extern const char entry_syscall[], entry_syscall_mitigated[];
extern const char intr_stubs[256][16], intr_stubs_mitigated[256][16];

struct __packed idtr {
	uint16_t limit;
	uint64_t base;
};

/* Address in the gate of a vector: AMD APM 2, "Long-Mode Gate Descriptors". */
static uint64_t gate(unsigned vector)
{
	struct idtr idtr;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	const uint8_t *g = (const uint8_t *)idtr.base + (size_t)vector * 16;
	uint16_t low, mid;
	uint32_t high;

	memcpy(&low, g, 2);
	memcpy(&mid, g + 6, 2);
	memcpy(&high, g + 8, 4);
	return (uint64_t)high << 32 | (uint64_t)mid << 16 | low;
}

static void check_entries(void *failed)
{
	bool mitigated = mitigations_use(MIT_RING3);
	uint64_t syscall = (uint64_t)(mitigated ? entry_syscall_mitigated : entry_syscall);
	const char(*stubs)[16] = mitigated ? intr_stubs_mitigated : intr_stubs;
	bool good = msr_read(MSR_LSTAR) == syscall;

	for (unsigned v = 0; v < 256; v++)
		good = good && gate(v) == (uint64_t)stubs[v];
	if (!good)
		__atomic_store_n((bool *)failed, true, __ATOMIC_SEQ_CST);
}

SELFTEST(mitigations_entries_on_all_cpus)
{
	struct cpu_set all = { 0 };
	bool failed = false;

	cpu_for_each (id) {
		cpu_set_add(&all, id);
		SELFTEST_CHECK(strcmp(mitigations_text(id), mitigations.text) == 0);
	}
	ipi_call(&all, check_entries, &failed);
	SELFTEST_CHECK(!failed);
}

static __noinline unsigned deep(unsigned n)
{
	volatile unsigned here = n;

	if (n == 0)
		mitigations_fill_rsb();
	else
		here += deep(n - 1);
	return here;
}

/* The predictor is wrong about every return from here, and they all come back. */
SELFTEST(mitigations_fill_rsb_returns)
{
	SELFTEST_CHECK(deep(60) == 60 * 61 / 2);
}

SELFTEST(mitigations_barriers_are_counted)
{
	uint64_t before = mitigations_barriers();

	if (!mitigations_use(MIT_IBPB_ON_AS_SWITCH))
		return;
	mitigations_barrier();
	SELFTEST_CHECK(mitigations_barriers() == before + 1);
}
