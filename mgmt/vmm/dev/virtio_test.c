// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/machine.c mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/console.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/fake/fake_vm.c mgmt/vmm/fake/fake_time.c mgmt/vmm/fake/fake_chan.c
// TEST-WITH: mgmt/vmm/dev/uart.c mgmt/vmm/dev/rtc.c mgmt/vmm/dev/pit.c mgmt/vmm/dev/pci.c
// TEST-WITH: mgmt/vmm/dev/pm.c mgmt/vmm/dev/fw_cfg.c mgmt/vmm/dev/simple.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/dev/virtio_blk.c mgmt/vmm/dev/virtio_pci.c mgmt/vmm/dev/virtio.c
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/dev/msix.c mgmt/vmm/dev/disk.c
// TEST-WITH: mgmt/vmm/dev/pci_function.c
// A small driver of our own against the block device: BARs that move, capabilities, MSI-X,
// features, requests, and rings as they must not be.

#include "vmm/dev/board_test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/dev/pci.h"

#define SLOT     1
#define REGS     0xc0100000u
#define DOORBELL 0xc100u
#define DISK     (1u << 20)
#define IMAGE    "/tmp/strata-virtio-test-image"

/* Where the driver has its rings and buffers. */
#define DESC   0x1000u
#define AVAIL  0x2000u
#define USED   0x3000u
#define HEADER 0x4000u
#define DATA   0x5000u
#define STATUS 0x9000u
#define TABLE  0xa000u
#define QUEUE  8u

#define NEXT     1u
#define WRITE    2u
#define INDIRECT 4u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static unsigned requests; /* of this test */

/* ---- the machine ---- */

