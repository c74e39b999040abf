// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzz target: the cpio reader on any bytes. Touches every byte that an entry claims, so that the
// sanitizer sees a length that leads out of the range.
#include "lib/cpio.h"
#include "lib/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpio_iter it;
	struct cpio_entry e;
	volatile uint8_t sum = 0;

	cpio_iter_init(&it, data, size);
	while (cpio_next(&it, &e) == 1) {
		sum = (uint8_t)(sum + strlen(e.name));
		for (size_t i = 0; i < e.size; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)e.data)[i]);
	}
	return 0;
}
