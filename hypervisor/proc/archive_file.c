// SPDX-License-Identifier: GPL-2.0-or-later
// A node and a position. Contents are copied, or mapped, from where the loader put them. The
// position is a plain number: threads that share a handle and read at once get what they get.
#include "proc/archive_file.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/linux_abi.h"

/* Locks: [I] immutable   [a] atomic */
struct archive_file {
	struct object object;
	struct archive_node *node; /* [I] */
	uint64_t pos;              /* [a] bytes; of a directory: entries */
};

static struct archive_file *file_of(const struct object *o)
{
	return container_of(o, struct archive_file, object);
}

struct archive_node *archive_node_of(const struct object *o)
{
	return file_of(o)->node;
}

static void file_destroy(struct object *o)
{
	kfree(file_of(o));
}

/* Copied between two chances for others. */
#define TURN_BYTES KiB(64)

static int64_t file_pread(struct object *o, uint64_t buf, uint64_t len, uint64_t pos)
{
	const struct archive_node *n = file_of(o)->node;
	const uint8_t *bytes = n->data;
	uint64_t done = 0;

	if (pos >= n->size)
		return 0;
	len = MIN(len, n->size - pos);
	while (done < len && !thread_interrupted()) {
		uint64_t piece = MIN(len - done, TURN_BYTES);

		if (copy_to_user(buf + done, bytes + pos + done, piece) != 0)
			return done != 0 ? (int64_t)done : -EFAULT;
		done += piece;
		preempt_point();
	}
	return done != 0 || len == 0 ? (int64_t)done : -EINTR;
}

static int64_t file_read(struct object *o, uint64_t buf, uint64_t len)
{
	struct archive_file *f = file_of(o);
	uint64_t pos = READ_ONCE(f->pos);
	int64_t n = file_pread(o, buf, len, pos);

	if (n > 0)
		WRITE_ONCE(f->pos, pos + (uint64_t)n);
	return n;
}

static int64_t file_seek(struct object *o, int64_t offset, unsigned int whence)
{
	struct archive_file *f = file_of(o);
	int64_t base, pos;

	switch (whence) {
	case 0: base = 0; break;
	case 1: base = (int64_t)READ_ONCE(f->pos); break;
	case 2: base = (int64_t)f->node->size; break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &pos))
		return -EOVERFLOW;
	if (pos < 0)
		return -EINVAL;
	WRITE_ONCE(f->pos, (uint64_t)pos);
	return pos;
}

void archive_stat(const struct archive_node *n, struct object_stat *st)
{
	*st = (struct object_stat){
		.mode = n->mode,
		.nlink = archive_is(n, MODE_DIR) ? 2 : 1,
		.ino = n->ino,
		.size = n->size,
		.mtime = n->mtime,
	};
}

static int file_stat(struct object *o, struct object_stat *st)
{
	archive_stat(file_of(o)->node, st);
	return 0;
}

static int file_mmap(struct object *o, struct as_map_args *args, bool shared)
{
	const struct archive_node *n = file_of(o)->node;

	if (shared && (args->rights & AS_WRITE))
		return -EACCES;
	args->kind = AS_KIND_FILE;
	args->file_base = n->size != 0 ? virt_to_phys(n->data) : 0;
	args->file_size = n->size;
	if (args->offset >= n->size)
		args->kind = AS_KIND_ANON;
	return 0;
}

/* ---- directories ---- */

static uint8_t dirent_type(const struct archive_node *n)
{
	return (uint8_t)((n->mode & MODE_FMT) >> 12);
}

/* Entry number `index` of a directory: itself, its parent, its children; NULL: past the end. */
static const struct archive_node *entry_at(const struct archive_node *dir, uint64_t index)
{
	const struct archive_node *n = dir->children;

	if (index < 2)
		return index == 0 ? dir : dir->parent;
	for (index -= 2; n != NULL && index != 0; index--)
		n = n->next;
	return n;
}

/* Writes one entry; its size; 0: it does not fit; -EFAULT. */
static int64_t put_entry(uint64_t buf, uint64_t room, const struct archive_node *n, uint64_t index)
{
	uint8_t bytes[sizeof(struct linux_dirent64) + 256 + 8] = { 0 };
	size_t len = index < 2 ? index + 1 : MIN(n->name_len, 255u);
	struct linux_dirent64 d = {
		.d_ino = n->ino,
		.d_off = (int64_t)index + 1,
		.d_reclen = (uint16_t)ALIGN_UP(sizeof(d) + len + 1, 8),
		.d_type = dirent_type(n),
	};

	if (d.d_reclen > room)
		return 0;
	memcpy(bytes, &d, sizeof(d));
	memcpy(bytes + sizeof(d), index < 2 ? ".." : n->name, len);
	return copy_to_user(buf, bytes, d.d_reclen) == 0 ? d.d_reclen : -EFAULT;
}

static int64_t dir_list(struct object *o, uint64_t buf, uint64_t len)
{
	struct archive_file *f = file_of(o);
	uint64_t index = READ_ONCE(f->pos), used = 0;
	const struct archive_node *n;

	while ((n = entry_at(f->node, index)) != NULL) {
		int64_t rc = put_entry(buf + used, len - used, n, index);

		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		used += (uint64_t)rc;
		index++;
	}
	if (n != NULL && used == 0)
		return -EINVAL;
	WRITE_ONCE(f->pos, index);
	return (int64_t)used;
}

static int64_t dir_read(struct object *o, uint64_t buf, uint64_t len)
{
	(void)o;
	(void)buf;
	(void)len;
	return -EISDIR;
}

const struct object_ops archive_file_ops = {
	.name = "file",
	.destroy = file_destroy,
	.read = file_read,
	.pread = file_pread,
	.seek = file_seek,
	.stat = file_stat,
	.mmap = file_mmap,
};

const struct object_ops archive_dir_ops = {
	.name = "directory",
	.destroy = file_destroy,
	.read = dir_read,
	.seek = file_seek,
	.stat = file_stat,
	.list = dir_list,
};

struct object *archive_open(struct container *c, struct archive_node *n)
{
	struct archive_file *f = kalloc(c, sizeof(*f));

	if (f == NULL)
		return NULL;
	object_init(&f->object, archive_is(n, MODE_DIR) ? &archive_dir_ops : &archive_file_ops, c);
	f->node = n;
	return &f->object;
}
