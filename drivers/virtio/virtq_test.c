// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/virtio/virtq.c
// The rings against a device that keeps to the rules, over many rounds of the counters, and against
// one that breaks each of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/virtio/virtq.h"
#include "lib/errno.h"

static struct virtq_rings rings;
static struct virtq q;
static uint16_t device_seen; /* how far the device has read what it was given */

static int setup(void **state)
{
	(void)state;
	memset(&rings, 0, sizeof(rings));
	virtq_init(&q, &rings, 8);
	device_seen = 0;
	return 0;
}

/* The device's next buffer. */
static uint16_t device_get(void)
{
	assert_int_not_equal(device_seen, rings.avail.index);
	return rings.avail.ring[device_seen++ % 8];
}

static void device_put(uint32_t id, uint32_t length)
{
	rings.used.ring[rings.used.index % 8] = (struct virtq_used_item){ id, length };
	rings.used.index++;
}

static void give(uint16_t id)
{
	virtq_give(&q, id, 0x1000 * (id + 1ull), 100, true);
}

static void expect_taken(uint16_t id, uint32_t length)
{
	const char *why = NULL;
	uint16_t got;
	uint32_t bytes;

	assert_int_equal(virtq_take(&q, &got, &bytes, &why), 1);
	assert_int_equal(got, id);
	assert_int_equal(bytes, length);
	assert_null(why);
}

static void expect_none(void)
{
	const char *why;
	uint16_t id;
	uint32_t bytes;

	assert_int_equal(virtq_take(&q, &id, &bytes, &why), 0);
}

static void expect_refused(const char *sentence)
{
	const char *why = NULL;
	uint16_t id;
	uint32_t bytes;

	for (int again = 0; again < 2; again++) {
		assert_int_equal(virtq_take(&q, &id, &bytes, &why), -EIO);
		assert_string_equal(why, sentence);
	}
}

static void test_rounds(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		uint16_t first, second;

		give(3);
		give(5);
		first = device_get();
		second = device_get();
		assert_int_equal(first, 3);
		assert_int_equal(second, 5);
		assert_int_equal(rings.desc[5].address, 0x6000);
		assert_int_equal(rings.desc[5].length, 100);
		assert_int_equal(rings.desc[5].flags, 2);
		expect_none();
		/* In another order than they were given. */
		device_put(second, 100);
		expect_taken(5, 100);
		device_put(first, round % 101);
		expect_taken(3, round % 101);
		expect_none();
		assert_int_equal(q.given, 0);
	}
}

static void test_all_given(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(virtq_free(&q), i);
		virtq_give(&q, (uint16_t)i, 0x1000, 512, false);
	}
	assert_int_equal(rings.desc[7].flags, 0);
	assert_int_equal(virtq_free(&q), -1);
	for (int i = 0; i < 8; i++)
		device_put(device_get(), 0);
	expect_taken(0, 0);
	assert_int_equal(virtq_free(&q), 0);
}

static void test_too_many(void **state)
{
	(void)state;
	give(0);
	device_put(0, 1);
	device_put(0, 1);
	expect_refused("more buffers used than given");
	rings.used.index = 0xffff; /* it runs backwards */
	expect_refused("more buffers used than given");
}

static void test_not_its_buffer(void **state)
{
	(void)state;
	give(0);
	give(1);
	device_put(2, 1);
	expect_refused("a buffer used that it has not got");
	rings.used.ring[0].id = 8;
	expect_refused("a buffer used that it has not got");
	rings.used.ring[0].id = 0x10000;
	expect_refused("a buffer used that it has not got");
	rings.used.ring[0].id = 0;
	expect_taken(0, 1);
	device_put(0, 1); /* once more */
	expect_refused("a buffer used that it has not got");
}

static void test_too_long(void **state)
{
	(void)state;
	give(0);
	device_put(0, 101);
	expect_refused("more bytes than the buffer has");
	rings.used.ring[0].length = 0xffffffff;
	expect_refused("more bytes than the buffer has");
	/* What it does to the descriptor changes nothing. */
	rings.desc[0].length = 0xffffffff;
	expect_refused("more bytes than the buffer has");
	rings.used.ring[0].length = 100;
	expect_taken(0, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rounds, setup),
		cmocka_unit_test_setup(test_all_given, setup),
		cmocka_unit_test_setup(test_too_many, setup),
		cmocka_unit_test_setup(test_not_its_buffer, setup),
		cmocka_unit_test_setup(test_too_long, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
