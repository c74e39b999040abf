// SPDX-License-Identifier: GPL-2.0-or-later
// kvmclock: set up on each CPU, read by the published formula; it goes forward on each CPU and over
// all CPUs, at the rate of the PM timer, and the wall clock is plausible. Without KVM's leaves
// there is nothing to check but that.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "clock";

#define MSR_WALL_CLOCK  0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01

struct vcpu_time {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad[2];
} __packed;
_Static_assert(sizeof(struct vcpu_time) == 32, "pvclock_vcpu_time_info");

struct wall_clock {
	uint32_t version, sec, nsec;
} __packed;

static volatile struct vcpu_time times[CPUS_MAX] __aligned(64);
static volatile struct wall_clock wall __aligned(64);
static volatile uint64_t newest;
static volatile uint64_t went_back, own_went_back;

static uint64_t now(void)
{
	const volatile struct vcpu_time *t = &times[this_cpu()->id];
	uint64_t delta, ns;
	uint32_t version;

	do {
		version = t->version & ~1u;
		barrier();
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift >= 0 ? delta << t->tsc_shift : delta >> -t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		barrier();
	} while (t->version != version);
	return ns;
}

static void start_clock(void *arg)
{
	(void)arg;
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&times[this_cpu()->id] | 1);
}

/*
 * Over all CPUs: what another CPU has published before I read is not newer than what I read - as
 * Linux does, unless the host says that the TSCs are in step, through a maximum that all keep.
 */
static void watch(void *arg)
{
	uint64_t own = 0;

	(void)arg;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t last = newest, t = now();

		if (t < own)
			__atomic_add_fetch(&own_went_back, 1, __ATOMIC_SEQ_CST);
		own = t;
		if (t < last && times[this_cpu()->id].flags & 1)
			__atomic_add_fetch(&went_back, 1, __ATOMIC_SEQ_CST);
		while (t > last && !__atomic_compare_exchange_n(&newest, &last, t, false,
								__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			cpu_pause();
		if (i % 1000 == 0)
			cpuid(0, 0);
	}
}

static void test_rate(void)
{
	uint32_t start = inl(PM_TIMER) & 0xffffff;
	uint64_t ns = now(), pm_ns;

	delay_us(200000);
	ns = now() - ns;
	pm_ns = (uint64_t)((inl(PM_TIMER) - start) & 0xffffff) * 1000000000 / PM_TIMER_HZ;
	check(ns * 10 >= pm_ns * 9 && ns * 10 <= pm_ns * 11, "clock-rate",
	      "%lu ns, PM timer %lu ns", ns, pm_ns);
}

static void test_wall(void)
{
	wrmsr(MSR_WALL_CLOCK, (uintptr_t)&wall);
	CHECK_EQ("wall-version", wall.version & 1, 0);
	check(wall.sec > 1577836800u, "wall-clock", "%u s", wall.sec);
	check(wall.nsec < 1000000000u, "wall-nanoseconds", "%u", wall.nsec);
}

void guest_main(void)
{
	uint32_t base;
	unsigned nr;

	if (!check(kvm_leaves(&base) || !option("hypervisor", 0), "leaves", "no KVM signature") ||
	    !kvm_leaves(&base))
		return;
	nr = smp_start(machine.nr_cpus);
	CHECK_EQ("start", nr, machine.nr_cpus);
	start_clock(NULL);
	check(times[0].tsc_to_system_mul != 0, "clock-on", "no scale");
	CHECK_EQ("clock-version-even", times[0].version & 1, 0);
	for (unsigned i = 1; i < nr; i++) {
		cpu_run(i, start_clock, NULL);
		cpu_wait(i);
	}
	test_rate();
	test_wall();
	for (unsigned i = 1; i < nr; i++)
		cpu_run(i, watch, NULL);
	watch(NULL);
	for (unsigned i = 1; i < nr; i++)
		cpu_wait(i);
	CHECK_EQ("clock-forward", own_went_back, 0);
	CHECK_EQ("clock-forward-all", went_back, 0);
}
