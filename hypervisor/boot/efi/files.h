/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files on the device that the image came from (or, behind iPXE, of what it has fetched). A name is
 * ASCII, not terminated; slashes count as backslashes. Failures have been reported by stub_fail
 * when a function returns one.
 */
#pragma once

#include "boot/efi/stub.h"

/* Smaller parts of the boot archive are read in a moment: no word about them. */
#define STUB_SHOW_FROM MiB(32)

efi_status stub_file_size(const char *name, size_t len, uint64_t *size);

/* Reads at most *size bytes, with progress for large files; sets *size to what was read. */
efi_status stub_file_read(const char *name, size_t len, uint8_t *data, uint64_t *size);
