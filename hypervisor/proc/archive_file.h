/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open files and directories of the boot archive, as objects. */
#pragma once

#include "proc/archive.h"
#include "proc/object.h"

extern const struct object_ops archive_file_ops;
extern const struct object_ops archive_dir_ops;

/* `n` is a regular file or a directory. One reference for the caller; NULL: quota or memory. */
struct object *archive_open(struct container *c, struct archive_node *n);
/* The node behind an object of either kind. */
struct archive_node *archive_node_of(const struct object *o);
void archive_stat(const struct archive_node *n, struct object_stat *st);
