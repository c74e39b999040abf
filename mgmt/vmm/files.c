// SPDX-License-Identifier: GPL-2.0-or-later
// Files are read rather than mapped: what a loader has once checked must not change, and the
// archive's pages are not aligned to be mapped.

#include "vmm/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1ull << 30)

static int read_all(int fd, uint8_t *to, size_t size)
{
	ssize_t n;

	for (size_t at = 0; at < size; at += (size_t)n) {
		n = read(fd, to + at, size - at);
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	return 0;
}

static int load_fd(struct file *file, int fd)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if ((uint64_t)st.st_size > FILE_MAX)
		return -EFBIG;
	file->size = (size_t)st.st_size;
	file->buffer = malloc(file->size ? file->size : 1);
	if (!file->buffer)
		return -ENOMEM;
	file->data = file->buffer;
	ret = read_all(fd, file->buffer, file->size);
	if (ret)
		file_unload(file);
	return ret;
}

int file_load(struct file *file, const char *path)
{
	int ret, fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(file, 0, sizeof(*file));
	if (fd < 0)
		return -errno;
	ret = load_fd(file, fd);
	close(fd);
	return ret;
}

void file_unload(struct file *file)
{
	free(file->buffer);
	memset(file, 0, sizeof(*file));
}
