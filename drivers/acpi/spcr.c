// SPDX-License-Identifier: GPL-2.0-or-later
// "Serial Port Console Redirection Table" (Microsoft's specification): where firmware has its
// console. Only the 16550 family is taken; anything else costs one line. The clock of one that is
// in memory, or on a PCI card, is not known: it keeps the rate that firmware has set.
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define UART_REGISTERS 8u
#define PAGE_BYTES     4096u /* they stay within one */

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

/*
 * "Generic Address Structure": the bit width is the distance of the registers, the access size how
 * each is reached; firmware that leaves out one of them means that both are the same. False: a
 * shape that no 16550 has.
 */
static bool shape_of(const struct acpi_raw_gas *gas, struct acpi_spcr *out)
{
	static const uint8_t accesses[] = { 0, 1, 2, 4 };
	unsigned int bytes = MAX(gas->bit_width / 8u, 1u);

	if (gas->access_size >= ARRAY_SIZE(accesses) || gas->bit_offset != 0 ||
	    gas->bit_width % 8 != 0 || !is_pow2(bytes) || bytes > 4)
		return false;
	out->width = gas->access_size != 0 ? accesses[gas->access_size] : (uint8_t)bytes;
	out->stride = MAX((uint8_t)bytes, out->width);
	return true;
}

static bool place_of(const struct acpi_raw_gas *gas, struct acpi_spcr *out)
{
	uint64_t at = gas->address;

	if (gas->space == ACPI_SPACE_IO && at <= UINT16_MAX + 1ull - UART_REGISTERS) {
		out->port = (uint16_t)at;
		return true;
	}
	if (gas->space != ACPI_SPACE_MEMORY || !shape_of(gas, out) || at % out->width != 0 ||
	    at % PAGE_BYTES > PAGE_BYTES - UART_REGISTERS * out->stride)
		return false;
	out->memory = at;
	return true;
}

/* Is the rate a divisor of the clock that every PC's port has? */
static bool clock_known(const struct acpi_raw_spcr *t)
{
	return t->base.space == ACPI_SPACE_IO && t->pci_vendor == ACPI_SPCR_NOT_PCI;
}

static void set_baud(const struct acpi_access *acc, const struct acpi_raw_spcr *t,
		     struct acpi_spcr *out)
{
	if (!clock_known(t))
		return;
	if (!baud_of(t->baud, &out->baud))
		acc->warn("ACPI: the SPCR has no known baud rate: left as it is");
}

void acpi_parse_spcr(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_spcr *out)
{
	struct acpi_spcr found = { .port = 0 };
	struct acpi_raw_spcr t;
	char line[128];

	*out = found;
	if (len < sizeof(t)) {
		acc->warn("ACPI: the SPCR is too short: left out");
		return;
	}
	memcpy(&t, table, sizeof(t));
	if (t.base.address == 0)
		return; /* firmware's console goes to no serial port */
	if (!is_16550(&t) || !place_of(&t.base, &found)) {
		fmt_snprintf(line, sizeof(line),
			     "ACPI: the SPCR has a serial port of type %u, space %u, %u bits, "
			     "access %u, at %#llx: not used",
			     t.interface, t.base.space, t.base.bit_width, t.base.access_size,
			     (unsigned long long)t.base.address);
		acc->warn(line);
		return;
	}
	set_baud(acc, &t, &found);
	*out = found;
}
