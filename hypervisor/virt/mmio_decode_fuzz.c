// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as an instruction: no read past them, and results that index nothing out of range.
// TEST-WITH: virt/mmio_decode.c
#include <stdlib.h>
#include <string.h>
#include "abi/strata.h"
#include "virt/mmio_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t gpr[GPR_COUNT] = { 0 };
	struct mmio_insn insn;
	uint8_t *copy;

	if (!size)
		return 0;
	size--;
	copy = malloc(size + !size);
	memcpy(copy, data + 1, size);
	if (mmio_decode(copy, (unsigned)size, data[0] % 3, &insn) == 0) {
		if (insn.len > size || insn.len > MMIO_INSN_MAX)
			abort();
		mmio_load_value(&insn, gpr, mmio_store_value(&insn, gpr));
	}
	free(copy);
	return 0;
}
