// SPDX-License-Identifier: GPL-2.0-or-later
// A part is known by its first bytes. Where a plain archive ends is told by its reader: at
// something that is none.
#include "boot/unpack.h"

#include "lib/cpio.h"
#include "lib/errno.h"
#include "lib/lz4.h"
#include "lib/string.h"

#define PART_ALIGN 4

struct job {
	const uint8_t *in;
	size_t size, pos;
	uint8_t *out;
	size_t len, room;
	struct inflate_work *work;
	struct progress progress;
};

/* How far plain archives reach from in[0]; everything when one is damaged. */
static size_t plain_size(const uint8_t *in, size_t size)
{
	struct cpio_iter it;
	struct cpio_entry e;
	int rc;

	cpio_iter_init(&it, in, size);
	while ((rc = cpio_next(&it, &e)) == 1)
		;
	return rc == -ENOEXEC ? it.pos : size;
}

static int64_t add_plain(struct job *j, size_t *used)
{
	*used = plain_size(j->in + j->pos, j->size - j->pos);
	if (*used > j->room - j->len)
		return -ENOSPC;
	memcpy(j->out + j->len, j->in + j->pos, *used);
	return (int64_t)*used;
}

static int64_t add_gzip(struct job *j, size_t *used)
{
	return inflate_gzip(j->in + j->pos, j->size - j->pos, used, j->out + j->len,
			    j->room - j->len, j->work, &j->progress);
}

static int64_t add_lz4(struct job *j, size_t *used)
{
	return lz4_legacy(j->in + j->pos, j->size - j->pos, used, j->out + j->len, j->room - j->len,
			  &j->progress);
}

/* add NULL: known by name only. */
static const struct format {
	const char *magic;
	size_t len;
	int64_t (*add)(struct job *j, size_t *used);
	const char *error;
} formats[] = {
	{ "070701", 6, add_plain, "archive: damaged" },
	{ "070702", 6, add_plain, "archive: damaged" },
	{ "\x1f\x8b", 2, add_gzip, "gzip: damaged or cut" },
	{ "\x02\x21\x4c\x18", 4, add_lz4, "lz4: damaged or cut" },
	{ "\x04\x22\x4d\x18", 4, NULL, "lz4 frame: expected plain, gzip or lz4 -l" },
	{ "\xfd"
	  "7zXZ",
	  5, NULL, "xz: expected plain, gzip or lz4 -l" },
	{ "\x28\xb5\x2f\xfd", 4, NULL, "zstd: expected plain, gzip or lz4 -l" },
	{ "BZh", 3, NULL, "bzip2: expected plain, gzip or lz4 -l" },
	{ "\x5d\x00\x00", 3, NULL, "lzma: expected plain, gzip or lz4 -l" },
};

static const struct format *find_format(const uint8_t *in, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (size >= formats[i].len && memcmp(in, formats[i].magic, formats[i].len) == 0)
			return &formats[i];
	}
	return NULL;
}

bool unpack_needed(const uint8_t *in, size_t size)
{
	return plain_size(in, size) != size;
}

/* One part; NULL, or what is wrong with it. */
static const char *add_part(struct job *j)
{
	const struct format *f = find_format(j->in + j->pos, j->size - j->pos);
	size_t used, end;
	int64_t n;

	if (f == NULL)
		return "no archive: expected plain cpio (newc), gzip or lz4 -l";
	j->progress.before = j->pos;
	n = f->add != NULL ? f->add(j, &used) : -EINVAL;
	if (n == -ENOSPC)
		return "does not fit into memory";
	if (n < 0)
		return f->error;
	j->pos += used;
	end = MIN(ALIGN_UP(j->len + (size_t)n, PART_ALIGN), j->room);
	memset(j->out + j->len + n, 0, end - j->len - (size_t)n);
	j->len = end;
	return NULL;
}

struct unpack_result unpack(const uint8_t *in, size_t size, uint8_t *out, size_t room,
			    struct inflate_work *work, const struct progress *progress)
{
	struct job j = { .in = in,
			 .size = size,
			 .out = out,
			 .room = room,
			 .work = work,
			 .progress = *progress };
	const char *what = NULL;

	for (;;) {
		while (j.pos < size && in[j.pos] == 0)
			j.pos++;
		if (j.pos == size)
			break;
		what = add_part(&j);
		if (what != NULL)
			break;
	}
	return (struct unpack_result){ j.len, what, j.pos };
}