static int create(void **state)
{
	FILE *f = fopen(IMAGE, "wb");
	int ret;

	assert_non_null(f);
	for (unsigned i = 0; i < 3000; i++)
		fputc((int)(i % 251), f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(disk_open(&board_disks[0], IMAGE, DISK, false), 0);
	board_disks_wanted = 1;
	requests = 0;
	ret = board_create(state);
	board_disks_wanted = 0;
	return ret;
}

static int destroy(void **state)
{
	int ret = board_destroy(state);

	disk_close(&board_disks[0]);
	unlink(IMAGE);
	return ret;
}

#define DISK_TEST(f) cmocka_unit_test_setup_teardown(f, create, destroy)

static uint64_t config(unsigned reg, unsigned size)
{
	return bus_read(&board.bus, BUS_MEMORY, ECAM_BASE + SLOT * 0x8000 + reg, size);
}

static void set_config(unsigned reg, unsigned size, uint64_t value)
{
	bus_write(&board.bus, BUS_MEMORY, ECAM_BASE + SLOT * 0x8000 + reg, size, value);
}

static uint64_t get(unsigned offset, unsigned size)
{
	return bus_read(&board.bus, BUS_MEMORY, REGS + offset, size);
}

static void set(unsigned offset, unsigned size, uint64_t value)
{
	bus_write(&board.bus, BUS_MEMORY, REGS + offset, size, value);
}

/* The capability of the kind, its offset; 0: none. */
static unsigned find_cap(uint8_t id, int kind)
{
	unsigned at = (unsigned)config(PCI_CAPABILITIES, 1);

	while (at && (config(at, 1) != id || (kind >= 0 && config(at + 3, 1) != (uint64_t)kind)))
		at = (unsigned)config(at + 1, 1);
	return at;
}

/* ---- the driver ---- */

static void set_vectors(void)
{
	unsigned cap = find_cap(PCI_CAP_MSIX, -1);

	for (unsigned v = 0; v < 2; v++) {
		set(0x1000 + 16 * v, 4, 0xfee00000 | v << 12);
		set(0x1004 + 16 * v, 4, 0);
		set(0x1008 + 16 * v, 4, 0x40 + v);
		set(0x100c + 16 * v, 4, 0);
	}
	set_config(cap + 2, 2, 0x8000);
	set(16, 2, 0);
}

static void start_driver(uint64_t features)
{
	set_config(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEM | 4);
	set(20, 1, 0);
	assert_int_equal(get(20, 1), 0);
	set(20, 1, 1);
	set(20, 1, 3);
	set_vectors();
	for (uint32_t i = 0; i < 2; i++) {
		set(8, 4, i);
		set(12, 4, (uint32_t)(features >> (32 * i)));
	}
	set(20, 1, 11);
	assert_int_equal(get(20, 1), 11);
	set(22, 2, 0);
	set(24, 2, QUEUE);
	set(26, 2, 1);
	set(32, 4, DESC);
	set(36, 4, 0);
	set(40, 8, AVAIL);
	set(48, 8, USED);
	set(28, 2, 1);
	assert_int_equal(get(28, 2), 1);
	set(20, 1, 15);
}

static void *mem(uint32_t at)
{
	return board_memory + at;
}

static void describe(uint32_t table, unsigned n, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	((struct desc *)mem(table))[n] = (struct desc){ addr, len, flags, next };
}

static void header(uint32_t type, uint64_t sector)
{
	uint32_t h[4] = { type, 0, (uint32_t)sector, (uint32_t)(sector >> 32) };

	memcpy(mem(HEADER), h, sizeof(h));
	memset(mem(STATUS), 0xee, 1);
}

/* Makes `head` available and rings. */
static void ring(uint16_t head)
{
	uint16_t *avail = mem(AVAIL);

	avail[2 + requests % QUEUE] = head;
	__atomic_store_n(&avail[1], (uint16_t)++requests, __ATOMIC_SEQ_CST);
	bus_write(&board.bus, BUS_PORT, DOORBELL, 2, 0);
}

/* A request of three buffers; its status. */
static unsigned request(uint32_t type, uint64_t sector, uint32_t len)
{
	header(type, sector);
	describe(DESC, 0, HEADER, 16, NEXT, 1);
	describe(DESC, 1, DATA, len, NEXT | (type == 1 ? 0 : WRITE), 2);
	describe(DESC, 2, STATUS, 1, WRITE, 0);
	ring(0);
	fake_vm_wait_msis(requests);
	return *(uint8_t *)mem(STATUS);
}

static uint32_t used_len(void)
{
	return ((uint32_t *)mem(USED))[1 + 2 * ((requests - 1) % QUEUE) + 1];
}

/* ---- tests ---- */

static void bars_and_capabilities(void **state)
{
	(void)state;
	assert_int_equal(config(0, 4), 0x10421af4);
	assert_int_equal(config(8, 4), 0x01000001);
	assert_int_equal(config(0x10, 4), REGS);
	assert_int_equal(config(0x14, 4), DOORBELL | 1);
	/* Sizing. */
	set_config(0x10, 4, 0xffffffff);
	set_config(0x14, 4, 0xffffffff);
	assert_int_equal(config(0x10, 4), 0xffffe000);
	assert_int_equal(config(0x14, 4), 0xfffffffd);
	/* Nothing answers while it is not enabled, nor outside of the windows. */
	set_config(0x10, 4, REGS);
	assert_int_equal(get(18, 2), 0xffff);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEM);
	assert_int_equal(get(18, 2), 1);
	assert_int_equal(fake_vm.doorbell, 0);
	set_config(0x14, 4, 0x3f8);
	assert_int_equal(fake_vm.doorbell, 0);
	set_config(0x14, 4, 0xd000);
	assert_int_equal(fake_vm.doorbell, 0xd000);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEM);
	assert_int_equal(fake_vm.doorbell, 0);
	set_config(0x10, 4, REGS + 0x4000);
	assert_int_equal(get(18, 2), 0xffff);
	assert_int_equal(get(0x4000 + 18, 2), 1);
	for (int kind = 1; kind <= 5; kind++)
		assert_int_not_equal(find_cap(PCI_CAP_VENDOR, kind), 0);
	assert_int_equal(config(find_cap(PCI_CAP_MSIX, -1) + 2, 2), 1); /* two vectors */
}

static void through_configuration_space(void **state)
{
	unsigned cap = find_cap(PCI_CAP_VENDOR, 5);

	(void)state;
	set_config(cap + 4, 1, 0);
	set_config(cap + 8, 4, 18);
	set_config(cap + 12, 4, 2);
	assert_int_equal(config(cap + 16, 2), 1); /* num_queues */
	set_config(cap + 8, 4, 20);
	set_config(cap + 12, 4, 1);
	set_config(cap + 16, 1, 3);
	assert_int_equal(config(cap + 16, 1), 3);
	/* Outside of the BAR, and of a BAR that is not there. */
	set_config(cap + 8, 4, 0xfffffffc);
	set_config(cap + 12, 4, 4);
	set_config(cap + 16, 4, 1);
	set_config(cap + 4, 1, 3);
	set_config(cap + 8, 4, 0);
	(void)config(cap + 16, 4);
	set_config(cap + 4, 1, 200);
	(void)config(cap + 16, 4);
}

