// SPDX-License-Identifier: GPL-2.0-or-later
// Codes are decoded by one look into a table that is indexed with as many bits as the longest code
// of the block has. Behind the end of the input zero bits are served and counted; whoever has used
// one of them is cut short.
#include "lib/inflate.h"

#include "lib/errno.h"
#include "lib/string.h"

#define NR_LITERALS  288
#define NR_DISTANCES 32
#define NR_LENGTHS   19
#define END_OF_BLOCK 256

/* "Compressed blocks (BTYPE=01, BTYPE=10)": lengths for 257.., distances for 0..; base and extra
 * bits. */
static const uint16_t length_base[] = { 3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					67, 83, 99, 115, 131, 163, 195, 227, 258 };
static const uint8_t length_extra[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
static const uint16_t distance_base[] = { 1,    2,    3,    4,     5,     7,    9,    13,
					  17,   25,   33,   49,    65,    97,   129,  193,
					  257,  385,  513,  769,   1025,  1537, 2049, 3073,
					  4097, 6145, 8193, 12289, 16385, 24577 };
static const uint8_t distance_extra[] = { 0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
					  6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13 };

struct state {
	const uint8_t *in;
	size_t size, pos;
	uint64_t hold;              /* bits not used yet, the next one lowest */
	unsigned int nr_bits, past; /* past: bytes of zeros served behind the end */
	uint8_t *out;
	size_t len, room;
	unsigned int literal_bits, distance_bits;
	struct inflate_work *work;
	const struct progress *progress;
};

static void fill(struct state *s)
{
	while (s->nr_bits <= 48) {
		if (s->pos < s->size)
			s->hold |= (uint64_t)s->in[s->pos++] << s->nr_bits;
		else
			s->past++;
		s->nr_bits += 8;
	}
}

/* n <= 16 */
static uint32_t take(struct state *s, unsigned int n)
{
	uint32_t v;

	fill(s);
	v = (uint32_t)s->hold & ((1u << n) - 1);
	s->hold >>= n;
	s->nr_bits -= n;
	return v;
}

static bool is_cut(const struct state *s)
{
	return s->past * 8 > s->nr_bits;
}

/* Where the first byte is of which no bit has been used; pos is some bytes ahead of it. */
static size_t unused_at(const struct state *s)
{
	unsigned int whole = s->nr_bits / 8;

	return s->pos - (whole > s->past ? whole - s->past : 0);
}

/* Back to whole bytes: what was read ahead is given back. */
static void to_byte(struct state *s)
{
	s->pos = unused_at(s);
	s->hold = 0;
	s->nr_bits = s->past = 0;
}

static uint32_t reversed(uint32_t code, unsigned int bits)
{
	uint32_t out = 0;

	for (unsigned int i = 0; i < bits; i++)
		out |= ((code >> i) & 1) << (bits - 1 - i);
	return out;
}

/* Fills a table for codes of the given lengths; the number of bits that index it, 0: no such code
 * can be. */
static unsigned int make_table(uint16_t *table, const uint8_t *lengths, unsigned int nr)
{
	uint16_t count[INFLATE_BITS + 1] = { 0 };
	uint32_t next[INFLATE_BITS + 1], code = 0;
	unsigned int bits = 1;
	int left = 1;

	for (unsigned int i = 0; i < nr; i++)
		count[lengths[i]]++;
	count[0] = 0;
	for (unsigned int len = 1; len <= INFLATE_BITS; len++) {
		left = 2 * left - count[len];
		if (left < 0)
			return 0;
		code = (code + count[len - 1]) << 1;
		next[len] = code;
		bits = count[len] != 0 ? len : bits;
	}
	memset(table, 0, sizeof(*table) << bits);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int len = lengths[i];

		if (len == 0)
			continue;
		for (uint32_t at = reversed(next[len]++, len); at < 1u << bits; at += 1u << len)
			table[at] = (uint16_t)(i << 4 | len);
	}
	return bits;
}

/* The next symbol; -1: no code. */
static int decode(struct state *s, const uint16_t *table, unsigned int bits)
{
	uint16_t e;

	fill(s);
	e = table[s->hold & ((1u << bits) - 1)];
	if (e == 0)
		return -1;
	s->hold >>= e & 15;
	s->nr_bits -= e & 15;
	return e >> 4;
}

static int copy_match(struct state *s, int symbol)
{
	size_t length, distance;
	int d;

	symbol -= END_OF_BLOCK + 1;
	if (symbol >= (int)ARRAY_SIZE(length_base))
		return -EINVAL;
	length = length_base[symbol] + take(s, length_extra[symbol]);
	d = decode(s, s->work->distances, s->distance_bits);
	if (d < 0 || d >= (int)ARRAY_SIZE(distance_base))
		return -EINVAL;
	distance = distance_base[d] + take(s, distance_extra[d]);
	if (distance > s->len)
		return -EINVAL;
	if (length > s->room - s->len)
		return -ENOSPC;
	/* Byte by byte: the source may reach into what is being written. */
	for (uint8_t *to = s->out + s->len, *end = to + length; to < end; to++)
		*to = to[-(ptrdiff_t)distance];
	s->len += length;
	return 0;
}

static int coded_block(struct state *s)
{
	for (;;) {
		int symbol = decode(s, s->work->literals, s->literal_bits), rc;

		if (symbol < 0 || is_cut(s))
			return -EINVAL;
		if (symbol == END_OF_BLOCK)
			return 0;
		if (symbol > END_OF_BLOCK) {
			rc = copy_match(s, symbol);
			if (rc != 0)
				return rc;
		} else if (s->len == s->room) {
			return -ENOSPC;
		} else {
			s->out[s->len++] = (uint8_t)symbol;
		}
	}
}

