// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: io/chardev.c
// A fake device with a line of bytes that come in and a limit on what goes out at once. Nothing may
// be lost or reordered when the reader is slow, and the listener must hear of every change for the
// better, with the lock free.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "io/chardev.h"
#include "tests/host/host.h"

static uint8_t rx_bytes[16], tx_bytes[16];
static uint8_t incoming[1000], outgoing[1000];
static size_t in_at, in_end, out_at, out_limit;
static unsigned int notified;

static void service(struct chardev *d)
{
	uint8_t b;
	assert_true(lock_held(&d->lock));
	while (in_at < in_end && byte_ring_put(&d->rx, incoming[in_at]))
		in_at++;
	while (out_at < out_limit && byte_ring_take(&d->tx, &b))
		outgoing[out_at++] = b;
}

static const struct chardev_ops ops = { .service = service };
static struct chardev dev = {
	.name = "fake0",
	.ops = &ops,
	.rx = BYTE_RING_INIT(rx_bytes),
	.tx = BYTE_RING_INIT(tx_bytes),
};

static void on_notify(void *arg)
{
	assert_ptr_equal(arg, &notified);
	assert_false(lock_held(&dev.lock));
	notified++;
}

static void test_registry(void **state)
{
	(void)state;
	chardev_register(&dev);
	assert_ptr_equal(chardev_find("fake0"), &dev);
	assert_null(chardev_find("fake1"));
	chardev_set_notify(&dev, on_notify, &notified);
}

static void test_receive_with_a_slow_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(incoming); i++)
		incoming[i] = (uint8_t)(i * 7);
	assert_false(chardev_can_read(&dev));
	notified = 0;
	in_end = sizeof(incoming);
	chardev_interrupt(&dev);
	assert_int_equal(notified, 1);
	assert_int_equal(in_at, 16); /* the rest waits in the device */
	chardev_interrupt(&dev);
	assert_int_equal(notified, 1); /* nothing new */
	size_t got = 0;
	while (got < sizeof(incoming)) {
		uint8_t buf[5];
		size_t n = chardev_read(&dev, buf, sizeof(buf));
		assert_true(n > 0);
		assert_memory_equal(buf, incoming + got, n);
		got += n;
	}
	assert_false(chardev_can_read(&dev));
	assert_int_equal(chardev_read(&dev, rx_bytes, 1), 0);
}

static void test_transmit(void **state)
{
	(void)state;
	uint8_t text[100];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(200 - i);
	out_limit = 3; /* the device is slow */
	notified = 0;
	assert_int_equal(chardev_write(&dev, text, sizeof(text)), 16);
	assert_int_equal(out_at, 3);
	assert_int_equal(chardev_write(&dev, text + 16, sizeof(text) - 16), 3);
	assert_int_equal(chardev_write(&dev, text + 19, sizeof(text) - 19), 0);
	assert_int_equal(chardev_room(&dev), 0);
	assert_int_equal(chardev_unsent(&dev), 16);
	assert_false(chardev_can_write(&dev));
	assert_int_equal(notified, 0);
	out_limit = 6; /* room of less than a quarter: no news yet */
	chardev_interrupt(&dev);
	assert_int_equal(notified, 0);
	out_limit = 8;
	chardev_interrupt(&dev);
	assert_int_equal(notified, 1);
	assert_true(chardev_can_write(&dev));
	out_limit = sizeof(outgoing);
	chardev_interrupt(&dev);
	assert_int_equal(notified, 1);
	assert_memory_equal(outgoing, text, out_at);
	assert_int_equal(out_at, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_receive_with_a_slow_reader),
		cmocka_unit_test(test_transmit),
	};
	host_cpu_init(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
