// SPDX-License-Identifier: GPL-2.0-or-later
// Binds consoles to polled devices. All get what is written; the last one is
// the terminal, as in Linux; console=none switches all output off.
#include "boot/early_console.h"

#include "boot/console_arg.h"
#include "drivers/serial/uart16550.h"
#include "drivers/virtio/virtio_console.h"
#include "lib/string.h"

static struct uart16550 uarts[CONSOLES_MAX];
static unsigned int nr_uarts;

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

bool early_console_init(const struct console_args *args)
{
	for (unsigned int i = 0; i < args->nr; i++) {
		if (args->at[i].port == CONSOLE_HVC) {
			hvc.named = true;
			hvc.before = nr_uarts;
		} else if (uart_init(&uarts[nr_uarts], args->at[i].port, args->at[i].baud) == 0) {
			nr_uarts++;
		}
	}
	return begin();
}

bool early_console_init_memory(volatile void *regs, uint8_t stride, uint8_t width)
{
	if (uart_init_memory(&uarts[nr_uarts], regs, stride, width, 0) == 0)
		nr_uarts++;
	return begin();
}

int early_console_behind_hvc(void)
{
	return hvc.named ? (int)(nr_uarts - hvc.before) : -1;
}

void early_console_join_hvc(void)
{
	hvc.joined = true;
}

static bool hvc_is_terminal(void)
{
	return hvc.joined && hvc.before == nr_uarts;
}

static void write_uarts(unsigned int nr, const char *text, size_t len)
{
	for (unsigned int i = 0; i < nr; i++)
		uart_write(&uarts[i], text, len);
}

void early_console_write(const char *text, size_t len)
{
	early_console_write_others(text, len);
	early_console_write_terminal(text, len);
}

void early_console_write_terminal(const char *text, size_t len)
{
	if (hvc_is_terminal())
		virtio_console_write(text, len);
	else if (nr_uarts > 0)
		uart_write(&uarts[nr_uarts - 1], text, len);
}

void early_console_write_others(const char *text, size_t len)
{
	if (hvc_is_terminal())
		write_uarts(nr_uarts, text, len);
	else if (nr_uarts > 0)
		write_uarts(nr_uarts - 1, text, len);
	if (hvc.joined && !hvc_is_terminal())
		virtio_console_write(text, len);
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
