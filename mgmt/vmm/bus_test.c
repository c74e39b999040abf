// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/bus.c mgmt/vmm/lock.c
// Claims and their refusals; accesses that fit, that are too wide, that cross the end of a range;
// what nobody claims; which accesses take the device's lock.

#include "vmm/bus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct bus bus;
static struct mutex lock;
static char log_text[256];

static void note(char what, const char *device, uint64_t offset, unsigned size)
{
	bool free_lock = mutex_try(&lock);
	size_t at = strlen(log_text);

	if (free_lock)
		mutex_unlock(&lock);
	snprintf(log_text + at, sizeof(log_text) - at, "%c%s+%u/%u%s ", what, device,
		 (unsigned)offset, size, free_lock ? "!" : "");
}

static uint64_t read_device(void *device, uint64_t offset, unsigned size)
{
	note('r', device, offset, size);
	return 0x1111111111111111 * (offset + 1);
}

static void write_device(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	(void)value;
	note('w', device, offset, size);
}

static const struct bus_ops wide = {
	.name = "wide", .max_size = 8, .read = read_device, .write = write_device
};
static const struct bus_ops narrow = {
	.name = "narrow", .max_size = 1, .read = read_device, .write = write_device
};
static const struct bus_ops unlocked = { .name = "unlocked",
					 .max_size = 4,
					 .read = read_device,
					 .write = write_device,
					 .free_reads = true };

static int claim(enum bus_space space, uint64_t start, uint64_t size, const struct bus_ops *ops)
{
	return bus_claim(&bus, space, start, size, ops, (void *)ops->name, &lock);
}

static int empty(void **state)
{
	(void)state;
	memset(&bus, 0, sizeof(bus));
	log_text[0] = '\0';
	return 0;
}

static void expect_log(const char *text)
{
	assert_string_equal(log_text, text);
	log_text[0] = '\0';
}

static void claims(void **state)
{
	(void)state;
	assert_int_equal(claim(BUS_PORT, 0x100, 8, &wide), 0);
	assert_int_equal(claim(BUS_PORT, 0x107, 1, &wide), -EBUSY);
	assert_int_equal(claim(BUS_PORT, 0xf8, 9, &wide), -EBUSY);
	assert_int_equal(claim(BUS_PORT, 0xf8, 0x100, &wide), -EBUSY);
	assert_int_equal(claim(BUS_PORT, 0xf8, 8, &wide), 0);
	assert_int_equal(claim(BUS_PORT, 0x108, 1, &narrow), 0);
	assert_int_equal(claim(BUS_MEMORY, 0x100, 8, &wide), 0);
	assert_int_equal(claim(BUS_PORT, 0x200, 0, &wide), -EINVAL);
	assert_int_equal(claim(BUS_PORT, 0xffff, 2, &wide), -EINVAL);
	assert_int_equal(claim(BUS_PORT, 0xffff, 1, &narrow), 0);
	assert_int_equal(claim(BUS_MEMORY, UINT64_MAX, 2, &wide), -EINVAL);
	assert_int_equal(claim(BUS_MEMORY, UINT64_MAX, 1, &wide), 0);
	for (unsigned i = 2; i < BUS_RANGES_MAX; i++)
		assert_int_equal(claim(BUS_MEMORY, 0x1000 * i, 8, &wide), 0);
	assert_int_equal(claim(BUS_MEMORY, 0x900000, 8, &wide), -ENOSPC);
	bus_read(&bus, BUS_PORT, 0x108, 1);
	bus_read(&bus, BUS_PORT, 0xff, 1);
	bus_read(&bus, BUS_PORT, 0xffff, 1);
	expect_log("rnarrow+0/1 rwide+7/1 rnarrow+0/1 ");
}

static void sizes(void **state)
{
	(void)state;
	claim(BUS_PORT, 0x10, 4, &narrow);
	claim(BUS_MEMORY, 0x1000, 8, &wide);
	assert_int_equal(bus_read(&bus, BUS_PORT, 0x10, 4), 0x44332211);
	expect_log("rnarrow+0/1 rnarrow+1/1 rnarrow+2/1 rnarrow+3/1 ");
	assert_int_equal(bus_read(&bus, BUS_MEMORY, 0x1000, 8), 0x1111111111111111);
	assert_int_equal(bus_read(&bus, BUS_MEMORY, 0x1001, 2), 0x2222);
	expect_log("rwide+0/8 rwide+1/2 ");
	/* Over the end: what is not there is ones. */
	assert_int_equal(bus_read(&bus, BUS_MEMORY, 0x1006, 4), 0xffff7777);
	assert_int_equal(bus_read(&bus, BUS_PORT, 0x13, 2), 0xff44);
	expect_log("rwide+6/2 rnarrow+3/1 ");
	bus_write(&bus, BUS_MEMORY, 0xffe, 4, 0x12345678);
	bus_write(&bus, BUS_PORT, 0xffff, 2, 0);
	expect_log("wwide+0/2 ");
	assert_int_equal(bus_read(&bus, BUS_PORT, 0xffff, 4), 0xffffffff);
	assert_true(bus_read(&bus, BUS_MEMORY, 0x5000, 8) == UINT64_MAX);
}

static void locks(void **state)
{
	(void)state;
	claim(BUS_PORT, 0x10, 4, &unlocked);
	bus_read(&bus, BUS_PORT, 0x10, 4);
	bus_write(&bus, BUS_PORT, 0x10, 4, 0);
	expect_log("runlocked+0/4! wunlocked+0/4 ");
}

/* What others leave of a window is its device's; an access goes by its first byte. */
static void windows(void **state)
{
	(void)state;
	assert_int_equal(bus_set_window(&bus, BUS_PORT, 0xff00, 0x101, &wide, NULL, &lock),
			 -EINVAL);
	assert_int_equal(bus_set_window(&bus, BUS_PORT, 0xc000, 0, &wide, NULL, &lock), -EINVAL);
	assert_int_equal(
		bus_set_window(&bus, BUS_PORT, 0xc000, 0x4000, &wide, (void *)"window", &lock), 0);
	assert_int_equal(bus_set_window(&bus, BUS_PORT, 0x100, 0x10, &wide, NULL, &lock), -EBUSY);
	assert_int_equal(claim(BUS_PORT, 0xc010, 1, &narrow), 0);
	bus_read(&bus, BUS_PORT, 0xc000, 4);
	bus_read(&bus, BUS_PORT, 0xc010, 1);
	bus_read(&bus, BUS_PORT, 0xc010, 2);
	bus_write(&bus, BUS_PORT, 0xffff, 1, 0);
	expect_log("rwindow+0/4 rnarrow+0/1 rnarrow+0/1 rwindow+17/1 wwindow+16383/1 ");
	assert_int_equal(bus_read(&bus, BUS_PORT, 0xbfff, 1), 0xff);
	assert_int_equal(bus_port_read(&bus, 0xc004, 2), 0x5555);
	assert_int_equal(bus_read(&bus, BUS_MEMORY, 0xc000, 4), 0xffffffff);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(claims, empty),
		cmocka_unit_test_setup(sizes, empty),
		cmocka_unit_test_setup(locks, empty),
		cmocka_unit_test_setup(windows, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
