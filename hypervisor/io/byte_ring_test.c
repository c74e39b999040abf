// SPDX-License-Identifier: GPL-2.0-or-later
// Random reads and writes against a plain array as the model, over many wraps of ring and counters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "io/byte_ring.h"

static void test_against_model(void **state)
{
	(void)state;
	static uint8_t bytes[64];
	struct byte_ring r = BYTE_RING_INIT(bytes);
	/* Close to the wrap of the counters. */
	r.head = r.tail = UINT32_MAX - 1000;
	uint8_t in = 0, out = 0;
	srand(7);
	for (unsigned int round = 0; round < 100000; round++) {
		uint8_t buf[80];
		size_t len = (size_t)rand() % sizeof(buf);
		if (rand() & 1) {
			for (size_t i = 0; i < len; i++)
				buf[i] = (uint8_t)(in + i);
			size_t room = byte_ring_free(&r), n = byte_ring_write(&r, buf, len);
			assert_int_equal(n, MIN(len, room));
			in = (uint8_t)(in + n);
		} else {
			size_t used = byte_ring_used(&r), n = byte_ring_read(&r, buf, len);
			assert_int_equal(n, MIN(len, used));
			for (size_t i = 0; i < n; i++)
				assert_int_equal(buf[i], out++);
		}
	}
}

static void test_single_bytes(void **state)
{
	(void)state;
	static uint8_t bytes[4];
	struct byte_ring r = BYTE_RING_INIT(bytes);
	uint8_t b;
	assert_false(byte_ring_take(&r, &b));
	for (uint8_t i = 0; i < 4; i++)
		assert_true(byte_ring_put(&r, i));
	assert_false(byte_ring_put(&r, 9));
	for (uint8_t i = 0; i < 4; i++) {
		assert_true(byte_ring_take(&r, &b));
		assert_int_equal(b, i);
	}
	assert_false(byte_ring_take(&r, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_single_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
