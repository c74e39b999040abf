// SPDX-License-Identifier: GPL-2.0-or-later
// newc cpio reader. A header is 6 bytes of magic and 13 fields of 8 hexadecimal digits; then come
// the name with its NUL and the data, each padded so that the next piece starts at a multiple of
// four counted from the start of the range. "TRAILER!!!" ends an archive; zeros may follow.
#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/string.h"

#define HEADER_SIZE 110
#define NAME_MAX    4096

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_FILESIZE,
	F_DEVMAJOR,
	F_DEVMINOR,
	F_RDEVMAJOR,
	F_RDEVMINOR,
	F_NAMESIZE,
	F_CHECK,
	F_COUNT,
};

void cpio_iter_init(struct cpio_iter *it, const void *base, size_t size)
{
	*it = (struct cpio_iter){ .base = base, .size = size };
}

static bool parse_hex8(const uint8_t *s, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++) {
		uint8_t c = s[i], lower = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = v << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

static bool has_magic(const uint8_t *p)
{
	return memcmp(p, "07070", 5) == 0 && (p[5] == '1' || p[5] == '2');
}

static void skip_zeros(struct cpio_iter *it)
{
	while (it->pos < it->size && it->base[it->pos] == 0)
		it->pos++;
}

/* Read the header, name and data at it->pos; *end is where the next header begins. */
static int read_entry(const struct cpio_iter *it, struct cpio_entry *e, size_t *end)
{
	const uint8_t *p = it->base + it->pos;
	size_t left = it->size - it->pos, name_end, data_start;
	uint32_t f[F_COUNT];

	if (left < HEADER_SIZE)
		return -EINVAL;
	for (int i = 0; i < F_COUNT; i++) {
		if (!parse_hex8(p + 6 + 8 * i, &f[i]))
			return -EINVAL;
	}
	if (f[F_NAMESIZE] < 2 || f[F_NAMESIZE] > NAME_MAX || f[F_NAMESIZE] > left - HEADER_SIZE)
		return -EINVAL;
	if (p[HEADER_SIZE + f[F_NAMESIZE] - 1] != '\0')
		return -EINVAL;
	name_end = it->pos + HEADER_SIZE + f[F_NAMESIZE];
	data_start = ALIGN_UP(name_end, 4);
	if (f[F_FILESIZE] != 0 && (data_start > it->size || f[F_FILESIZE] > it->size - data_start))
		return -EINVAL;
	*e = (struct cpio_entry){
		.name = (const char *)p + HEADER_SIZE,
		.data = data_start < it->size ? it->base + data_start : it->base + it->size,
		.size = f[F_FILESIZE],
		.mode = f[F_MODE],
		.uid = f[F_UID],
		.gid = f[F_GID],
		.mtime = f[F_MTIME],
		.nlink = f[F_NLINK],
		.ino = f[F_INO],
	};
	*end = MIN(ALIGN_UP(data_start + f[F_FILESIZE], 4), it->size);
	return e->name[0] != '\0' ? 0 : -EINVAL;
}

int cpio_next(struct cpio_iter *it, struct cpio_entry *e)
{
	for (;;) {
		size_t end;
		int err;

		skip_zeros(it);
		if (it->pos == it->size)
			return 0;
		if (it->size - it->pos < 6 || !has_magic(it->base + it->pos))
			return -ENOEXEC;
		if (!IS_ALIGNED(it->pos, 4))
			return -EINVAL;
		err = read_entry(it, e, &end);
		if (err != 0)
			return err;
		it->pos = end;
		if (strcmp(e->name, "TRAILER!!!") != 0)
			return 1;
	}
}
