// SPDX-License-Identifier: GPL-2.0-or-later
// The clock's registers as a date, against the C library.
// TEST-WITH: drivers/rtc/rtc_date.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>
#include "drivers/rtc/rtc.h"

static uint8_t bcd(int n)
{
	return (uint8_t)(n / 10 << 4 | n % 10);
}

/* Every 7th hour or so of a hundred years, in each of the four forms. */
static void test_all_dates(void **state)
{
	(void)state;
	for (time_t t = 946684800; t < 4102444800; t += 25200 + 3661) {
		struct tm tm;
		struct rtc_registers r;
		int hour12;

		gmtime_r(&t, &tm);
		hour12 = tm.tm_hour % 12 ? tm.tm_hour % 12 : 12;
		r = (struct rtc_registers){ bcd(tm.tm_sec),
					    bcd(tm.tm_min),
					    bcd(tm.tm_hour),
					    bcd(tm.tm_mday),
					    bcd(tm.tm_mon + 1),
					    bcd(tm.tm_year - 100),
					    2 };
		assert_int_equal(rtc_seconds(&r), t);
		r.status_b = 0;
		r.hour = (uint8_t)(bcd(hour12) | (tm.tm_hour >= 12 ? 0x80 : 0));
		assert_int_equal(rtc_seconds(&r), t);
		r = (struct rtc_registers){ (uint8_t)tm.tm_sec,
					    (uint8_t)tm.tm_min,
					    (uint8_t)tm.tm_hour,
					    (uint8_t)tm.tm_mday,
					    (uint8_t)(tm.tm_mon + 1),
					    (uint8_t)(tm.tm_year - 100),
					    6 };
		assert_int_equal(rtc_seconds(&r), t);
		r.status_b = 4;
		r.hour = (uint8_t)(hour12 | (tm.tm_hour >= 12 ? 0x80 : 0));
		assert_int_equal(rtc_seconds(&r), t);
	}
}

static void test_no_date(void **state)
{
	static const struct rtc_registers no[] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, /* no clock */
		{ 0 },
		{ 0, 0, 0, 0x31, 4, 0x26, 2 }, /* 31 April */
		{ 0, 0, 0, 0x29, 2, 0x26, 2 }, /* 29 February of no leap year */
		{ 0x60, 0, 0, 1, 1, 0x26, 2 },
		{ 0, 0x60, 0, 1, 1, 0x26, 2 },
		{ 0, 0, 0x24, 1, 1, 0x26, 2 },
		{ 0, 0, 0, 1, 1, 0x26, 0 }, /* hour 0 of 12 */
		{ 0, 0, 0x13, 1, 1, 0x26, 0 },
		{ 0, 0, 0, 1, 0x13, 0x26, 2 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
		assert_int_equal(rtc_seconds(&no[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_dates),
		cmocka_unit_test(test_no_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
