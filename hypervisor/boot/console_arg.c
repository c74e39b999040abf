// SPDX-License-Identifier: GPL-2.0-or-later
// console=ttySN[,BAUD[n8]] names one of the four PC ports, hvc0 the virtio console. What we cannot
// do (parity, seven bits, a baud rate that does not divide 115200) falls back to 115200 8n1: a
// wrong speed still shows that the machine lives, no output at all does not.
#include "boot/console_arg.h"

#include "drivers/serial/uart16550.h"
#include "lib/string.h"

static const struct {
	uint16_t port;
	char name[6];
} ports[] = {
	{ UART_COM1, "ttyS0" },
	{ UART_COM2, "ttyS1" },
	{ UART_COM3, "ttyS2" },
	{ UART_COM4, "ttyS3" },
};

const char *console_port_name(uint16_t port)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		if (ports[i].port == port)
			return ports[i].name;
	}
	return NULL;
}

/* The text behind "ttySN,": a rate, alone or with n8. 0: not one that we can do. */
static uint32_t parse_baud(const char *s, size_t len)
{
	size_t digits = 0;
	uint64_t baud;

	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	if (digits < len && (len - digits != 2 || memcmp(s + digits, "n8", 2) != 0))
		return 0;
	if (str_to_u64(s, digits, false, &baud) < 0 || baud == 0 || CONSOLE_BAUD % baud != 0)
		return 0;
	return (uint32_t)baud;
}

/* False: none of ours. A rate of 0 is one that we cannot do. */
static bool parse_console(const struct cmdline_word *word, struct console_arg *arg)
{
	const char *v = word->value;

	if (cmdline_value_is(word, "hvc0")) {
		*arg = (struct console_arg){ .port = CONSOLE_HVC, .baud = CONSOLE_BAUD };
		return true;
	}
	if (word->value_len < 5 || memcmp(v, "ttyS", 4) != 0)
		return false;
	unsigned int index = (unsigned int)(v[4] - '0');
	if (index >= ARRAY_SIZE(ports) || (word->value_len > 5 && v[5] != ','))
		return false;
	arg->port = ports[index].port;
	arg->baud = CONSOLE_BAUD;
	if (word->value_len > 5)
		arg->baud = parse_baud(v + 6, word->value_len - 6);
	return true;
}

/* Behind all others, also when the port is there already. */
static void put_last(struct console_args *args, struct console_arg arg)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < args->nr; i++) {
		if (args->at[i].port != arg.port)
			args->at[n++] = args->at[i];
	}
	args->at[n] = arg;
	args->nr = n + 1;
}

void console_args_parse(const char *cmdline, struct console_args *args)
{
	struct cmdline_word word;
	struct console_arg arg;

	*args = (struct console_args){ .nr = 0 };
	while (cmdline_next(&cmdline, &word)) {
		if (cmdline_ends(&word))
			return;
		if (word.value == NULL || !cmdline_is(&word, "console"))
			continue;
		if (cmdline_value_is(&word, "none")) {
			args->nr = 0;
			args->given = true;
		} else if (parse_console(&word, &arg)) {
			arg.baud = arg.baud != 0 ? arg.baud : CONSOLE_BAUD;
			put_last(args, arg);
			args->given = true;
		}
	}
}

bool console_arg_good(const struct cmdline_word *word)
{
	struct console_arg arg;

	if (word->value == NULL)
		return false;
	return cmdline_value_is(word, "none") || (parse_console(word, &arg) && arg.baud != 0);
}
