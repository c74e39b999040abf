// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/machine.c mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/console.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/fake/fake_vm.c mgmt/vmm/fake/fake_time.c mgmt/vmm/fake/fake_chan.c
// TEST-WITH: mgmt/vmm/dev/uart.c mgmt/vmm/dev/rtc.c mgmt/vmm/dev/pit.c mgmt/vmm/dev/pci.c
// TEST-WITH: mgmt/vmm/dev/pm.c mgmt/vmm/dev/fw_cfg.c mgmt/vmm/dev/simple.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/dev/virtio_blk.c mgmt/vmm/dev/virtio_pci.c mgmt/vmm/dev/virtio.c
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/dev/msix.c mgmt/vmm/dev/disk.c
// TEST-WITH: mgmt/vmm/dev/pci_function.c
// Devices without a clock: serial port, PCI, fw_cfg, keyboard controller, and those of one port.

#include "vmm/dev/board_test.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/dev/fw_cfg.h"

/* ---- UART ---- */

#define COM1 0x3f8

static int attach(unsigned n)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(console_attach(&board_consoles[n], ends[1]), 0);
	return ends[0];
}

/* What arrives at the console's input. */
static void type(int end, const char *text)
{
	struct watch *w;

	assert_int_equal(send(end, text, strlen(text), 0), strlen(text));
	for (w = board_events.watches; w; w = w->next)
		w->ready(w->arg, 1);
}

static void expect_output(int end, const char *text)
{
	char buf[256];
	ssize_t n;

	fake_time_advance(10000000);
	n = recv(end, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n < 0 ? 0 : n] = '\0';
	assert_string_equal(buf, text);
}

static void uart_output_and_scrollback(void **state)
{
	int end;

	(void)state;
	outb(COM1, 'a');
	outb(COM1, 'b');
	end = attach(0);
	expect_output(end, "ab");
	outb(COM1, 'c');
	expect_output(end, "c");
	outb(0x2f8, 'x'); /* COM2 is another console */
	expect_output(end, "");
	assert_int_equal(inb(COM1 + 5), 0x60);
	close(end);
}

static void uart_input_interrupt(void **state)
{
	int end = attach(0);

	(void)state;
	outb(COM1 + 4, 0x0b); /* DTR RTS OUT2 */
	outb(COM1 + 1, 0x01);
	assert_false(fake_vm.line[4]);
	type(end, "hi");
	assert_true(fake_vm.line[4]);
	assert_int_equal(inb(COM1 + 2) & 0x0f, 0x04);
	assert_int_equal(inb(COM1 + 5) & 1, 1);
	assert_int_equal(inb(COM1), 'h');
	assert_true(fake_vm.line[4]);
	assert_int_equal(inb(COM1), 'i');
	assert_false(fake_vm.line[4]);
	assert_int_equal(inb(COM1 + 2) & 0x0f, 0x01);
	assert_int_equal(inb(COM1), 0);
	/* Without OUT2 the interrupt does not reach the controller. */
	outb(COM1 + 4, 0x03);
	type(end, "x");
	assert_false(fake_vm.line[4]);
	close(end);
}

static void uart_transmit_interrupt(void **state)
{
	(void)state;
	outb(COM1 + 4, 0x08);
	outb(COM1 + 1, 0x02);
	assert_true(fake_vm.line[4]);
	assert_int_equal(inb(COM1 + 2) & 0x0f, 0x02); /* reading it clears it */
	assert_false(fake_vm.line[4]);
	outb(COM1, 'a');
	assert_true(fake_vm.line[4]);
}

static void uart_registers(void **state)
{
	(void)state;
	outb(COM1 + 7, 0x5a);
	assert_int_equal(inb(COM1 + 7), 0x5a);
	outb(COM1 + 3, 0x83);
	outb(COM1, 0x01);
	outb(COM1 + 1, 0x02);
	assert_int_equal(inb(COM1), 0x01);
	assert_int_equal(inb(COM1 + 1), 0x02);
	outb(COM1 + 3, 0x03);
	assert_int_equal(inb(COM1 + 1), 0);
	outb(COM1 + 1, 0xff);
	assert_int_equal(inb(COM1 + 1), 0x0f);
	outb(COM1 + 2, 0x01);
	assert_int_equal(inb(COM1 + 2) & 0xc0, 0xc0);
	assert_int_equal(inb(COM1 + 6) & 0xf0, 0xb0);
	assert_int_equal(inb(0x3e8), 0xff); /* COM3 is not there */
}

static void uart_loopback(void **state)
{
	int end = attach(0);

	(void)state;
	outb(COM1 + 4, 0x1a);
	assert_int_equal(inb(COM1 + 6) & 0xf0, 0x90); /* RTS, OUT2 seen as CTS, DCD */
	outb(COM1, 'z');
	assert_int_equal(inb(COM1 + 5) & 3, 1);
	outb(COM1, 'y'); /* no FIFO: overrun */
	assert_int_equal(inb(COM1 + 5) & 3, 3);
	assert_int_equal(inb(COM1), 'z');
	assert_int_equal(inb(COM1 + 5) & 3, 0);
	expect_output(end, "");
	close(end);
}

