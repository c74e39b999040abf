// SPDX-License-Identifier: GPL-2.0-or-later
// Copy-on-write is the kernel's: the file is mapped privately into a piece of anonymous memory as
// long as the disk.

#include "vmm/dev/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTORS(n) (((n) + DISK_SECTOR - 1) & ~(uint64_t)(DISK_SECTOR - 1))

static int map_file(struct disk *disk, int fd, uint64_t file_size)
{
	if (mmap(disk->data, file_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		return -errno;
	return 0;
}

static int map_all(struct disk *disk, int fd, uint64_t file_size)
{
	void *p = mmap(NULL, disk->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int ret;

	if (p == MAP_FAILED)
		return -errno;
	disk->data = p;
	ret = file_size ? map_file(disk, fd, file_size) : 0;
	if (ret)
		disk_close(disk);
	return ret;
}

static int open_file(struct disk *disk, int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (st.st_size <= 0)
		return -EINVAL;
	if (size && SECTORS((uint64_t)st.st_size) > size)
		return -EFBIG;
	disk->size = size ? size : SECTORS((uint64_t)st.st_size);
	return map_all(disk, fd, (uint64_t)st.st_size);
}

int disk_open(struct disk *disk, const char *path, uint64_t size, bool readonly)
{
	int ret, fd;

	*disk = (struct disk){ .readonly = readonly, .size = size };
	if (!path)
		return map_all(disk, -1, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = open_file(disk, fd, size);
	close(fd);
	return ret;
}

void disk_close(struct disk *disk)
{
	if (disk->data)
		munmap(disk->data, disk->size);
	memset(disk, 0, sizeof(*disk));
}

bool disk_has(const struct disk *disk, uint64_t offset, uint64_t len)
{
	return offset % DISK_SECTOR == 0 && len % DISK_SECTOR == 0 && offset <= disk->size &&
	       len <= disk->size - offset;
}
