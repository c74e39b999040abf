/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Unpacks the legacy frames of LZ4 (`lz4 -l`), which Linux' tools use for initrds. Every byte of
 * the input is untrusted. No state, no locks; compiles in the kernel and on the host.
 */
#include "lib/progress.h"
#include "lib/types.h"

#define LZ4_LEGACY_MAGIC 0x184c2102u

/*
 * The frame at in[0..size) into out[0..room). Its unpacked length in bytes, and in *used how much
 * of the input it was (it ends with the input, at a block of length 0, or where no block can
 * begin); or -EINVAL (damaged or cut), -ENOSPC. `progress` (or NULL) counts bytes of input, after
 * each block (8 MiB unpacked).
 */
int64_t lz4_legacy(const uint8_t *in, size_t size, size_t *used, uint8_t *out, size_t room,
		   const struct progress *progress) __must_check;