/* ---- PCI ---- */

static uint32_t pci_read(unsigned device, unsigned reg)
{
	outl(0xcf8, 0x80000000 | device << 11 | (reg & 0xfc));
	return inl(0xcfc);
}

static void pci_config_space(void **state)
{
	(void)state;
	assert_int_equal(pci_read(0, 0), 0x00081b36);
	assert_int_equal(pci_read(0, 8) >> 16, 0x0600);
	assert_int_equal(pci_read(1, 0), 0xffffffff);
	outl(0xcf8, 0x80000000);
	assert_int_equal(inw(0xcfe), 0x0008);
	assert_int_equal(inb(0xcfd), 0x1b);
	outl(0xcf8, 0x80010000); /* bus 1 */
	assert_int_equal(inl(0xcfc), 0xffffffff);
	outl(0xcf8, 0x00000000); /* not enabled */
	assert_int_equal(inl(0xcfc), 0xffffffff);
	assert_int_equal(inl(0xcf8), 0);
	/* Only command bits and the scratch byte can be written. */
	outl(0xcf8, 0x80000000);
	outl(0xcfc, 0);
	assert_int_equal(inl(0xcfc), 0x00081b36);
	outl(0xcf8, 0x80000004);
	outw(0xcfc, 0xffff);
	assert_int_equal(inl(0xcfc), 0x0507);
	outl(0xcf8, 0x8000003c);
	outl(0xcfc, 0xffffffff);
	assert_int_equal(inl(0xcfc), 0xff);
}

static void pci_ecam(void **state)
{
	(void)state;
	assert_int_equal(bus_read(&board.bus, BUS_MEMORY, ECAM_BASE, 4), 0x00081b36);
	assert_int_equal(bus_read(&board.bus, BUS_MEMORY, ECAM_BASE + 0x100, 4), 0);
	assert_int_equal(bus_read(&board.bus, BUS_MEMORY, ECAM_BASE + 0x8000, 4), 0xffffffff);
	bus_write(&board.bus, BUS_MEMORY, ECAM_BASE + 0x3c, 1, 0x77);
	assert_int_equal(pci_read(0, 0x3c), 0x77);
}

static void pci_reset(void **state)
{
	(void)state;
	outb(0xcf9, 0x02);
	expect_running();
	assert_int_equal(inb(0xcf9), 0x02);
	outb(0xcf9, 0x06);
	expect_ended(MACHINE_RESET, 0, "reset by the guest (port 0xcf9)");
}

/* ---- fw_cfg ---- */

static const uint8_t file_data[] = "contents";

static void fw_cfg_items(void **state)
{
	char signature[5] = { 0 };
	uint64_t ram = 0;

	(void)state;
	outw(0x510, FW_CFG_SIGNATURE);
	for (unsigned i = 0; i < 4; i++)
		signature[i] = (char)inb(0x511);
	assert_string_equal(signature, "QEMU");
	assert_int_equal(inb(0x511), 0); /* past the end */
	outw(0x510, FW_CFG_ID);
	assert_int_equal(inb(0x511), 3);
	outw(0x510, FW_CFG_NB_CPUS);
	assert_int_equal(inb(0x511), 3);
	assert_int_equal(inb(0x511), 0);
	outw(0x510, FW_CFG_RAM_SIZE);
	for (unsigned i = 0; i < 8; i++)
		ram |= (uint64_t)inb(0x511) << 8 * i;
	assert_int_equal(ram, BOARD_RAM);
	outw(0x510, 0x1234); /* none such */
	assert_int_equal(inb(0x511), 0);
	outb(0x511, 1); /* nothing is writable */
	expect_running();
}

static void put_dma(uint64_t at, uint32_t control, uint32_t length, uint64_t address)
{
	uint32_t words[2] = { htobe32(control), htobe32(length) };

	memcpy(board_memory + at, words, 8);
	address = htobe64(address);
	memcpy(board_memory + at + 8, &address, 8);
}

static uint32_t dma(uint64_t at)
{
	uint32_t control;

	outl(0x514, htobe32((uint32_t)(at >> 32)));
	outl(0x518, htobe32((uint32_t)at));
	if (at >= BOARD_RAM)
		return 0;
	memcpy(&control, board_memory + at, 4);
	return be32toh(control);
}

