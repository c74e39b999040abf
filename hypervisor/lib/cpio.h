/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Reader of newc cpio archives ("070701", "070702") over a range of memory. Several archives may
 * follow one another with zero padding between them; entries come in the order of the bytes, and it
 * is for the caller to let a later file of the same name win. Every length is checked against the
 * range. The entries point into the range, which must outlive them. No state, no locks.
 */
#include "lib/types.h"

#define CPIO_S_IFMT  0170000u
#define CPIO_S_IFREG 0100000u
#define CPIO_S_IFDIR 0040000u
#define CPIO_S_IFLNK 0120000u

struct cpio_entry {
	const char *name; /* NUL-terminated, not empty */
	const void *data; /* for a symbolic link its target, not terminated */
	size_t size;      /* bytes at data */
	uint32_t mode;    /* file type and permissions as in Linux' st_mode */
	uint32_t uid;
	uint32_t gid;
	uint32_t mtime; /* seconds since 1970 */
	uint32_t nlink;
	uint32_t ino;
};

struct cpio_iter {
	const uint8_t *base;
	size_t size;
	size_t pos; /* where the next header is looked for */
};

/* Start at the first byte of base[0..size). */
void cpio_iter_init(struct cpio_iter *it, const void *base, size_t size);

/*
 * Fetch the next entry. 1: *e is filled; 0: the end; -EINVAL: a bad header or length at it->pos;
 * -ENOEXEC: between two archives there is something else at it->pos (perhaps a compressed
 * archive: the caller may deal with it and advance it->pos). The iterator stays where an error is.
 */
int cpio_next(struct cpio_iter *it, struct cpio_entry *e) __must_check;

static inline bool cpio_is_file(const struct cpio_entry *e)
{
	return (e->mode & CPIO_S_IFMT) == CPIO_S_IFREG;
}

static inline bool cpio_is_dir(const struct cpio_entry *e)
{
	return (e->mode & CPIO_S_IFMT) == CPIO_S_IFDIR;
}