static void features(void **state)
{
	(void)state;
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEM);
	set(0, 4, 0);
	assert_int_equal(get(4, 4), 0x30000244); /* event index, indirect, flush, size, segments */
	set(0, 4, 1);
	assert_int_equal(get(4, 4), 1);
	set(0, 4, 2);
	assert_int_equal(get(4, 4), 0);
	assert_int_equal(get(0x800, 4), DISK / 512);
	assert_int_equal(get(0x800 + 12, 4), 254);
	assert_int_equal(get(0x800 + 20, 4), 512);
	assert_int_equal(get(0x800 + 28, 4), 0);
	/* Not offered, and not modern: FEATURES_OK does not stay. */
	set(8, 4, 0);
	set(12, 4, 1);
	set(20, 1, 11);
	assert_int_equal(get(20, 1), 3);
	set(12, 4, 0);
	set(20, 1, 11);
	assert_int_equal(get(20, 1), 3);
	set(8, 4, 1);
	set(12, 4, 1);
	set(20, 1, 11);
	assert_int_equal(get(20, 1), 11);
}

static void reads_and_writes(void **state)
{
	uint8_t *data = mem(DATA);

	(void)state;
	start_driver(1ull << 32);
	assert_int_equal(fake_vm.doorbell, DOORBELL);
	assert_int_equal(request(0, 1, 1024), 0);
	assert_int_equal(used_len(), 1025);
	assert_int_equal(fake_vm.msi_address, 0xfee01000);
	assert_int_equal(fake_vm.msi_data, 0x41);
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(data[i], (512 + i) % 251);
	/* Behind the file's end there are zeros; what is written comes back. */
	assert_int_equal(request(0, 6, 512), 0);
	assert_int_equal(data[0], 0);
	memset(data, 0x5a, 1024);
	assert_int_equal(request(1, 1, 1024), 0);
	assert_int_equal(used_len(), 1);
	memset(data, 0, 1024);
	assert_int_equal(request(0, 2, 512), 0);
	assert_int_equal(data[511], 0x5a);
	assert_int_equal(data[512], 0);
	assert_int_equal(request(8, 0, 20), 0);
	assert_string_equal((char *)data, "disk0");
	assert_int_equal(request(4, 0, 0), 0);
	assert_int_equal(request(11, 0, 512), 2);
	/* The last sector, behind it, and parts of one. */
	assert_int_equal(request(0, DISK / 512 - 1, 512), 0);
	assert_int_equal(request(0, DISK / 512 - 1, 1024), 1);
	assert_int_equal(request(1, DISK / 512, 512), 1);
	assert_int_equal(request(0, UINT64_MAX, 512), 1);
	assert_int_equal(request(0, UINT64_MAX / 512 + 1, 512), 1);
	assert_int_equal(request(0, 0, 100), 1);
	expect_running();
}

static void readonly_disk(void **state)
{
	(void)state;
	board_disks[0].readonly = true;
	start_driver(1ull << 32);
	assert_int_equal(request(1, 0, 512), 1);
	assert_int_equal(board_disks[0].data[1], 1);
	expect_running();
}

static void indirect_chain(void **state)
{
	(void)state;
	start_driver(1ull << 32 | 1 << 28);
	header(0, 0);
	describe(TABLE, 0, HEADER, 16, NEXT, 3);
	describe(TABLE, 3, DATA, 256, WRITE | NEXT, 1);
	describe(TABLE, 1, DATA + 256, 256, WRITE | NEXT, 2);
	describe(TABLE, 2, STATUS, 1, WRITE, 0);
	describe(DESC, 5, TABLE, 64, INDIRECT, 0);
	ring(5);
	fake_vm_wait_msis(1);
	assert_int_equal(*(uint8_t *)mem(STATUS), 0);
	assert_int_equal(((uint8_t *)mem(DATA))[300], 300 % 251);
	expect_running();
}

