// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers to seconds: BCD or binary, 12 or 24 hours (MC146818, "Time, Calendar and Alarm
 * Locations"), then days by counting years and months.
 */
#include "drivers/rtc/rtc.h"

#include "lib/bits.h"

#define STATUS_B_24H    BIT(1)
#define STATUS_B_BINARY BIT(2)
#define HOUR_PM         0x80

#define DAYS_TO_2000 10957u /* from 1970 */

static unsigned number(const struct rtc_registers *r, uint8_t v)
{
	return r->status_b & STATUS_B_BINARY ? v : (v >> 4) * 10u + (v & 0xf);
}

static unsigned hour_of(const struct rtc_registers *r)
{
	unsigned hour;

	if (r->status_b & STATUS_B_24H)
		return number(r, r->hour);
	hour = number(r, r->hour & (uint8_t)~HOUR_PM);
	if (hour < 1 || hour > 12)
		return 24; /* not an hour */
	return hour % 12 + (r->hour & HOUR_PM ? 12 : 0);
}

static unsigned days_in_month(unsigned month, unsigned year)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0); /* 2000 to 2099 */
}

uint64_t rtc_seconds(const struct rtc_registers *r)
{
	unsigned year = number(r, r->year), month = number(r, r->month), day = number(r, r->day);
	unsigned hour = hour_of(r), minute = number(r, r->minute), second = number(r, r->second);
	uint64_t days = DAYS_TO_2000;

	if (year > 99 || month < 1 || month > 12 || day < 1 || day > days_in_month(month, year) ||
	    hour > 23 || minute > 59 || second > 59)
		return 0;
	days += year * 365 + (year + 3) / 4;
	for (unsigned m = 1; m < month; m++)
		days += days_in_month(m, year);
	return ((days + day - 1) * 24 + hour) * 3600 + minute * 60 + second;
}
