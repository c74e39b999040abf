// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/frame.c
// Frames come back from a stream as they went in; no changed, lost or doubled byte is ever taken.

#include "mgmt/lib/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *feed(struct frame_reader *r, const char *bytes, size_t len)
{
	const char *found = NULL;

	for (size_t i = 0; i < len; i++) {
		const char *body = frame_take(r, (uint8_t)bytes[i]);

		found = body ? body : found;
	}
	return found;
}

static void whole_frames(void **state)
{
	struct frame_reader r = { .len = 0 };
	char frame[FRAME_ROOM];
	size_t n = frame_make(frame, "S 01234567");

	(void)state;
	assert_null(feed(&r, "noise\n", 6));
	assert_string_equal(feed(&r, frame, n), "S 01234567");
	/* A lost or changed mark does no harm. */
	assert_string_equal(feed(&r, frame + 1, n - 1), "S 01234567");
	frame[1] = 0x1c;
	assert_string_equal(feed(&r, frame, n), "S 01234567");
	frame[1] = FRAME_MARK;
	/* Half of one, then a whole one. */
	assert_null(feed(&r, frame, n / 2));
	assert_string_equal(feed(&r, frame, n), "S 01234567");
}

static void damaged_frames(void **state)
{
	static const char body[] = "D 89abcdef 12 aGVsbG8gd29ybGQ=";
	char frame[FRAME_ROOM], bad[FRAME_ROOM];
	size_t n = frame_make(frame, body);

	(void)state;
	for (size_t i = FRAME_MARKS; i + 1 < n; i++) {
		struct frame_reader r = { .len = 0 };

		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, frame, n);
			bad[i] ^= (char)(1u << bit);
			assert_null(feed(&r, bad, n));
		}
		memcpy(bad, frame, i); /* lost */
		memcpy(bad + i, frame + i + 1, n - i - 1);
		assert_null(feed(&r, bad, n - 1));
		memcpy(bad, frame, i + 1); /* doubled */
		memcpy(bad + i + 1, frame + i, n - i);
		assert_null(feed(&r, bad, n + 1));
	}
}

static void endless_frame(void **state)
{
	struct frame_reader r = { .len = 0 };

	(void)state;
	frame_take(&r, FRAME_MARK);
	for (unsigned i = 0; i < 3 * FRAME_ROOM; i++)
		assert_null(frame_take(&r, 'x'));
	assert_false(r.inside);
}

static void base64(void **state)
{
	uint8_t bytes[100], back[100];
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		base64_encode(text, bytes, n);
		assert_int_equal(base64_decode(back, sizeof(back), text), n);
		assert_memory_equal(bytes, back, n);
	}
	base64_encode(text, "any carnal pleas", 16);
	assert_string_equal(text, "YW55IGNhcm5hbCBwbGVhcw==");
	assert_int_equal(base64_decode(back, 100, "abc"), -1);
	assert_int_equal(base64_decode(back, 100, "ab=c"), -1);
	assert_int_equal(base64_decode(back, 100, "a==="), -1);
	assert_int_equal(base64_decode(back, 100, "ab==abcd"), -1);
	assert_int_equal(base64_decode(back, 100, "ab!d"), -1);
	assert_int_equal(base64_decode(back, 2, "abcd"), -1);
}

/* The check value of the standard's CRC-32, and the same in two parts. */
static void crc(void **state)
{
	(void)state;
	assert_int_equal(frame_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(frame_crc32(frame_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(frame_crc32(0, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_frames),  cmocka_unit_test(damaged_frames),
		cmocka_unit_test(endless_frame), cmocka_unit_test(base64),
		cmocka_unit_test(crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
