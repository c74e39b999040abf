/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock of a PC (MC146818, ports 0x70 and 0x71): read once at boot, taken as UTC.
 */
#pragma once

#include "lib/types.h"

/* Its registers as they are read. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, status_b;
};

/* Seconds since 1970 of what the registers say, years 2000 to 2099; 0: no date. Pure. */
uint64_t rtc_seconds(const struct rtc_registers *r);

/* Reads the clock: seconds since 1970, 0 when there is none. Boot CPU; up to some milliseconds. */
uint64_t rtc_read(void);
