// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/unpack.c
// Any bytes as an initrd: the output stays within its room, the place of an error within the input.
#include "boot/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct inflate_work work;
	static uint8_t out[1 << 16];
	struct unpack_result r;

	unpack_needed(data, size);
	r = unpack(data, size, out, sizeof(out), &work);
	if (r.size > sizeof(out) || r.at > size)
		__builtin_trap();
	return 0;
}
