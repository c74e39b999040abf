// SPDX-License-Identifier: GPL-2.0-or-later
// console=ttySN[,BAUD[n8]] picks one of the four PC ports. What we cannot do (parity, seven bits,
// a baud rate that does not divide 115200) falls back to 115200 8n1: a wrong speed
// still shows that the machine lives, no output at all does not.
#include "boot/console_arg.h"

#include "drivers/serial/uart16550.h"
#include "lib/cmdline.h"
#include "lib/string.h"

#define BAUD_DEFAULT 115200u

static const uint16_t ports[] = { UART_COM1, UART_COM2, UART_COM3, UART_COM4 };

static uint32_t parse_baud(const char *s, size_t len)
{
	size_t digits = 0;
	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	uint64_t baud;
	if (str_to_u64(s, digits, false, &baud) < 0 || baud == 0 || BAUD_DEFAULT % baud != 0)
		return BAUD_DEFAULT;
	return (uint32_t)baud;
}

static bool parse_port(const struct cmdline_word *word, struct console_arg *arg)
{
	const char *v = word->value;
	if (word->value_len < 5 || memcmp(v, "ttyS", 4) != 0)
		return false;
	unsigned int index = (unsigned int)(v[4] - '0');
	if (index >= ARRAY_SIZE(ports) || (word->value_len > 5 && v[5] != ','))
		return false;
	arg->port = ports[index];
	arg->baud = BAUD_DEFAULT;
	if (word->value_len > 6)
		arg->baud = parse_baud(v + 6, word->value_len - 6);
	return true;
}

static bool is_console(const struct cmdline_word *word)
{
	return word->value && word->name_len == 7 && memcmp(word->name, "console", 7) == 0;
}

void console_arg_parse(const char *cmdline, struct console_arg *arg)
{
	*arg = (struct console_arg){ .port = UART_COM1, .baud = BAUD_DEFAULT };
	struct cmdline_word word;
	while (cmdline_next(&cmdline, &word)) {
		if (!is_console(&word))
			continue;
		if (word.value_len == 4 && memcmp(word.value, "none", 4) == 0)
			arg->port = 0;
		else
			parse_port(&word, arg);
	}
}
