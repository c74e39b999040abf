/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Unpacks gzip files (RFC 1952) of DEFLATE data (RFC 1951). Every byte of the input is untrusted.
 * No state but the caller's work area, no locks; compiles in the kernel and on the host.
 */
#include "lib/progress.h"
#include "lib/types.h"

#define INFLATE_BITS 15

/* Decoding tables of one block: symbol << 4 | length of its code, indexed by the next bits; 0: no
 * code begins so. */
struct inflate_work {
	uint16_t literals[1u << INFLATE_BITS];
	uint16_t distances[1u << INFLATE_BITS];
	uint32_t crc[256];
};

/*
 * One gzip member at in[0..size) into out[0..room). Its unpacked length in bytes, and in *used how
 * much of the input it was; or -EINVAL (damaged or cut), -ENOSPC (out is too small).
 * `progress` (or NULL) counts bytes of input, after each block of DEFLATE.
 */
int64_t inflate_gzip(const uint8_t *in, size_t size, size_t *used, uint8_t *out, size_t room,
		     struct inflate_work *work, const struct progress *progress) __must_check;
