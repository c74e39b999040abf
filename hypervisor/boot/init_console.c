// SPDX-License-Identifier: GPL-2.0-or-later
// The UARTs that start and log write to, polled, become terminals of ring 3 as well, driven by
// their interrupts or by a timer: the last one that the command line names is the console, as in
// Linux, the others come after it.
#include "boot/early_console.h"
#include "boot/init.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "drivers/serial/serial.h"
#include "proc/device.h"

void boot_init_console(void)
{
	struct uart16550 *uart;

	console_init();
	for (unsigned int i = 0; (uart = early_console_uart(i)) != NULL; i++) {
		bool polled = false;
		struct chardev *d = serial_init(uart, lapic_id(), &polled);

		if (d == NULL) {
			log_error("console at port %#x: no input", uart->port);
			continue;
		}
		if (polled)
			log_info("console %s: no interrupt reaches us: polled", d->name);
		console_attach(d);
	}
}
