// SPDX-License-Identifier: GPL-2.0-or-later
// time_arm() by the best timer there is: the TSC deadline, else the APIC's one-shot counter, whose
// rate the boot CPU measures against the TSC. The counter has 32 bits, so a far deadline fires
// early; whoever handles VECTOR_TIMER arms again for what is not due yet.
#include "cpu/lapic_timer.h"

#include "cpu/cpu.h"
#include "cpu/intr.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"

#define REG_LVT_TIMER 0x320
#define REG_INITIAL   0x380
#define REG_CURRENT   0x390
#define REG_DIVIDE    0x3e0

#define LVT_MASKED   (1u << 16)
#define LVT_ONE_SHOT 0u
#define LVT_DEADLINE (2u << 17)
#define DIVIDE_BY_1  0xb

#define MSR_TSC_DEADLINE     0x6e0
#define CPUID_1_ECX_DEADLINE (1u << 24)
#define MEASURE_NS           10000000ull

/* [I] after the boot CPU's lapic_timer_init */
static struct {
	bool known;
	bool deadline;   /* TSC deadline mode */
	uint64_t hz;     /* one-shot: counts per second */
	uint64_t max_ns; /* one-shot: the longest that 32 bits hold */
} timer;

static uint64_t measure(void)
{
	uint64_t ticks = time_ns_to_tsc(MEASURE_NS), begin, now;
	uint32_t left;

	lapic_write(REG_INITIAL, UINT32_MAX);
	begin = time_tsc();
	do
		now = time_tsc();
	while (now - begin < ticks);
	left = lapic_read(REG_CURRENT);
	lapic_write(REG_INITIAL, 0);
	return (uint64_t)(UINT32_MAX - left) * 1000000000ull / time_tsc_to_ns(now - begin);
}

static void choose(void)
{
	timer.known = true;
	timer.deadline = cpuid(1, 0).ecx & CPUID_1_ECX_DEADLINE;
	if (timer.deadline)
		return;
	lapic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	timer.hz = measure();
	if (!timer.hz)
		fatal("the local APIC's timer does not count");
	timer.max_ns = (uint64_t)UINT32_MAX * 1000000000ull / timer.hz;
	log_info("local APIC timer: %llu kHz", (unsigned long long)timer.hz / 1000);
}

void lapic_timer_init(void)
{
	lapic_write(REG_DIVIDE, DIVIDE_BY_1);
	if (!timer.known)
		choose();
	lapic_write(REG_LVT_TIMER, VECTOR_TIMER | (timer.deadline ? LVT_DEADLINE : LVT_ONE_SHOT));
	/* Entering the mode and the first deadline must not change places: SDM 3A, "TSC-Deadline
	 * Mode". */
	__asm__ volatile("mfence" : : : "memory");
	time_arm(UINT64_MAX);
}

static uint32_t counts(uint64_t deadline_ns)
{
	uint64_t now = time_now(), ns = deadline_ns > now ? deadline_ns - now : 0;
	uint64_t n;

	if (ns >= timer.max_ns)
		return UINT32_MAX;
	n = (uint64_t)((unsigned __int128)(ns * timer.hz) / 1000000000u) + 1;
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void time_arm(uint64_t deadline_ns)
{
	bool none = deadline_ns == UINT64_MAX;

	if (timer.deadline)
		msr_write(MSR_TSC_DEADLINE, none ? 0 : time_at(deadline_ns));
	else
		lapic_write(REG_INITIAL, none ? 0 : counts(deadline_ns));
}
