// SPDX-License-Identifier: GPL-2.0-or-later
// Time goes on, never back, and durations convert there and back.
#include "cpu/selftest.h"
#include "cpu/time.h"

SELFTEST(time_never_goes_back)
{
	uint64_t first = time_now(), last = first;

	for (int i = 0; i < 10000; i++) {
		uint64_t now = time_now();

		SELFTEST_CHECK(now >= last);
		last = now;
	}
	SELFTEST_CHECK(last > first);
}

SELFTEST(time_delay_takes_its_time)
{
	uint64_t before = time_now();

	time_delay_us(1000);
	SELFTEST_CHECK(time_now() - before >= 999000);
}

SELFTEST(time_converts_both_ways)
{
	SELFTEST_CHECK(time_tsc_khz() > 1000);
	for (uint64_t ns = 1000; ns < 1000000000000000ull; ns *= 10) {
		uint64_t back = time_tsc_to_ns(time_ns_to_tsc(ns));
		uint64_t off = back > ns ? back - ns : ns - back;

		SELFTEST_CHECK(off <= ns / 100000 + 1000);
	}
}
