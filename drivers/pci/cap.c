// SPDX-License-Identifier: GPL-2.0-or-later
// The list of capabilities: a device says where the next one is, so each place is checked and
// looked at once.
#include "drivers/pci/pci.h"

#define CAPS_BEGIN 0x40u

unsigned int pci_find_cap(const struct pci_config *config, struct pci_address a, uint8_t id,
			  unsigned int after)
{
	bool behind = after == 0;
	uint64_t seen = 0; /* a bit for each word of the 256 bytes */
	unsigned int at;

	if (!(config->read(a, PCI_COMMAND) & PCI_STATUS_CAPS))
		return 0;
	at = config->read(a, PCI_CAPABILITIES) & 0xfc;
	while (at >= CAPS_BEGIN && !(seen >> at / 4 & 1)) {
		uint32_t head = config->read(a, at);

		if (behind && (uint8_t)head == id)
			return at;
		seen |= 1ull << at / 4;
		behind |= at == after;
		at = head >> 8 & 0xfc;
	}
	return 0;
}
