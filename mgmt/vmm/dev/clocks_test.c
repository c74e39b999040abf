// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/machine.c mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/console.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/fake/fake_vm.c mgmt/vmm/fake/fake_time.c mgmt/vmm/fake/fake_chan.c
// TEST-WITH: mgmt/vmm/dev/uart.c mgmt/vmm/dev/rtc.c mgmt/vmm/dev/pit.c mgmt/vmm/dev/pci.c
// TEST-WITH: mgmt/vmm/dev/pm.c mgmt/vmm/dev/fw_cfg.c mgmt/vmm/dev/simple.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/dev/virtio_blk.c mgmt/vmm/dev/virtio_pci.c mgmt/vmm/dev/virtio.c
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/dev/msix.c mgmt/vmm/dev/disk.c
// TEST-WITH: mgmt/vmm/dev/pci_function.c
// Devices with a clock: PIT, RTC, PM timer and power button, in a time that the tests move.

#include "vmm/dev/board_test.h"

#define MS 1000000ull
#define S  1000000000ull

/* ---- PIT ---- */

static uint16_t pit_count(unsigned channel)
{
	uint8_t low;

	outb(0x43, (uint8_t)(channel << 6)); /* latch */
	low = inb((uint16_t)(0x40 + channel));
	return (uint16_t)(low | inb((uint16_t)(0x40 + channel)) << 8);
}

