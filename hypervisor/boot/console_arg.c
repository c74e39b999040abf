// SPDX-License-Identifier: GPL-2.0-or-later
// console=ttySN[,BAUD[n8]] names one of the four PC ports, uart[8250],TYPE,ADDRESS[,BAUD[n8]]
// (Linux' words: io, mmio, mmio16, mmio32) any other 16550, hvc0 the virtio console. What we cannot
// do (parity, seven bits, a baud rate that does not divide 115200) falls back to 115200 8n1, or to
// what is set already: a wrong speed still shows that the machine lives, no output at all does not.
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

/* What is left of a value. */
struct rest {
	const char *p;
	size_t len;
};

static bool take(struct rest *r, const char *prefix)
{
	size_t len = strlen(prefix);

	if (r->len < len || memcmp(r->p, prefix, len) != 0)
		return false;
	r->p += len;
	r->len -= len;
	return true;
}

/* Behind an optional comma: a rate. False: there is one that we cannot do. */
static bool take_baud(struct rest *r, uint32_t *baud)
{
	uint32_t said;

	if (r->len == 0)
		return true;
	said = parse_baud(r->p + 1, r->len - 1);
	*baud = said != 0 ? said : *baud;
	return said != 0;
}

enum verdict {
	NOT_OURS,
	WRONG_BAUD,
	GOOD
};

static enum verdict parse_port(struct rest r, struct console_arg *arg)
{
	unsigned int index = r.len > 0 ? (unsigned int)(r.p[0] - '0') : ARRAY_SIZE(ports);

	if (index >= ARRAY_SIZE(ports) || (r.len > 1 && r.p[1] != ','))
		return NOT_OURS;
	*arg = (struct console_arg){ .port = ports[index].port, .baud = CONSOLE_BAUD };
	r.p++;
	r.len--;
	return take_baud(&r, &arg->baud) ? GOOD : WRONG_BAUD;
}

/* Neither the system board's own ports nor those of PCI's configuration space. */
static bool port_is_free(uint64_t port)
{
	return port >= 0x100 && port <= 0xfff8 && (port + 8 <= 0xcf8 || port > 0xcff);
}

/* "io,0x2f8", "mmio32,0xfe000000"; an address alone is mmio. */
static bool take_place(struct rest *r, struct console_arg *arg)
{
	static const struct {
		char name[8];
		uint8_t bytes; /* from one register to the next, and of one; 0: I/O ports */
	} types[] = { { "io,", 0 }, { "mmio,", 1 }, { "mmio16,", 2 }, { "mmio32,", 4 } };
	unsigned int type = 0;
	size_t digits = 0;
	uint64_t at;

	while (type < ARRAY_SIZE(types) && !take(r, types[type].name))
		type++;
	if (type == ARRAY_SIZE(types) && (r->len < 2 || memcmp(r->p, "0x", 2) != 0))
		return false;
	while (digits < r->len && r->p[digits] != ',')
		digits++;
	if (str_to_u64(r->p, digits, false, &at) < 0)
		return false;
	r->p += digits;
	r->len -= digits;
	if (type == 0) {
		*arg = (struct console_arg){ .port = (uint16_t)at };
		return port_is_free(at);
	}
	arg->stride = arg->width = type == ARRAY_SIZE(types) ? 1 : types[type].bytes;
	arg->memory = at;
	return at != 0;
}

static enum verdict parse_uart(struct rest r, struct console_arg *arg)
{
	*arg = (struct console_arg){ .baud = 0 };
	if (!take_place(&r, arg))
		return NOT_OURS;
	return take_baud(&r, &arg->baud) ? GOOD : WRONG_BAUD;
}

static enum verdict parse_console(const struct cmdline_word *word, struct console_arg *arg)
{
	struct rest r = { word->value, word->value_len };

	if (cmdline_value_is(word, "hvc0")) {
		*arg = (struct console_arg){ .baud = CONSOLE_BAUD };
		return GOOD;
	}
	if (take(&r, "ttyS"))
		return parse_port(r, arg);
	if (take(&r, "uart8250,") || take(&r, "uart,"))
		return parse_uart(r, arg);
	return NOT_OURS;
}

/* There is room for one such console. */
static bool is_elsewhere(const struct console_arg *arg)
{
	return !console_is_hvc(arg) && console_port_name(arg->port) == NULL;
}

static bool displaces(const struct console_arg *arg, const struct console_arg *old)
{
	return (arg->port == old->port && arg->memory == old->memory) ||
	       (is_elsewhere(arg) && is_elsewhere(old));
}

/* Behind all others, also when the place is there already. */
static void put_last(struct console_args *args, const struct console_arg *arg)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < args->nr; i++) {
		if (!displaces(arg, &args->at[i]))
			args->at[n++] = args->at[i];
	}
	args->at[n] = *arg;
	args->nr = n + 1;
}

void console_args_parse(const char *cmdline, console_refused_fn refused, struct console_args *args)
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
		} else if (parse_console(&word, &arg) != NOT_OURS &&
			   (refused == NULL || !refused(&arg, &word))) {
			put_last(args, &arg);
			args->given = true;
		}
	}
}

bool console_arg_good(const struct cmdline_word *word)
{
	struct console_arg arg;

	if (word->value == NULL)
		return false;
	return cmdline_value_is(word, "none") || parse_console(word, &arg) == GOOD;
}