/* With event indexes only the chain that the driver asks for is told. */
static void event_index(void **state)
{
	uint16_t *avail = mem(AVAIL), *used = mem(USED);

	(void)state;
	start_driver(1ull << 32 | 1 << 29);
	avail[2 + QUEUE] = 2; /* tell at the third */
	for (unsigned i = 0; i < 3; i++) {
		header(0, 0);
		describe(DESC, 0, HEADER, 16, NEXT, 1);
		describe(DESC, 1, DATA, 512, NEXT | WRITE, 2);
		describe(DESC, 2, STATUS, 1, WRITE, 0);
		ring(0);
		while (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != i + 1)
			usleep(100);
	}
	fake_vm_wait_msis(1);
	mutex_lock(&board.devices->lock);
	mutex_unlock(&board.devices->lock);
	assert_int_equal(fake_vm.nr_msis, 1);
	assert_int_equal(used[2 + 4 * QUEUE], 3);
}

static void masked_vector_waits(void **state)
{
	unsigned cap = find_cap(PCI_CAP_MSIX, -1);
	uint16_t *used = mem(USED);

	(void)state;
	start_driver(1ull << 32);
	set(0x101c, 4, 1);
	header(4, 0);
	describe(DESC, 0, HEADER, 16, NEXT, 1);
	describe(DESC, 1, STATUS, 1, WRITE, 0);
	ring(0);
	while (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != 1)
		usleep(100);
	while (get(0x1800, 8) != 2)
		usleep(100);
	assert_int_equal(fake_vm.nr_msis, 0);
	set_config(cap + 2, 2, 0xc000);
	set(0x101c, 4, 0);
	assert_int_equal(fake_vm.nr_msis, 0);
	set_config(cap + 2, 2, 0x8000);
	assert_int_equal(fake_vm.nr_msis, 1);
	assert_int_equal(get(0x1800, 8), 0);
}

static void reset_forgets(void **state)
{
	(void)state;
	start_driver(1ull << 32);
	assert_int_equal(request(4, 0, 0), 0);
	set(20, 1, 0);
	assert_int_equal(get(28, 2), 0);
	assert_int_equal(get(16, 2), 0xffff);
	memset(mem(AVAIL), 0, 64);
	memset(mem(USED), 0, 128);
	requests = 0;
	fake_vm.nr_msis = 0;
	start_driver(1ull << 32);
	assert_int_equal(request(0, 0, 512), 0);
	expect_running();
}

/* ---- rings as they must not be: the VM ends with a reason ---- */

#define FEATURES (1ull << 32 | 1 << 28)

static const struct bad_ring {
	const char *reason;
	struct desc desc[4];
	uint16_t head, extra; /* extra: how far beyond the index goes */
} bad_rings[] = {
	{ "disk: queue 0: buffer 0x400000+0x10: not in memory", { { 0x400000, 16, 0, 0 } }, 0, 0 },
	{ "disk: queue 0: buffer 0xfffffffffffffff8+0x10: not in memory",
	  { { -8ull, 16, 0, 0 } },
	  0,
	  0 },
	{ "disk: queue 0: buffer 0x3ff000+0xffffffff: not in memory",
	  { { 0x3ff000, 0xffffffff, 0, 0 } },
	  0,
	  0 },
	{ "disk: queue 0: a chain that is a loop", { { HEADER, 16, NEXT, 0 } }, 0, 0 },
	{ "disk: queue 0: descriptor 8 of 8", { { HEADER, 16, NEXT, 8 } }, 0, 0 },
	{ "disk: queue 0: descriptor 65535 of 8", { { HEADER, 16, 0, 0 } }, 65535, 0 },
	{ "disk: queue 0: 9 chains available in a ring of 8", { { HEADER, 16, 0, 0 } }, 0, 8 },
	{ "disk: queue 0: a buffer to read behind one to write",
	  { { STATUS, 1, NEXT | WRITE, 1 }, { HEADER, 16, 0, 0 } },
	  0,
	  0 },
	{ "disk: queue 0: a request without header or status", { { HEADER, 16, 0, 0 } }, 0, 0 },
	{ "disk: queue 0: a request without header or status",
	  { { HEADER, 15, NEXT, 1 }, { STATUS, 1, WRITE, 0 } },
	  0,
	  0 },
	{ "disk: queue 0: an indirect table of 0x11 bytes", { { TABLE, 17, INDIRECT, 0 } }, 0, 0 },
	{ "disk: queue 0: an indirect table of 0x0 bytes", { { TABLE, 0, INDIRECT, 0 } }, 0, 0 },
	{ "disk: queue 0: an indirect descriptor that may not be",
	  { { TABLE, 16, INDIRECT | NEXT, 1 } },
	  0,
	  0 },
	{ "disk: queue 0: indirect table 0x3ffff0: not aligned or not in memory",
	  { { 0x3ffff0, 32, INDIRECT, 0 } },
	  0,
	  0 },
	{ "disk: queue 0: an indirect table inside another", { { DESC, 16, INDIRECT, 0 } }, 0, 0 },
};

