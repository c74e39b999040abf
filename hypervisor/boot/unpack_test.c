// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/unpack.c
// TEST-LIBS: -lz
// zlib packs, we unpack: text, noise, runs, all levels and block kinds; then every cut and many
// spoilt bytes, which must end in an error or in the right bytes, within bounds (ASan watches). LZ4
// blocks are written by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#include "boot/unpack.h"
#include "lib/errno.h"
#include "lib/lz4.h"

#define PLAIN_MAX 300000

static struct inflate_work work;
static uint8_t plain[PLAIN_MAX], out[PLAIN_MAX + 64];

/* What the unpacker has told of its progress. */
static struct {
	size_t last;
	unsigned int count;
	bool fell;
} told;

static void tell(void *arg, size_t done)
{
	(void)arg;
	told.fell |= done < told.last;
	told.last = done;
	told.count++;
}

static const struct progress progress = { .tell = tell };

/* A gzip member on a heap block of its own size, so that reading past it is seen. */
static uint8_t *pack(size_t len, int level, int strategy, size_t *size)
{
	z_stream z = { .next_in = plain, .avail_in = (uInt)len };
	size_t room = len + len / 10 + 1000;
	uint8_t *packed = malloc(room);

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, strategy), Z_OK);
	z.next_out = packed;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	*size = z.total_out;
	deflateEnd(&z);
	return realloc(packed, *size);
}

static void fill_plain(unsigned int kind, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (kind) {
		case 0: plain[i] = (uint8_t)(rand() >> 8); break;
		case 1: plain[i] = (uint8_t) "the quick brown fox "[(i + i / 97) % 20]; break;
		case 2: plain[i] = (uint8_t)(i / 5000); break;
		default: plain[i] = (uint8_t)((rand() & 7) * (i % 3)); break;
		}
	}
}

static void test_gzip(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 70000, PLAIN_MAX };

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		for (unsigned int n = 0; n < ARRAY_SIZE(sizes); n++) {
			for (int level = 0; level <= 9; level += 3) {
				size_t size, used = 0, len = sizes[n];
				int strategy = level == 3 ? Z_FIXED : Z_DEFAULT_STRATEGY;
				uint8_t *packed;

				fill_plain(kind, len);
				packed = pack(len, level, strategy, &size);
				assert_int_equal(
					inflate_gzip(packed, size, &used, out, len, &work, NULL),
					len);
				assert_int_equal(used, size);
				assert_memory_equal(out, plain, len);
				if (len > 0)
					assert_int_equal(inflate_gzip(packed, size, &used, out,
								      len - 1, &work, NULL),
							 -ENOSPC);
				free(packed);
			}
		}
	}
}

static void test_gzip_cut(void **state)
{
	size_t size, used;
	uint8_t *packed;

	(void)state;
	fill_plain(3, 3000);
	packed = pack(3000, 9, Z_DEFAULT_STRATEGY, &size);
	for (size_t cut = 0; cut < size; cut++) {
		/* Of its own size, so that reading past it is seen. */
		uint8_t *copy = malloc(MAX(cut, (size_t)1));

		memcpy(copy, packed, cut);
		assert_int_equal(inflate_gzip(copy, cut, &used, out, 3000, &work, NULL), -EINVAL);
		free(copy);
	}
	free(packed);
}

