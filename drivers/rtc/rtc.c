// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the registers between updates, twice: two equal readings have no update in between. Each
 * wait is bounded, since a machine may have no such clock.
 */
#include "drivers/rtc/rtc.h"

#include "cpu/port.h"
#include "cpu/time.h"
#include "lib/string.h"

#define PORT_INDEX 0x70
#define PORT_DATA  0x71
#define NMI_OFF    0x80 /* bit 7 of the index port: left clear, NMIs stay on */

#define STATUS_A        0x0a
#define STATUS_A_UPDATE 0x80
#define STATUS_B        0x0b

static uint8_t read_register(uint8_t index)
{
	port_out8(PORT_INDEX, index & (uint8_t)~NMI_OFF);
	return port_in8(PORT_DATA);
}

/* An update takes 2 ms. */
static bool wait_for_update(void)
{
	for (unsigned i = 0; i < 100; i++) {
		if (!(read_register(STATUS_A) & STATUS_A_UPDATE))
			return true;
		time_delay_us(100);
	}
	return false;
}

static struct rtc_registers read_all(void)
{
	return (struct rtc_registers){ .second = read_register(0),
				       .minute = read_register(2),
				       .hour = read_register(4),
				       .day = read_register(7),
				       .month = read_register(8),
				       .year = read_register(9),
				       .status_b = read_register(STATUS_B) };
}

uint64_t rtc_read(void)
{
	for (unsigned i = 0; i < 5; i++) {
		struct rtc_registers a, b;

		if (!wait_for_update())
			return 0;
		a = read_all();
		b = read_all();
		if (memcmp(&a, &b, sizeof(a)) == 0)
			return rtc_seconds(&a);
	}
	return 0;
}
