// SPDX-License-Identifier: GPL-2.0-or-later
// Binds the command line's console= words to a polled UART. The last console= that names
// a serial port wins, as it does in Linux; none switches all output off.
#include "boot/early_console.h"

#include "boot/console_arg.h"
#include "drivers/serial/uart16550.h"
#include "lib/string.h"

static struct uart16550 uart;

void early_console_init(const char *cmdline)
{
	struct console_arg arg;
	console_arg_parse(cmdline, &arg);
	if (arg.port == 0)
		return;
	if (uart_init(&uart, arg.port, arg.baud) == 0)
		uart_write(&uart, "\n", 1); /* firmware may have left its cursor anywhere */
}

void early_console_write(const char *text, size_t len)
{
	uart_write(&uart, text, len);
}

void early_console_drain(void)
{
	uart_drain(&uart);
}

struct uart16550 *early_console_uart(void)
{
	return uart.port != 0 ? &uart : NULL;
}

static void print(const char *s)
{
	early_console_write(s, strlen(s));
}

void early_die(const char *why)
{
	print("strata: cannot start: ");
	print(why);
	print("\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}
