/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550 UART, polled: the early console and the panic path. Its registers are I/O ports, or in
 * memory. No locks: the callers (the log, a panic) serialize. Every wait is bounded, so that a
 * machine without the UART, or a dead one, never hangs.
 */
#pragma once

#include "lib/types.h"

#define UART_COM1 0x3f8
#define UART_COM2 0x2f8
#define UART_COM3 0x3e8
#define UART_COM4 0x2e8

/* Locks: [I] immutable after uart_init   [a] atomic */
struct uart16550 {
	volatile uint8_t *regs; /* [I] the first register; NULL: it is at the port */
	uint8_t stride;         /* [I] bytes from one register in memory to the next */
	uint8_t width;          /* [I] bytes of an access to one: 1, 2, 4 */
	uint16_t port;          /* [I] first I/O port; 0 and no regs: none */
	uint32_t busy;          /* [a] raw lock of the registers */
};

static inline bool uart_exists(const struct uart16550 *u)
{
	return u->regs != NULL || u->port != 0;
}

void uart_lock(struct uart16550 *u);
void uart_unlock(struct uart16550 *u);
uint8_t uart_read_reg(const struct uart16550 *u, unsigned int reg);
void uart_write_reg(const struct uart16550 *u, unsigned int reg, uint8_t v);

/*
 * Sets the UART at `port` to `baud` (a divisor of 115200; 0: the rate that it has), 8n1, FIFOs on,
 * interrupts off. 0, -ENODEV (nothing there; *u is then a UART that swallows output) or -EINVAL
 * (baud).
 */
int uart_init(struct uart16550 *u, uint16_t port, uint32_t baud);

/*
 * The same for registers in memory, mapped uncached at `regs`, aligned to `width`, `stride` bytes
 * apart, reached by accesses of `width` bytes (1, 2 or 4; not more than the stride).
 */
int uart_init_memory(struct uart16550 *u, volatile void *regs, uint8_t stride, uint8_t width,
		     uint32_t baud);

/* Sends all of s, a newline as CR LF. Returns when the last byte is in the FIFO. Takes the lock. */
void uart_write(struct uart16550 *u, const char *s, size_t len);

/* Waits until the last bit has left the UART (before a shutdown). */
void uart_drain(struct uart16550 *u);
