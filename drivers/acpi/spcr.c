// SPDX-License-Identifier: GPL-2.0-or-later
// "Serial Port Console Redirection Table" (Microsoft's specification): where firmware has its
// console. Only the 16550 family in I/O space is taken; anything else costs one line.
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* Registers of a 16550. */
#define UART_PORTS 8

static bool is_16550(const struct acpi_raw_spcr *t)
{
	return t->interface == ACPI_SPCR_16550 || t->interface == ACPI_SPCR_16450 ||
	       (t->header.revision >= 2 && t->interface == ACPI_SPCR_16550_GAS);
}

static bool baud_of(uint8_t code, uint32_t *baud)
{
	static const uint32_t rates[] = {
		[0] = 0, [3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200
	};

	if (code >= ARRAY_SIZE(rates) || (code != 0 && rates[code] == 0))
		return false;
	*baud = rates[code];
	return true;
}

void acpi_parse_spcr(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_spcr *out)
{
	struct acpi_raw_spcr t;
	char line[96];
	uint32_t baud;

	*out = (struct acpi_spcr){ .port = 0 };
	if (len < sizeof(t)) {
		acc->warn("ACPI: the SPCR is too short: left out");
		return;
	}
	memcpy(&t, table, sizeof(t));
	if (t.base.address == 0)
		return; /* firmware's console goes to no serial port */
	if (!is_16550(&t) || t.base.space != ACPI_SPACE_IO ||
	    t.base.address > UINT16_MAX + 1ull - UART_PORTS) {
		fmt_snprintf(line, sizeof(line),
			     "ACPI: the SPCR has a serial port of type %u, space %u, at %#llx: not "
			     "used",
			     t.interface, t.base.space, (unsigned long long)t.base.address);
		acc->warn(line);
		return;
	}
	if (!baud_of(t.baud, &baud)) {
		acc->warn("ACPI: the SPCR has no known baud rate: left as it is");
		baud = 0;
	}
	*out = (struct acpi_spcr){ .port = (uint16_t)t.base.address, .baud = baud };
}
