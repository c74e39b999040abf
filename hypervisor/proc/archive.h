/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot archive as a tree of names: what ring 3 sees as its file system. It is built at boot
 * from the newc archives that the loader brought (later files win) and never changes afterwards, so
 * that it needs no lock and nodes need no counting. File contents stay where the loader put them.
 *
 * Directories that the archives only imply (`bin/x` without `bin`) exist too. Devices are nodes
 * that the kernel adds (archive_add_device).
 */
#pragma once

#include "lib/types.h"

#define ARCHIVE_PATH_MAX 1024 /* bytes of a path, with its NUL */

#define MODE_FMT     0170000u
#define MODE_DIR     0040000u
#define MODE_CHAR    0020000u
#define MODE_FILE    0100000u
#define MODE_SYMLINK 0120000u

/* All fields [I] after boot. */
struct archive_node {
	struct archive_node *parent; /* the root's is itself */
	struct archive_node *children, *next;
	const char *name; /* name_len bytes, not terminated */
	uint32_t name_len;
	uint32_t mode; /* Linux st_mode */
	uint64_t ino;
	const void *data; /* direct map: contents of a file, target of a symbolic link */
	uint64_t size;
	uint64_t mtime;     /* seconds since 1970 */
	const void *device; /* MODE_CHAR: what archive_add_device was given */
};

static inline bool archive_is(const struct archive_node *n, uint32_t type)
{
	return (n->mode & MODE_FMT) == type;
}

struct archive_node *archive_root(void);

/*
 * Adds the entries of the archives in base[0..size), which must stay. The number of entries;
 * -EINVAL or -ENOEXEC at damaged bytes (what came before them is there), -ENOMEM.
 */
int64_t archive_add(const void *base, size_t size);

/* A character device at an absolute path. 0, -EEXIST, -ENOMEM, -ENOTDIR. `device` is opaque here.
 */
int archive_add_device(const char *path, uint32_t permissions, const void *device);

/*
 * Finds `path`, relative to the directory `start` unless it begins with a slash. Symbolic links on
 * the way are followed, at the end only if `follow`. 0, -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG.
 */
int archive_lookup(struct archive_node *start, const char *path, bool follow,
		   struct archive_node **out);

/* The absolute path of `n`, NUL-terminated. Its length, or -ENAMETOOLONG. */
int64_t archive_path(const struct archive_node *n, char *buf, size_t size);

/* Bytes of kernel memory that the tree takes. */
uint64_t archive_overhead(void);
