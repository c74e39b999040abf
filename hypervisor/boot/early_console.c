// SPDX-License-Identifier: GPL-2.0-or-later
// Binds consoles to polled devices. All get what is written; the last one is
// the terminal, as in Linux; console=none switches all output off.
#include "boot/early_console.h"

#include "boot/console_arg.h"
#include "boot/early_map.h"
#include "drivers/serial/uart16550.h"
#include "drivers/virtio/virtio_console.h"
#include "lib/errno.h"
#include "lib/string.h"

static struct uart16550 uarts[CONSOLES_MAX];
static unsigned int nr_uarts;

static struct console_arg absent[CONSOLES_MAX];
static unsigned int nr_absent;

static struct {
	bool named, joined;
	unsigned int before; /* UARTs that are named before it */
} hvc;

/* Firmware may have left its cursor anywhere. */
static bool begin(void)
{
	early_console_write("\n", 1);
	return nr_uarts > 0;
}

static int start_memory(struct uart16550 *u, const struct console_arg *arg)
{
	volatile void *regs = early_map_device(arg->memory, CONSOLE_UART_BYTES(arg));

	return regs == NULL ? -ENODEV
			    : uart_init_memory(u, regs, arg->stride, arg->width, arg->baud);
}

static void add_uart(const struct console_arg *arg)
{
	struct uart16550 *u = &uarts[nr_uarts];
	int rc = arg->memory != 0 ? start_memory(u, arg) : uart_init(u, arg->port, arg->baud);

	if (rc == 0)
		nr_uarts++;
	else if (nr_absent < ARRAY_SIZE(absent))
		absent[nr_absent++] = *arg;
}

bool early_console_init(const struct console_args *args)
{
	for (unsigned int i = 0; i < args->nr; i++) {
		if (console_is_hvc(&args->at[i])) {
			hvc.named = true;
			hvc.before = nr_uarts;
		} else {
			add_uart(&args->at[i]);
		}
	}
	return begin();
}

const struct console_arg *early_console_absent(unsigned int number)
{
	return number < nr_absent ? &absent[number] : NULL;
}

int early_console_behind_hvc(void)
{
	return hvc.named ? (int)(nr_uarts - hvc.before) : -1;
}

void early_console_join_hvc(void)
{
	hvc.joined = true;
}

unsigned int early_console_count(void)
{
	return nr_uarts + hvc.named;
}

void early_console_write_to(unsigned int number, const char *text, size_t len)
{
	int behind = early_console_behind_hvc();

	if ((int)number == behind) {
		if (hvc.joined)
			virtio_console_write(text, len);
		return;
	}
	if (behind >= 0 && (int)number > behind)
		number--;
	if (number < nr_uarts)
		uart_write(&uarts[nr_uarts - 1 - number], text, len);
}

void early_console_write(const char *text, size_t len)
{
	for (unsigned int i = early_console_count(); i-- > 0;)
		early_console_write_to(i, text, len);
}

void early_console_drain(void)
{
	for (unsigned int i = 0; i < nr_uarts; i++)
		uart_drain(&uarts[i]);
	virtio_console_drain();
}

struct uart16550 *early_console_uart(unsigned int number)
{
	return number < nr_uarts ? &uarts[nr_uarts - 1 - number] : NULL;
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
