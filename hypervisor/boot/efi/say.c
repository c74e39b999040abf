// SPDX-License-Identifier: GPL-2.0-or-later
// Firmware may or may not have its console on a serial port. Its variable ConOut names the devices
// by their paths: when one of them is a UART, a second copy of each line would only disturb.
#include "boot/console_arg.h"
#include "boot/efi/stub.h"
#include "drivers/serial/uart16550.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define LINE_MAX 200

static const struct efi_guid global_guid = EFI_GLOBAL_GUID;
static const efi_char con_out_name[] = { 'C', 'o', 'n', 'O', 'u', 't', 0 };
static struct uart16550 uart;

static bool has_uart(const uint8_t *path, uint64_t size)
{
	struct efi_path_node node;

	for (uint64_t at = 0; at + sizeof(node) <= size; at += node.length) {
		memcpy(&node, path + at, sizeof(node));
		if (node.length < sizeof(node))
			return false;
		if (node.type == EFI_PATH_MESSAGING && node.subtype == EFI_PATH_MESSAGING_UART)
			return true;
	}
	return false;
}

static bool console_is_serial(void)
{
	static uint8_t path[1024];
	uint64_t size = sizeof(path);
	efi_status rc =
		stub.st->runtime->get_variable(con_out_name, &global_guid, NULL, &size, path);

	return rc == EFI_SUCCESS && has_uart(path, size);
}

void stub_say_init(const char *cmdline)
{
	struct console_args args;
	struct console_arg arg = { .port = UART_COM1, .baud = CONSOLE_BAUD };

	uart.port = 0;
	console_args_parse(cmdline, &args);
	if (args.nr > 0)
		arg = args.at[args.nr - 1];
	if ((args.given && args.nr == 0) || (stub.st->con_out != NULL && console_is_serial()))
		return;
	if (uart_init(&uart, arg.port, arg.baud) != 0)
		uart.port = 0;
}

void stub_console_gone(const char *cmdline)
{
	stub.st->con_out = NULL;
	stub_say_init(cmdline);
}

static void say_firmware(const char *text)
{
	struct efi_text_output *out = stub.st->con_out;
	efi_char c[3] = { 0, 0, 0 };

	if (out == NULL)
		return;
	for (; *text != '\0'; text++) {
		c[0] = *text == '\n' ? '\r' : (efi_char)*text;
		c[1] = *text == '\n' ? '\n' : 0;
		out->output_string(out, c);
	}
}

void stub_say(const char *text)
{
	say_firmware(text);
	if (uart.port != 0)
		uart_write(&uart, text, strlen(text));
}

void stub_sayf(const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;

	va_start(args, format);
	fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	stub_say(line);
}

efi_status stub_fail(efi_status status, const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;

	va_start(args, format);
	fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	stub_say("strata: cannot start: ");
	stub_say(line);
	stub_say("\n");
	return status;
}