static void fw_cfg_files_by_dma(void **state)
{
	uint8_t *to = board_memory + 0x2000;

	(void)state;
	assert_int_equal(fw_cfg_add_file(board.fw_cfg, "opt/test", file_data, 8), 0);
	assert_int_equal(inl(0x514), 0x554d4551); /* "QEMU CFG" */
	assert_int_equal(inl(0x518), 0x47464320);
	memset(to, 0xcc, 128);
	put_dma(0x1000, FW_CFG_FILE_DIR << 16 | 0x0a, 4 + 64, 0x2000); /* select, read */
	assert_int_equal(dma(0x1000), 0);
	assert_memory_equal(to, "\0\0\0\1\0\0\0\x8\0\x20\0\0opt/test\0", 21);
	put_dma(0x1000, FW_CFG_FILE_FIRST << 16 | 0x08, 0, 0); /* select */
	assert_int_equal(dma(0x1000), 0);
	put_dma(0x1000, 0x04, 3, 0); /* skip */
	assert_int_equal(dma(0x1000), 0);
	put_dma(0x1000, 0x02, 8, 0x2000); /* zeros past the end */
	assert_int_equal(dma(0x1000), 0);
	assert_memory_equal(to, "tents\0\0\0", 8);
}

static void fw_cfg_bad_dma(void **state)
{
	(void)state;
	assert_int_equal(fw_cfg_add_file(board.fw_cfg, "opt/test", file_data, 8), 0);
	put_dma(0x1000, FW_CFG_FILE_FIRST << 16 | 0x0a, 8, BOARD_RAM - 4);
	assert_int_equal(dma(0x1000), 1);
	put_dma(0x1000, 0x02, 0xffffffff, 0x2000);
	assert_int_equal(dma(0x1000), 1);
	put_dma(0x1000, 0x10, 8, 0x2000); /* write */
	assert_int_equal(dma(0x1000), 1);
	dma(BOARD_RAM - 8); /* the request itself is not in memory */
	dma(UINT64_MAX - 8);
	expect_running();
	assert_int_equal(fw_cfg_add_file(board.fw_cfg,
					 "opt/a-name-of-fifty-six-characters-is-one-too-many-"
					 "for-it",
					 file_data, 8),
			 -ENOSPC);
}

/* ---- keyboard controller, port 0x92 ---- */

static uint8_t i8042_ask(uint8_t command)
{
	outb(0x64, command);
	assert_int_equal(inb(0x64) & 1, 1);
	return inb(0x60);
}

static void i8042(void **state)
{
	(void)state;
	assert_int_equal(inb(0x64) & 1, 0);
	assert_int_equal(i8042_ask(0xaa), 0x55);
	assert_int_equal(inb(0x64) & 1, 0);
	assert_int_equal(i8042_ask(0xab), 0x01);
	assert_int_equal(i8042_ask(0xa9), 0x01);
	outb(0x64, 0x60);
	outb(0x60, 0x47);
	assert_int_equal(i8042_ask(0x20), 0x47);
	assert_int_equal(i8042_ask(0xd0) & 3, 3);
	outb(0x64, 0xff);
	expect_running();
	outb(0x64, 0xfe);
	expect_ended(MACHINE_RESET, 0, "reset by the guest (keyboard controller)");
}

static void i8042_output_port_resets(void **state)
{
	(void)state;
	outb(0x64, 0xd1);
	outb(0x60, 0x03);
	expect_running();
	outb(0x64, 0xd1);
	outb(0x60, 0x02);
	expect_ended(MACHINE_RESET, 0, "reset by the guest (keyboard controller)");
}

static void port_92(void **state)
{
	(void)state;
	assert_int_equal(inb(0x92), 2);
	outb(0x92, 0);
	assert_int_equal(inb(0x92), 0);
	expect_running();
	outb(0x92, 3);
	expect_ended(MACHINE_RESET, 0, "reset by the guest (port 0x92)");
}

/* ---- pvpanic, debug-exit, POST ---- */

static void pvpanic(void **state)
{
	(void)state;
	assert_int_equal(inb(0x505), 3);
	outb(0x505, 2); /* a crash kernel goes on */
	expect_running();
	outb(0x505, 1);
	expect_ended(MACHINE_FAIL, 0, "the guest panicked");
}

static void debug_exit(void **state)
{
	(void)state;
	assert_int_equal(inl(0xf4), 0);
	outl(0xf4, 0x80000001);
	expect_ended(MACHINE_STOP, (int)0x80000001, "debug-exit");
	outb(0xf4, 5); /* the first one counts */
	outb(0x505, 1);
	expect_ended(MACHINE_STOP, (int)0x80000001, "debug-exit");
}

static void post(void **state)
{
	(void)state;
	outb(0x80, 0x12);
	assert_int_equal(inb(0x80), 0xff);
	expect_running();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOARD_TEST(uart_output_and_scrollback),
		BOARD_TEST(uart_input_interrupt),
		BOARD_TEST(uart_transmit_interrupt),
		BOARD_TEST(uart_registers),
		BOARD_TEST(uart_loopback),
		BOARD_TEST(pci_config_space),
		BOARD_TEST(pci_ecam),
		BOARD_TEST(pci_reset),
		BOARD_TEST(fw_cfg_items),
		BOARD_TEST(fw_cfg_files_by_dma),
		BOARD_TEST(fw_cfg_bad_dma),
		BOARD_TEST(i8042),
		BOARD_TEST(i8042_output_port_resets),
		BOARD_TEST(port_92),
		BOARD_TEST(pvpanic),
		BOARD_TEST(debug_exit),
		BOARD_TEST(post),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
