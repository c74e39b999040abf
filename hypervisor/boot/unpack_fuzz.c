// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/unpack.c
// Any bytes as an initrd: the output stays within its room, the place of an error within the input,
// and what is told of the progress rises up to the input's size.
#include "boot/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t last;

static void tell(void *arg, size_t done)
{
	if (done < last || done > *(const size_t *)arg)
		__builtin_trap();
	last = done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct progress progress = { .tell = tell, .arg = &size };
	static struct inflate_work work;
	static uint8_t out[1 << 16];
	struct unpack_result r;

	last = 0;
	unpack_needed(data, size);
	r = unpack(data, size, out, sizeof(out), &work, &progress);
	if (r.size > sizeof(out) || r.at > size)
		__builtin_trap();
	return 0;
}
