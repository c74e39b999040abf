// SPDX-License-Identifier: GPL-2.0-or-later
// A block is a row of sequences: a token with two lengths, literals, then a match in what was
// written before it. The last sequence has literals only. "LZ4 Block Format Description", "LZ4
// Frame Format Description" (Legacy frame).
#include "lib/lz4.h"

#include "lib/errno.h"
#include "lib/string.h"

#define BLOCK_MAX   MiB(8) /* unpacked */
#define PACKED_MAX  (BLOCK_MAX + BLOCK_MAX / 255 + 16)
#define MATCH_LEAST 4

struct stream {
	const uint8_t *in, *end;
	uint8_t *out, *first, *limit; /* first: of this block; matches reach no further back */
};

/* A length whose first four bits were 15 goes on in bytes, up to one that is not 255. False: cut,
 * or absurd. */
static bool long_length(struct stream *s, size_t *len)
{
	uint8_t byte;

	if (*len != 15)
		return true;
	do {
		if (s->in == s->end || *len > PACKED_MAX)
			return false;
		byte = *s->in++;
		*len += byte;
	} while (byte == 255);
	return true;
}

static int copy_literals(struct stream *s, size_t len)
{
	if (!long_length(s, &len) || len > (size_t)(s->end - s->in))
		return -EINVAL;
	if (len > (size_t)(s->limit - s->out))
		return -ENOSPC;
	memcpy(s->out, s->in, len);
	s->out += len;
	s->in += len;
	return 0;
}

static int copy_match(struct stream *s, size_t len)
{
	size_t distance;

	if (s->end - s->in < 2)
		return -EINVAL;
	distance = s->in[0] | (size_t)s->in[1] << 8;
	s->in += 2;
	if (!long_length(s, &len) || distance == 0 || distance > (size_t)(s->out - s->first))
		return -EINVAL;
	len += MATCH_LEAST;
	if (len > (size_t)(s->limit - s->out))
		return -ENOSPC;
	/* Byte by byte: the source may reach into what is being written. */
	for (uint8_t *end = s->out + len; s->out < end; s->out++)
		*s->out = s->out[-(ptrdiff_t)distance];
	return 0;
}

static int64_t block(const uint8_t *in, size_t size, uint8_t *out, size_t room)
{
	size_t most = MIN(room, (size_t)BLOCK_MAX);
	struct stream s = {
		.in = in, .end = in + size, .out = out, .first = out, .limit = out + most
	};

	while (s.in < s.end) {
		uint8_t token = *s.in++;
		int rc = copy_literals(&s, token >> 4);

		if (rc == 0 && s.in < s.end)
			rc = copy_match(&s, token & 15);
		if (rc != 0)
			return rc;
	}
	return s.out - out;
}

static uint32_t read32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int64_t lz4_legacy(const uint8_t *in, size_t size, size_t *used, uint8_t *out, size_t room,
		   const struct progress *progress)
{
	size_t pos = 4, len = 0;

	if (size < pos || read32(in) != LZ4_LEGACY_MAGIC)
		return -EINVAL;
	while (size - pos >= 4) {
		uint32_t packed = read32(in + pos);
		int64_t n;

		if (packed == 0 || packed > PACKED_MAX)
			break;
		if (packed > size - pos - 4)
			return -EINVAL;
		n = block(in + pos + 4, packed, out + len, room - len);
		if (n < 0)
			return n;
		len += (size_t)n;
		pos += 4 + packed;
		progress_tell(progress, pos);
	}
	*used = pos;
	return (int64_t)len;
}
