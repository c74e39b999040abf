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

/* False: firmware's console is on no serial port. */
static bool console_uart(struct stub_uart *found)
{
	static uint8_t path[1024];
	uint64_t size = sizeof(path);
	efi_status rc =
		stub.st->runtime->get_variable(con_out_name, &global_guid, NULL, &size, path);

	return rc == EFI_SUCCESS && stub_find_uart(path, size, found);
}

static bool console_is_serial(void)
{
	struct stub_uart ignored;

	return console_uart(&ignored);
}

void stub_default_console(char *cmdline, size_t size)
{
	struct console_args args;
	struct stub_uart found;

	console_args_parse(cmdline, NULL, &args);
	if (!args.given && console_uart(&found))
		stub_add_console(cmdline, size, &found);
}

void stub_say_init(const char *cmdline)
{
	struct console_arg arg;

	uart = (struct uart16550){ .port = 0 };
	if (!stub_console_port(cmdline, &arg) || (stub.st->con_out != NULL && console_is_serial()))
		return;
	/* One that is not there swallows all. */
	(void)uart_init(&uart, arg.port, arg.baud);
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
