// SPDX-License-Identifier: GPL-2.0-or-later
// The UART that start and log write to, polled, becomes the terminal of ring 3 as well, driven by
// its interrupt.
#include "boot/console_arg.h"
#include "boot/early_console.h"
#include "boot/init.h"
#include "cpu/intr.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "drivers/serial/serial.h"
#include "proc/device.h"

void boot_init_console(void)
{
	struct uart16550 *uart = early_console_uart();
	struct chardev *d;
	const char *name;
	uint8_t vector;
	int rc;

	if (uart == NULL)
		return;
	name = console_port_name(uart->port);
	vector = intr_alloc();
	rc = vector != 0 ? serial_init(uart, vector, lapic_id()) : -1;
	if (rc != 0) {
		log_error("the console has no input: its interrupt cannot be routed");
		return;
	}
	d = name != NULL ? chardev_find(name) : NULL;
	if (d != NULL)
		console_attach(d);
}