static void test_gzip_spoilt(void **state)
{
	size_t size, used;
	uint8_t *packed;

	(void)state;
	fill_plain(3, 3000);
	packed = pack(3000, 9, Z_DEFAULT_STRATEGY, &size);
	for (size_t i = 0; i < size * 8; i++) {
		int64_t n;

		packed[i / 8] ^= (uint8_t)(1 << (i % 8));
		n = inflate_gzip(packed, size, &used, out, 3000, &work, NULL);
		/* In the header there are bytes that say nothing. */
		assert_true(n < 0 || (n == 3000 && memcmp(out, plain, 3000) == 0));
		packed[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
	free(packed);
}

static void test_lz4(void **state)
{
	/* "abcd", then 12 bytes from 4 back; then "xyz". */
	static const uint8_t good[] = { 2,   0x21, 0x4c, 0x18, 11, 0,    0,   0,   0x48, 'a',
					'b', 'c',  'd',  4,    0,  0x30, 'x', 'y', 'z' };
	uint8_t bad[sizeof(good)];
	size_t used;

	(void)state;
	assert_int_equal(lz4_legacy(good, sizeof(good), &used, out, 100, NULL), 19);
	assert_int_equal(used, sizeof(good));
	assert_memory_equal(out, "abcdabcdabcdabcdxyz", 19);
	for (size_t room = 0; room < 19; room++)
		assert_int_equal(lz4_legacy(good, sizeof(good), &used, out, room, NULL), -ENOSPC);
	for (size_t cut = 8; cut < sizeof(good); cut++)
		assert_int_equal(lz4_legacy(good, cut, &used, out, 100, NULL), -EINVAL);
	memcpy(bad, good, sizeof(bad));
	bad[13] = 5; /* reaches before the beginning */
	assert_int_equal(lz4_legacy(bad, sizeof(bad), &used, out, 100, NULL), -EINVAL);
	bad[13] = 0;
	assert_int_equal(lz4_legacy(bad, sizeof(bad), &used, out, 100, NULL), -EINVAL);
	for (unsigned int i = 0; i < 100000; i++) {
		memcpy(bad, good, sizeof(bad));
		bad[4 + rand() % (sizeof(bad) - 4)] = (uint8_t)rand();
		assert_true(lz4_legacy(bad, sizeof(bad), &used, out, 64, NULL) <= 64);
	}
}

/* The newc archive of one empty file "x", with the end. */
#define ZEROS "00000000"
static const char newc[] =
	"070701" ZEROS "000081A4" ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS
	"00000002" ZEROS "x\0"
	"070701" ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS "0000000B" ZEROS
	"TRAILER!!!\0\0\0\0";
#define NEWC_SIZE (sizeof(newc) - 1)

static void test_parts(void **state)
{
	static uint8_t in[4096];
	struct unpack_result r;
	uint8_t *packed;
	size_t size;

	(void)state;
	memcpy(plain, newc, NEWC_SIZE);
	packed = pack(NEWC_SIZE, 9, Z_DEFAULT_STRATEGY, &size);
	memcpy(in, newc, NEWC_SIZE);
	assert_false(unpack_needed(in, NEWC_SIZE));
	memcpy(in + NEWC_SIZE, packed, size);
	memcpy(in + ALIGN_UP(NEWC_SIZE + size, 4), newc, NEWC_SIZE);
	size = ALIGN_UP(NEWC_SIZE + size, 4) + NEWC_SIZE;
	assert_true(unpack_needed(in, size));
	r = unpack(in, size, out, sizeof(out), &work, &progress);
	assert_null(r.what);
	assert_int_equal(r.size, 3 * ALIGN_UP(NEWC_SIZE, 4));
	for (unsigned int i = 0; i < 3; i++)
		assert_memory_equal(out + i * ALIGN_UP(NEWC_SIZE, 4), newc, NEWC_SIZE);
	r = unpack(in, size, out, NEWC_SIZE, &work, &progress);
	assert_string_equal(r.what, "does not fit into memory");
	in[NEWC_SIZE + 20] ^= 0xff;
	r = unpack(in, size, out, sizeof(out), &work, &progress);
	assert_string_equal(r.what, "gzip: damaged or cut");
	assert_int_equal(r.at, NEWC_SIZE);
	assert_int_equal(r.size, ALIGN_UP(NEWC_SIZE, 4));
	free(packed);
}

/* Two parts: what is told rises over both, to the end of the last one's blocks. */
static void test_progress(void **state)
{
	static uint8_t in[2 * PLAIN_MAX], big[2 * PLAIN_MAX];
	size_t size, whole;
	uint8_t *packed;

	(void)state;
	fill_plain(3, PLAIN_MAX);
	packed = pack(PLAIN_MAX, 6, Z_DEFAULT_STRATEGY, &size);
	memcpy(in, packed, size);
	whole = ALIGN_UP(size, 4) + size;
	memcpy(in + ALIGN_UP(size, 4), packed, size);
	told.last = told.count = 0;
	told.fell = false;
	assert_null(unpack(in, whole, big, sizeof(big), &work, &progress).what);
	assert_false(told.fell);
	assert_in_range(told.count, 4, 100);
	assert_in_range(told.last, whole - 8, whole); /* the trailer is no block */
	free(packed);
}

/* Bytes that the decoder has only read ahead, at the end of an empty coded block, are not told of.
 */
static void test_progress_reads_ahead(void **state)
{
	static const uint8_t in[] = { 0x1f, 0x8b, 8, 0, 0,    0,    0, 0, 0, 0xff, /* header */
				      0x02, 0x04, 0, 0, 0xff, 0xff, /* coded, then stored */
				      0,    0,    0, 0, 0,    0,    0, 0 };

	(void)state;
	told.last = told.count = 0;
	told.fell = false;
	assert_null(unpack(in, sizeof(in), out, sizeof(out), &work, &progress).what);
	assert_int_equal(told.count, 2);
	assert_false(told.fell);
	assert_int_equal(told.last, sizeof(in) - 8);
}

static void test_unknown(void **state)
{
	static const char xz[] = "\xfd"
				 "7zXZ\0",
			  noise[] = "noise";
	struct unpack_result r =
		unpack((const uint8_t *)xz, sizeof(xz), out, sizeof(out), &work, &progress);

	(void)state;
	assert_string_equal(r.what, "xz: expected plain, gzip or lz4 -l");
	r = unpack((const uint8_t *)noise, sizeof(noise), out, sizeof(out), &work, &progress);
	assert_non_null(strstr(r.what, "no archive"));
	/* Begins like a plain archive, and no reader takes it. */
	r = unpack((const uint8_t *)"07070x and more", 15, out, sizeof(out), &work, &progress);
	assert_non_null(strstr(r.what, "no archive"));
	assert_int_equal(r.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gzip),        cmocka_unit_test(test_gzip_cut),
		cmocka_unit_test(test_gzip_spoilt), cmocka_unit_test(test_lz4),
		cmocka_unit_test(test_parts),       cmocka_unit_test(test_progress),
		cmocka_unit_test(test_unknown),     cmocka_unit_test(test_progress_reads_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
