// SPDX-License-Identifier: GPL-2.0-or-later
// Firmware's variable ConOut names the devices of its console by their paths: an ISA serial port is
// a node with the id PNP0501 and its number ("ACPI Device Path"), with a UART node behind it ("UART
// Device Path"). Several consoles are paths one behind the other.
#include "boot/console_arg.h"
#include "boot/efi/stub.h"

#include "drivers/serial/uart16550.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define EISA_PNP0501 0x050141d0u
#define NR_PORTS     4

bool stub_find_uart(const void *path, uint64_t size, struct stub_uart *uart)
{
	const uint8_t *p = path;
	struct efi_path_acpi acpi = { .hid = 0 };
	struct efi_path_uart node;

	for (uint64_t at = 0; at + sizeof(node.head) <= size; at += node.head.length) {
		memcpy(&node.head, p + at, sizeof(node.head));
		if (node.head.length < sizeof(node.head) || node.head.length > size - at)
			return false;
		if (node.head.type == EFI_PATH_ACPI && node.head.subtype == EFI_PATH_ACPI_ID &&
		    node.head.length >= sizeof(acpi))
			memcpy(&acpi, p + at, sizeof(acpi));
		if (node.head.type == EFI_PATH_END)
			acpi.hid = 0;
		if (node.head.type != EFI_PATH_MESSAGING ||
		    node.head.subtype != EFI_PATH_MESSAGING_UART || node.head.length < sizeof(node))
			continue;
		memcpy(&node, p + at, sizeof(node));
		*uart = (struct stub_uart){ .isa = acpi.hid == EISA_PNP0501 && acpi.uid < NR_PORTS,
					    .number = acpi.uid,
					    .baud = node.baud };
		return true;
	}
	return false;
}

/* A rate of 0 is "the default" and left to us. */
size_t stub_console_word(const struct stub_uart *uart, char *out, size_t size)
{
	if (!uart->isa)
		return 0;
	if (uart->baud == 0 || uart->baud > 115200 || 115200 % uart->baud != 0)
		return fmt_snprintf(out, size, "console=ttyS%u ", uart->number);
	return fmt_snprintf(out, size, "console=ttyS%u,%un8 ", uart->number,
			    (unsigned int)uart->baud);
}

void stub_add_console(char *cmdline, size_t size, const struct stub_uart *uart)
{
	char word[32];
	size_t len = stub_console_word(uart, word, sizeof(word)), old = strlen(cmdline);

	if (len == 0 || old + len >= size)
		return;
	memmove(cmdline + len, cmdline, old + 1);
	memcpy(cmdline, word, len);
}

/* Registers in memory are the kernel's matter, which knows what else is there. */
bool stub_console_port(const char *cmdline, struct console_arg *arg)
{
	struct console_args args;

	*arg = (struct console_arg){ .port = 0 };
	console_args_parse(cmdline, NULL, &args);
	if (!args.given)
		*arg = (struct console_arg){ .port = UART_COM1, .baud = CONSOLE_BAUD };
	for (unsigned int i = 0; i < args.nr; i++) {
		if (args.at[i].port != 0)
			*arg = args.at[i];
	}
	return arg->port != 0;
}