static void run_bad_ring(const struct bad_ring *bad)
{
	start_driver(FEATURES);
	memcpy(mem(DESC), bad->desc, sizeof(bad->desc));
	requests += bad->extra;
	ring(bad->head);
	fake_vm_wait_msis(1); /* the configuration's */
	mutex_lock(&board.devices->lock);
	mutex_unlock(&board.devices->lock);
	expect_ended(MACHINE_FAIL, 0, bad->reason);
	assert_int_equal(fake_vm.msi_data, 0x40);
	assert_int_equal(get(20, 1), 15 | 64);
	assert_int_equal(get(0x400, 1), 2);
}

static void bad_rings_end_the_vm(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_rings); i++) {
		if (i) {
			assert_int_equal(destroy(state), 0);
			assert_int_equal(create(state), 0);
		}
		run_bad_ring(&bad_rings[i]);
	}
}

static void bad_addresses_end_the_vm(void **state)
{
	(void)state;
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEM);
	set(8, 4, 1);
	set(12, 4, 1);
	set(20, 1, 11);
	set(32, 8, DESC + 8);
	set(28, 2, 1);
	assert_int_equal(get(28, 2), 0);
	expect_ended(MACHINE_FAIL, 0,
		     "disk: queue 0: descriptor ring at 0x1008: not aligned or not in memory");
}

static void bad_size_ends_the_vm(void **state)
{
	(void)state;
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEM);
	set(24, 2, 3);
	set(28, 2, 1);
	expect_ended(MACHINE_FAIL, 0, "disk: queue 0: size 3: expected a power of two up to 256");
}

/* ---- the disk itself ---- */

static void disk_files(void **state)
{
	struct disk d;
	FILE *f;

	(void)state;
	assert_int_equal(disk_open(&d, "/nowhere", 0, false), -ENOENT);
	assert_int_equal(disk_open(&d, "/tmp", 0, false), -EISDIR);
	f = fopen(IMAGE, "wb");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(disk_open(&d, IMAGE, 0, false), -EINVAL);
	f = fopen(IMAGE, "wb");
	for (unsigned i = 0; i < 513; i++)
		fputc(7, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(disk_open(&d, IMAGE, 512, false), -EFBIG);
	assert_int_equal(disk_open(&d, IMAGE, 0, false), 0);
	assert_int_equal(d.size, 1024);
	assert_int_equal(d.data[512], 7);
	assert_int_equal(d.data[513], 0);
	d.data[0] = 9;
	disk_close(&d);
	disk_close(&d);
	assert_int_equal(disk_open(&d, IMAGE, 0, true), 0);
	assert_int_equal(d.data[0], 7); /* the file is as it was */
	disk_close(&d);
	unlink(IMAGE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DISK_TEST(bars_and_capabilities),
		DISK_TEST(through_configuration_space),
		DISK_TEST(features),
		DISK_TEST(reads_and_writes),
		DISK_TEST(readonly_disk),
		DISK_TEST(indirect_chain),
		DISK_TEST(event_index),
		DISK_TEST(masked_vector_waits),
		DISK_TEST(reset_forgets),
		DISK_TEST(bad_rings_end_the_vm),
		DISK_TEST(bad_addresses_end_the_vm),
		DISK_TEST(bad_size_ends_the_vm),
		cmocka_unit_test(disk_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
