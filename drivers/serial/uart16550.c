// SPDX-License-Identifier: GPL-2.0-or-later
// Register level of the 16550, without interrupts. A byte is given to the UART when the line
// status says that the transmitter takes one. A UART that never does is given
// up on after a bounded number of polls per byte.
#include "drivers/serial/uart16550.h"

#include "cpu/port.h"
#include "drivers/serial/uart_regs.h"
#include "lib/errno.h"

/* 16 bytes at 9600 baud take 17 ms; a poll is about 1 us on real hardware. */
#define TX_POLLS 100000u

/* A holder sends 16 bytes at most before it lets go, but for a whole line of the log. */
#define LOCK_SPINS 50000000u

void uart_lock(struct uart16550 *u)
{
	for (unsigned int i = 0; i < LOCK_SPINS; i++) {
		if (!__atomic_exchange_n(&u->busy, 1, __ATOMIC_ACQUIRE))
			return;
		__builtin_ia32_pause();
	}
}

void uart_unlock(struct uart16550 *u)
{
	__atomic_store_n(&u->busy, 0, __ATOMIC_RELEASE);
}

uint8_t uart_read_reg(const struct uart16550 *u, unsigned int reg)
{
	volatile void *at = u->regs + (size_t)reg * u->stride;

	if (u->regs == NULL)
		return port_in8((uint16_t)(u->port + reg));
	switch (u->width) {
	case 4: return (uint8_t) * (volatile uint32_t *)at;
	case 2: return (uint8_t) * (volatile uint16_t *)at;
	default: return *(volatile uint8_t *)at;
	}
}

void uart_write_reg(const struct uart16550 *u, unsigned int reg, uint8_t v)
{
	volatile void *at = u->regs + (size_t)reg * u->stride;

	if (u->regs == NULL) {
		port_out8((uint16_t)(u->port + reg), v);
		return;
	}
	switch (u->width) {
	case 4: *(volatile uint32_t *)at = v; break;
	case 2: *(volatile uint16_t *)at = v; break;
	default: *(volatile uint8_t *)at = v; break;
	}
}

/* The low half of IER and the scratch register hold what is written; an empty bus does not. */
static bool uart_present(const struct uart16550 *u)
{
	uart_write_reg(u, UART_IER, 0);
	if (uart_read_reg(u, UART_IER) != 0)
		return false;
	uart_write_reg(u, UART_SCR, 0x5a);
	if (uart_read_reg(u, UART_SCR) != 0x5a)
		return false;
	uart_write_reg(u, UART_SCR, 0xa5);
	return uart_read_reg(u, UART_SCR) == 0xa5;
}

static void set_rate(const struct uart16550 *u, uint16_t divisor)
{
	uart_write_reg(u, UART_LCR, UART_LCR_DLAB);
	uart_write_reg(u, UART_DLL, (uint8_t)divisor);
	uart_write_reg(u, UART_DLM, (uint8_t)(divisor >> 8));
}

/* *u becomes the UART that *probe names, if one is there. */
static int start(struct uart16550 *u, const struct uart16550 *probe, uint32_t baud)
{
	*u = (struct uart16550){ .port = 0 };
	if (baud != 0 && (UART_BAUD_MAX % baud != 0 || UART_BAUD_MAX / baud > 0xffff))
		return -EINVAL;
	if (!uart_present(probe))
		return -ENODEV;
	if (baud != 0)
		set_rate(probe, (uint16_t)(UART_BAUD_MAX / baud));
	uart_write_reg(probe, UART_LCR, UART_LCR_8N1);
	uart_write_reg(probe, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
	uart_write_reg(probe, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	*u = *probe;
	return 0;
}

int uart_init(struct uart16550 *u, uint16_t port, uint32_t baud)
{
	const struct uart16550 probe = { .port = port };

	return start(u, &probe, baud);
}

int uart_init_memory(struct uart16550 *u, volatile void *regs, uint8_t stride, uint8_t width,
		     uint32_t baud)
{
	const struct uart16550 probe = { .regs = regs, .stride = stride, .width = width };

	return start(u, &probe, baud);
}

static void wait_lsr(const struct uart16550 *u, uint8_t bit)
{
	for (unsigned int i = 0; i < TX_POLLS; i++)
		if (uart_read_reg(u, UART_LSR) & bit)
			return;
}

void uart_write(struct uart16550 *u, const char *s, size_t len)
{
	if (!uart_exists(u))
		return;
	uart_lock(u);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n') {
			wait_lsr(u, UART_LSR_THRE);
			uart_write_reg(u, UART_THR, '\r');
		}
		wait_lsr(u, UART_LSR_THRE);
		uart_write_reg(u, UART_THR, (uint8_t)s[i]);
	}
	uart_unlock(u);
}

void uart_drain(struct uart16550 *u)
{
	if (uart_exists(u))
		wait_lsr(u, UART_LSR_TEMT);
}
