// SPDX-License-Identifier: GPL-2.0-or-later
// The tree is made of nodes whose names point into the archive itself. Children are a plain list in
// order of arrival: a boot archive has tens of names. A path is walked component by component; a
// symbolic link restarts the walk of its target and then goes on with the rest of the path.
#include "proc/archive.h"

#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"

#define LINKS_MAX 8

static struct archive_node root = {
	.parent = &root, .name = "", .mode = MODE_DIR | 0755, .ino = 1
};
static uint64_t nr_nodes = 1;

struct archive_node *archive_root(void)
{
	return &root;
}

uint64_t archive_overhead(void)
{
	return nr_nodes * sizeof(struct archive_node);
}

static struct archive_node *child_of(const struct archive_node *dir, const char *name, size_t len)
{
	for (struct archive_node *n = dir->children; n != NULL; n = n->next) {
		if (n->name_len == len && memcmp(n->name, name, len) == 0)
			return n;
	}
	return NULL;
}

static struct archive_node *add_child(struct archive_node *dir, const char *name, size_t len)
{
	struct archive_node *n = kalloc(kernel_container, sizeof(*n)), **link = &dir->children;

	if (n == NULL)
		return NULL;
	n->parent = dir;
	n->name = name;
	n->name_len = (uint32_t)len;
	n->mode = MODE_DIR | 0755;
	n->ino = ++nr_nodes;
	while (*link != NULL)
		link = &(*link)->next;
	*link = n;
	return n;
}

/* The next component of *path, moved behind it; length 0 at the end. */
static size_t next_component(const char **path, const char **name)
{
	const char *p = *path;

	while (*p == '/')
		p++;
	*name = p;
	while (*p != '\0' && *p != '/')
		p++;
	*path = p;
	return (size_t)(p - *name);
}

static bool is_dots(const char *name, size_t len, size_t dots)
{
	return len == dots && memcmp(name, "..", dots) == 0;
}

/* The node at `path`, made with the directories above it if it is not there. */
static int make_node(const char *path, struct archive_node **out)
{
	struct archive_node *dir = &root, *n;
	const char *name;
	size_t len;

	while ((len = next_component(&path, &name)) != 0) {
		if (is_dots(name, len, 1))
			continue;
		if (is_dots(name, len, 2))
			return -EINVAL;
		if (!archive_is(dir, MODE_DIR))
			return -ENOTDIR;
		n = child_of(dir, name, len);
		if (n == NULL)
			n = add_child(dir, name, len);
		if (n == NULL)
			return -ENOMEM;
		dir = n;
	}
	*out = dir;
	return 0;
}

static bool is_usable(uint32_t type)
{
	return type == MODE_FILE || type == MODE_DIR || type == MODE_SYMLINK;
}

/* Entries that cannot be in this world (devices, `..`, a file where a full directory is) are left
 * out. */
static int add_entry(const struct cpio_entry *e)
{
	uint32_t type = e->mode & MODE_FMT;
	struct archive_node *n;
	int rc;

	if (!is_usable(type))
		return 0;
	rc = make_node(e->name, &n);
	if (rc != 0)
		return rc == -ENOMEM ? rc : 0;
	if (n->children != NULL && type != MODE_DIR)
		return 0;
	n->mode = e->mode & (MODE_FMT | 07777);
	n->mtime = e->mtime;
	n->data = type == MODE_DIR ? NULL : e->data;
	n->size = type == MODE_DIR ? 0 : e->size;
	return 0;
}

int64_t archive_add(const void *base, size_t size)
{
	struct cpio_iter it;
	struct cpio_entry e;
	int64_t count = 0;
	int rc;

	cpio_iter_init(&it, base, size);
	while ((rc = cpio_next(&it, &e)) == 1) {
		rc = add_entry(&e);
		if (rc != 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int archive_add_device(const char *path, uint32_t permissions, const void *device)
{
	struct archive_node *n;
	int rc = make_node(path, &n);

	if (rc != 0)
		return rc;
	if (n->children != NULL || n == &root)
		return -EEXIST;
	n->mode = MODE_CHAR | permissions;
	n->data = NULL;
	n->size = 0;
	n->device = device;
	return 0;
}

/* One step: `name` in `dir`, symbolic links not followed. */
static int step(struct archive_node *dir, const char *name, size_t len, struct archive_node **out)
{
	if (!archive_is(dir, MODE_DIR))
		return -ENOTDIR;
	if (is_dots(name, len, 1))
		*out = dir;
	else if (is_dots(name, len, 2))
		*out = dir->parent;
	else
		*out = child_of(dir, name, len);
	return *out != NULL ? 0 : -ENOENT;
}

/* Joins a link's target and the rest of the path into buf. */
static int splice_link(const struct archive_node *link, const char *rest, char *buf, size_t size)
{
	size_t len = strlen(rest);

	if (link->size + len + 1 > size)
		return -ENAMETOOLONG;
	memmove(buf + link->size, rest, len + 1);
	memcpy(buf, link->data, link->size);
	return 0;
}

static int walk(struct archive_node *dir, char *path, bool follow, struct archive_node **out)
{
	const char *pos = path, *name;
	unsigned int links = 0;
	struct archive_node *n;
	size_t len;
	int rc;

	while ((len = next_component(&pos, &name)) != 0) {
		rc = step(dir, name, len, &n);
		if (rc != 0)
			return rc;
		if (!archive_is(n, MODE_SYMLINK) || (*pos == '\0' && !follow)) {
			dir = n;
			continue;
		}
		if (++links > LINKS_MAX)
			return -ELOOP;
		rc = splice_link(n, pos, path, ARCHIVE_PATH_MAX);
		if (rc != 0)
			return rc;
		pos = path;
		if (*path == '/')
			dir = &root;
	}
	*out = dir;
	return 0;
}

int archive_lookup(struct archive_node *start, const char *path, bool follow,
		   struct archive_node **out)
{
	char copy[ARCHIVE_PATH_MAX];
	size_t len = strlen(path);
	int rc;

	if (len == 0)
		return -ENOENT;
	if (str_copy(copy, path, sizeof(copy)) >= sizeof(copy))
		return -ENAMETOOLONG;
	rc = walk(*path == '/' ? &root : start, copy, follow, out);
	if (rc == 0 && path[len - 1] == '/' && !archive_is(*out, MODE_DIR))
		return -ENOTDIR;
	return rc;
}

int64_t archive_path(const struct archive_node *n, char *buf, size_t size)
{
	size_t pos = size - 1;

	if (size < 2)
		return -ENAMETOOLONG;
	buf[pos] = '\0';
	if (n == &root)
		buf[--pos] = '/';
	for (; n != &root; n = n->parent) {
		if (pos < n->name_len + 1)
			return -ENAMETOOLONG;
		pos -= n->name_len;
		memcpy(buf + pos, n->name, n->name_len);
		buf[--pos] = '/';
	}
	memmove(buf, buf + pos, size - pos);
	return (int64_t)(size - 1 - pos);
}