static int stored_block(struct state *s)
{
	uint32_t len;

	to_byte(s);
	if (s->size - s->pos < 4)
		return -EINVAL;
	len = s->in[s->pos] | (uint32_t)s->in[s->pos + 1] << 8;
	if ((len ^ 0xffff) != (s->in[s->pos + 2] | (uint32_t)s->in[s->pos + 3] << 8))
		return -EINVAL;
	s->pos += 4;
	if (len > s->size - s->pos)
		return -EINVAL;
	if (len > s->room - s->len)
		return -ENOSPC;
	memcpy(s->out + s->len, s->in + s->pos, len);
	s->pos += len;
	s->len += len;
	return 0;
}

static int use_lengths(struct state *s, const uint8_t *lengths, unsigned int literals,
		       unsigned int distances)
{
	s->literal_bits = make_table(s->work->literals, lengths, literals);
	s->distance_bits = make_table(s->work->distances, lengths + literals, distances);
	return s->literal_bits != 0 && s->distance_bits != 0 ? coded_block(s) : -EINVAL;
}

static int fixed_block(struct state *s)
{
	uint8_t lengths[NR_LITERALS + NR_DISTANCES];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	memset(lengths + NR_LITERALS, 5, NR_DISTANCES);
	return use_lengths(s, lengths, NR_LITERALS, NR_DISTANCES);
}

/* The lengths of both codes, which are coded themselves, with runs of zeros and repetitions. */
static int read_lengths(struct state *s, uint8_t *lengths, unsigned int nr, unsigned int bits)
{
	unsigned int i = 0;

	while (i < nr) {
		int symbol = decode(s, s->work->literals, bits);
		unsigned int repeat = 1;
		uint8_t value = 0;

		if (symbol < 0 || is_cut(s) || (symbol == 16 && i == 0))
			return -EINVAL;
		if (symbol < 16)
			value = (uint8_t)symbol;
		else if (symbol == 16)
			value = lengths[i - 1], repeat = 3 + take(s, 2);
		else if (symbol == 17)
			repeat = 3 + take(s, 3);
		else
			repeat = 11 + take(s, 7);
		if (repeat > nr - i)
			return -EINVAL;
		memset(lengths + i, value, repeat);
		i += repeat;
	}
	return 0;
}

static int dynamic_block(struct state *s)
{
	static const uint8_t order[NR_LENGTHS] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						   11, 4,  12, 3, 13, 2, 14, 1, 15 };
	uint8_t lengths[NR_LITERALS + NR_DISTANCES], of_lengths[NR_LENGTHS] = { 0 };
	unsigned int literals = 257 + take(s, 5), distances = 1 + take(s, 5), n = 4 + take(s, 4);
	unsigned int bits;
	int rc;

	if (literals > 286)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++)
		of_lengths[order[i]] = (uint8_t)take(s, 3);
	bits = make_table(s->work->literals, of_lengths, NR_LENGTHS);
	rc = bits != 0 ? read_lengths(s, lengths, literals + distances, bits) : -EINVAL;
	return rc != 0 ? rc : use_lengths(s, lengths, literals, distances);
}

static int blocks(struct state *s)
{
	static int (*const kinds[4])(struct state *) = { stored_block, fixed_block, dynamic_block,
							 NULL };
	bool last;

	do {
		uint32_t head = take(s, 3);
		int rc;

		last = (head & 1) != 0;
		if (kinds[head >> 1] == NULL || is_cut(s))
			return -EINVAL;
		rc = kinds[head >> 1](s);
		if (rc != 0)
			return rc;
		progress_tell(s->progress, unused_at(s));
	} while (!last);
	to_byte(s);
	return 0;
}

/* Where the data begins behind the header and its optional parts; 0: this is no gzip file. */
static size_t header_size(const uint8_t *in, size_t size)
{
	size_t at = 10;
	uint8_t flags;

	if (size < at || in[0] != 0x1f || in[1] != 0x8b || in[2] != 8)
		return 0;
	flags = in[3];
	if ((flags & 0xe0) != 0)
		return 0;
	if ((flags & 4) != 0) {
		if (size - at < 2)
			return 0;
		at += 2 + (in[at] | (size_t)in[at + 1] << 8);
	}
	/* Name, then comment: each ends with a zero. */
	for (uint8_t text = 8; text <= 16; text <<= 1) {
		const uint8_t *end;

		if ((flags & text) == 0)
			continue;
		end = at < size ? memchr(in + at, 0, size - at) : NULL;
		if (end == NULL)
			return 0;
		at = (size_t)(end - in) + 1;
	}
	at += (flags & 2) != 0 ? 2 : 0;
	return at < size ? at : 0;
}

static uint32_t crc32(uint32_t *table, const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = (table[i] >> 1) ^ ((table[i] & 1) != 0 ? 0xedb88320u : 0);
	}
	while (len-- > 0)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

int64_t inflate_gzip(const uint8_t *in, size_t size, size_t *used, uint8_t *out, size_t room,
		     struct inflate_work *work, const struct progress *progress)
{
	size_t at = header_size(in, size);
	struct state s = { .in = in,
			   .size = size,
			   .pos = at,
			   .out = out,
			   .room = room,
			   .work = work,
			   .progress = progress };
	uint32_t trailer[2];
	int rc = at != 0 ? blocks(&s) : -EINVAL;

	if (rc != 0)
		return rc;
	if (size - s.pos < sizeof(trailer))
		return -EINVAL;
	memcpy(trailer, in + s.pos, sizeof(trailer));
	if (trailer[1] != (uint32_t)s.len || trailer[0] != crc32(work->crc, out, s.len))
		return -EINVAL;
	*used = s.pos + sizeof(trailer);
	return (int64_t)s.len;
}
