/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk's contents: a file of the boot archive, zeros behind it, and what the guest wrote, which
 * is kept in memory until the VM ends and outlives its resets.
 *
 * Contract: the file is the read-only base; a page of memory is taken when it is first read or
 * written, from the VMM's container. Offsets and lengths are bytes. No locks: the device's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR 512u

struct disk {
	uint8_t *data; /* NULL: not open */
	uint64_t size; /* a multiple of DISK_SECTOR */
	bool readonly;
};

/*
 * `path`: NULL for a disk of zeros. `size`: 0 for the file's own; else at least the file's, which
 * is rounded up to a sector. 0; -errno of the file, -EINVAL: an empty file, -EFBIG: the file is
 * larger.
 */
int disk_open(struct disk *disk, const char *path, uint64_t size, bool readonly);
/* Also of a zeroed struct. */
void disk_close(struct disk *disk);
/* Whether [offset, offset + len) is in it, whole sectors. */
bool disk_has(const struct disk *disk, uint64_t offset, uint64_t len);