static void pit_load(unsigned channel, unsigned mode, uint16_t count)
{
	outb(0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1));
	outb((uint16_t)(0x40 + channel), (uint8_t)count);
	outb((uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static void pit_periodic(void **state)
{
	unsigned before;

	(void)state;
	pit_load(0, 2, 1193); /* about 1 ms */
	before = fake_vm.line_rises[GSI_PIT];
	fake_time_advance(100 * MS);
	assert_in_range(fake_vm.line_rises[GSI_PIT] - before, 99, 101);
	outb(0x43, 0x30); /* a new mode word stops it */
	before = fake_vm.line_rises[GSI_PIT];
	fake_time_advance(100 * MS);
	assert_in_range(fake_vm.line_rises[GSI_PIT] - before, 0, 1);
}

static void pit_one_shot(void **state)
{
	unsigned before;

	(void)state;
	pit_load(0, 0, 11932); /* 10 ms */
	assert_false(fake_vm.line[GSI_PIT]);
	before = fake_vm.line_rises[GSI_PIT];
	fake_time_advance(9 * MS);
	assert_int_equal(fake_vm.line_rises[GSI_PIT], before);
	fake_time_advance(2 * MS);
	assert_int_equal(fake_vm.line_rises[GSI_PIT], before + 1);
	assert_true(fake_vm.line[GSI_PIT]);
	fake_time_advance(S);
	assert_int_equal(fake_vm.line_rises[GSI_PIT], before + 1);
}

static void pit_counts(void **state)
{
	uint16_t a, b;

	(void)state;
	pit_load(0, 2, 0xffff);
	a = pit_count(0);
	fake_time_advance(MS);
	b = pit_count(0);
	assert_in_range(a - b, 1192, 1194);
	/* A latched count stays until it is read, whole. */
	outb(0x43, 0);
	fake_time_advance(MS);
	a = inb(0x40);
	a |= (uint16_t)(inb(0x40) << 8);
	assert_in_range(b - a, 0, 2);
	/* Read-back: status of channel 0: output, mode 2, both bytes. */
	outb(0x43, 0xe2);
	assert_int_equal(inb(0x40) & 0x3f, 0x34);
}

static void pit_bcd(void **state)
{
	(void)state;
	outb(0x43, 0x35); /* mode 2, BCD */
	outb(0x40, 0x00);
	outb(0x40, 0x10);          /* 1000 */
	fake_time_advance(419048); /* 500 ticks */
	assert_in_range(pit_count(0), 0x499, 0x500);
}

/* How Linux calibrates: gate of channel 2 by port 0x61, wait for its output. */
static void pit_gate_and_output(void **state)
{
	uint8_t refresh;

	(void)state;
	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
	pit_load(2, 0, 11932);
	assert_int_equal(inb(0x61) & 0x21, 0x01);
	fake_time_advance(9 * MS);
	assert_int_equal(inb(0x61) & 0x20, 0);
	fake_time_advance(2 * MS);
	assert_int_equal(inb(0x61) & 0x20, 0x20);
	/* Refresh toggles. */
	refresh = inb(0x61) & 0x10;
	fake_time_advance(15085);
	assert_int_equal(inb(0x61) & 0x10, refresh ^ 0x10);
}

/* ---- RTC ---- */

#define RTC_TIME 1767323045ll /* 2026-01-02 03:04:05 */

static void set_wall(int64_t seconds)
{
	fake_wall = seconds * (int64_t)S - (int64_t)fake_now;
}

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static void set_cmos(uint8_t reg, uint8_t value)
{
	outb(0x70, reg);
	outb(0x71, value);
}

static void rtc_reads_time(void **state)
{
	(void)state;
	set_wall(RTC_TIME);
	assert_int_equal(cmos(0), 0x05);
	assert_int_equal(cmos(2), 0x04);
	assert_int_equal(cmos(4), 0x03);
	assert_int_equal(cmos(6), 6); /* Friday */
	assert_int_equal(cmos(7), 0x02);
	assert_int_equal(cmos(8), 0x01);
	assert_int_equal(cmos(9), 0x26);
	assert_int_equal(cmos(0x32), 0x20);
	assert_int_equal(cmos(13), 0x80);
	set_cmos(11, 0x04); /* binary, 12 hours */
	fake_time_advance(12 * 3600 * S);
	assert_int_equal(cmos(4), 0x83);
	assert_int_equal(cmos(9), 26);
	assert_int_equal(inb(0x70), 0xff);
}

static void rtc_sets_time(void **state)
{
	(void)state;
	set_wall(RTC_TIME);
	set_cmos(11, 0x82);
	set_cmos(0, 0x59);
	set_cmos(2, 0x59);
	set_cmos(4, 0x23);
	set_cmos(7, 0x31);
	set_cmos(8, 0x12);
	set_cmos(9, 0x99);
	fake_time_advance(5 * S); /* it stands still */
	assert_int_equal(cmos(0), 0x59);
	set_cmos(11, 0x02);
	fake_time_advance(S);
	assert_int_equal(cmos(0), 0);
	assert_int_equal(cmos(9), 0);
	assert_int_equal(cmos(0x32), 0x21);
	assert_int_equal(cmos(8), 1);
}

static void rtc_update_in_progress(void **state)
{
	(void)state;
	set_wall(RTC_TIME);
	assert_int_equal(cmos(10) & 0x80, 0);
	fake_time_advance(S - 100000);
	assert_int_equal(cmos(10) & 0x80, 0x80);
	fake_time_advance(100000);
	assert_int_equal(cmos(10) & 0x80, 0);
}

static void rtc_interrupts(void **state)
{
	unsigned rises = 0;

	(void)state;
	set_wall(RTC_TIME);
	cmos(12);
	set_cmos(11, 0x12); /* at each update */
	assert_false(fake_vm.line[GSI_RTC]);
	fake_time_advance(S);
	assert_true(fake_vm.line[GSI_RTC]);
	assert_int_equal(cmos(12) & 0x90, 0x90);
	assert_false(fake_vm.line[GSI_RTC]);
	assert_int_equal(cmos(12) & 0x80, 0);
	/* Alarm two seconds on. */
	set_cmos(1, 0x08);
	set_cmos(3, 0xff);
	set_cmos(5, 0xff);
	set_cmos(11, 0x22);
	fake_time_advance(S);
	assert_false(fake_vm.line[GSI_RTC]);
	fake_time_advance(S);
	assert_true(fake_vm.line[GSI_RTC]);
	assert_int_equal(cmos(12) & 0xa0, 0xa0);
	/* 1024 Hz. */
	set_cmos(11, 0x42);
	for (unsigned i = 0; i < 1000; i++) {
		fake_time_advance(MS);
		if (fake_vm.line[GSI_RTC])
			rises++;
		cmos(12);
	}
	assert_in_range(rises, 990, 1000);
	set_cmos(11, 0x02);
	assert_false(fake_vm.line[GSI_RTC]);
}

/* Periods that pass while register C is read are signalled by an edge of their own. */
static void rtc_edge_after_read(void **state)
{
	(void)state;
	set_cmos(11, 0x42);
	fake_look = MS;
	for (unsigned i = 0; i < 100; i++) {
		unsigned rises = fake_vm.line_rises[GSI_RTC];

		assert_int_equal(cmos(12) & 0xc0, 0xc0);
		assert_int_equal(fake_vm.line_rises[GSI_RTC], rises + fake_vm.line[GSI_RTC]);
	}
	fake_look = 0;
}

static void rtc_memory(void **state)
{
	(void)state;
	set_cmos(0x40, 0x77);
	assert_int_equal(cmos(0x40), 0x77);
	assert_int_equal(cmos(0x40 | 0x80), 0x77); /* bit 7 masks NMIs, it is no address */
	assert_int_equal(cmos(0x15) | cmos(0x16) << 8, 640);
	assert_int_equal(cmos(0x17) | cmos(0x18) << 8, 3072);
	assert_int_equal(cmos(0x5f), 2); /* CPUs less one */
}

/* ---- power management ---- */

static void pm_timer(void **state)
{
	uint32_t a = inl(PM_BASE + 8);

	(void)state;
	fake_time_advance(S);
	assert_in_range(inl(PM_BASE + 8) - a, 3579544, 3579546);
	outl(PM_BASE + 8, 0); /* read-only */
	assert_true(inl(PM_BASE + 8) >= 3579544);
}

static void power_button(void **state)
{
	(void)state;
	machine_power_button(&board);
	assert_false(fake_vm.line[GSI_SCI]);
	assert_int_equal(inw(PM_BASE) & 0x100, 0x100);
	outw(PM_BASE + 2, 0x100);
	assert_true(fake_vm.line[GSI_SCI]);
	outw(PM_BASE, 0x100); /* write one to clear */
	assert_false(fake_vm.line[GSI_SCI]);
	assert_int_equal(inw(PM_BASE), 0);
	machine_power_button(&board);
	assert_true(fake_vm.line[GSI_SCI]);
	outw(PM_BASE + 2, 0);
	assert_false(fake_vm.line[GSI_SCI]);
}

static void pm_timer_overflow(void **state)
{
	(void)state;
	outw(PM_BASE + 2, 1);
	fake_time_advance(590 * S); /* half of 2^32 ticks take 599.9 s */
	assert_false(fake_vm.line[GSI_SCI]);
	fake_time_advance(11 * S);
	assert_true(fake_vm.line[GSI_SCI]);
	assert_int_equal(inw(PM_BASE) & 1, 1);
	outw(PM_BASE, 1);
	assert_false(fake_vm.line[GSI_SCI]);
}

static void sleep_states(void **state)
{
	(void)state;
	assert_int_equal(inw(PM_BASE + 4) & 1, 1); /* SCI_EN */
	outw(PM_BASE + 4, 3 << 10 | 1 << 13);      /* S3 is not there */
	expect_running();
	outw(PM_BASE + 4, SLP_TYP_S5 << 10);
	expect_running();
	outw(PM_BASE + 4, SLP_TYP_S5 << 10 | 1 << 13);
	expect_ended(MACHINE_STOP, 0, "powered off by the guest");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOARD_TEST(pit_periodic),        BOARD_TEST(pit_one_shot),
		BOARD_TEST(pit_counts),          BOARD_TEST(pit_bcd),
		BOARD_TEST(pit_gate_and_output), BOARD_TEST(rtc_reads_time),
		BOARD_TEST(rtc_sets_time),       BOARD_TEST(rtc_update_in_progress),
		BOARD_TEST(rtc_interrupts),      BOARD_TEST(rtc_edge_after_read),
		BOARD_TEST(rtc_memory),          BOARD_TEST(pm_timer),
		BOARD_TEST(power_button),        BOARD_TEST(pm_timer_overflow),
		BOARD_TEST(sleep_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
