/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files of the boot archive in memory, for as long as a loader or a device needs them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct file {
	const uint8_t *data; /* never NULL when open */
	size_t size;
	void *buffer; /* to free */
};

/* 0, or a negative errno (-EFBIG: more than 1 GiB). */
int file_load(struct file *file, const char *path);
/* Also of a zeroed struct. */
void file_unload(struct file *file);
