/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of devices for their tests: time stands still, interrupt lines are recorded. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/types.h"
#include "vmm/dev/disk.h"
#include "vmm/fake/fake_time.h"
#include "vmm/fake/fake_vm.h"
#include "vmm/machine.h"

#define BOARD_RAM (4u << 20)

static struct vm_config board_config;
static struct events board_events;
static struct console board_consoles[VM_CONFIG_CONSOLES_MAX];
static struct disk board_disks[VM_CONFIG_DISKS_MAX];
static unsigned board_disks_wanted; /* for the next board_create; opened by the test */
static struct machine board;
static uint8_t *board_memory;

static inline int board_create(void **state)
{
	(void)state;
	fake_vm_reset();
	board_config = (struct vm_config){
		.vcpus = 3, .memory = BOARD_RAM, .debug_exit = true, .debug_exit_port = 0xf4
	};
	board_config.nr_disks = board_disks_wanted;
	board_config.consoles[0] = board_config.consoles[1] =
		(struct vm_config_console){ true, 65536 };
	for (unsigned i = 0; i < 2; i++) {
		if (console_init(&board_consoles[i], &board_events, 65536))
			return -1;
	}
	board_memory = calloc(1, BOARD_RAM);
	machine_init(&board, &board_config, &board_events, board_consoles);
	ram_init(&board.ram, board_memory, BOARD_RAM);
	board.disks = board_disks;
	return machine_create_devices(&board);
}

static inline int board_destroy(void **state)
{
	(void)state;
	machine_destroy(&board);
	for (unsigned i = 0; i < 2; i++)
		console_destroy(&board_consoles[i]);
	free(board_memory);
	return 0;
}

#define BOARD_TEST(f) cmocka_unit_test_setup_teardown(f, board_create, board_destroy)

static inline void outb(uint16_t port, uint8_t value)
{
	bus_write(&board.bus, BUS_PORT, port, 1, value);
}

static inline void outw(uint16_t port, uint16_t value)
{
	bus_write(&board.bus, BUS_PORT, port, 2, value);
}

static inline void outl(uint16_t port, uint32_t value)
{
	bus_write(&board.bus, BUS_PORT, port, 4, value);
}

static inline uint8_t inb(uint16_t port)
{
	return (uint8_t)bus_read(&board.bus, BUS_PORT, port, 1);
}

static inline uint16_t inw(uint16_t port)
{
	return (uint16_t)bus_read(&board.bus, BUS_PORT, port, 2);
}

static inline uint32_t inl(uint16_t port)
{
	return (uint32_t)bus_read(&board.bus, BUS_PORT, port, 4);
}

static inline void expect_running(void)
{
	assert_int_equal(board.end, MACHINE_RUNS);
}

static inline void expect_ended(enum machine_end end, int code, const char *reason)
{
	assert_string_equal(board.reason, reason);
	assert_int_equal(board.end, end);
	assert_int_equal(board.exit_code, code);
}
