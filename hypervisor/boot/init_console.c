// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that start and log write to, polled, become terminals of ring 3 as well, driven by
// their interrupts or by a timer: the last one that the command line names is the console, as in
// Linux, the others come after it.
#include "boot/console_arg.h"
#include "boot/early_console.h"
#include "boot/init.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "drivers/serial/serial.h"
#include "drivers/virtio/virtio_console.h"
#include "proc/device.h"

static void attach_uart(struct uart16550 *uart, unsigned int number)
{
	bool polled = false;
	struct chardev *d = serial_init(uart, lapic_id(), &polled);

	if (d == NULL) {
		log_error("console at port %#x: no input", uart->port);
		return;
	}
	if (polled)
		log_info("console %s: no interrupt reaches us: polled", d->name);
	console_attach(d, number);
}

/* The log's lines so far come first, as if it had been there from the beginning. */
static void attach_hvc(unsigned int number)
{
	struct chardev *d = virtio_console_init(lapic_id());

	if (d == NULL)
		return;
	log_repeat(virtio_console_write, early_console_join_hvc);
	console_attach(d, number);
}

static void report_absent(void)
{
	const struct console_arg *arg;

	for (unsigned int i = 0; (arg = early_console_absent(i)) != NULL; i++) {
		if (arg->memory != 0)
			log_warn("console: no UART answers at address %#llx",
				 (unsigned long long)arg->memory);
		else
			log_warn("console: no UART answers at port %#x", arg->port);
	}
}

void boot_init_console(void)
{
	struct uart16550 *uart;
	unsigned int number = 0;
	int i = 0;

	report_absent();
	console_init();
	do {
		if (i == early_console_behind_hvc())
			attach_hvc(number++);
		uart = early_console_uart((unsigned int)i++);
		if (uart != NULL)
			attach_uart(uart, number++);
	} while (uart != NULL);
}
