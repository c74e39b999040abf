// SPDX-License-Identifier: GPL-2.0-or-later
// One UART. service() runs until the UART has nothing more to say, since its interrupt is
// edge-triggered: a cause that is left standing would never interrupt again. Bytes that find no
// room stay in the UART with its receive interrupt off and RTS dropped, until a reader has made
// room.
#include "drivers/serial/serial.h"

#include "cpu/intr.h"
#include "drivers/ioapic/ioapic.h"
#include "drivers/serial/uart_regs.h"
#include "io/chardev.h"
#include "lib/errno.h"

#define RX_SIZE      65536
#define TX_SIZE      16384
#define RX_LOW_WATER 256 /* room below which the sender is held off */

static uint8_t rx_bytes[RX_SIZE], tx_bytes[TX_SIZE];

static const struct {
	uint16_t port;
	uint8_t irq;
	const char *name;
} lines[] = {
	{ UART_COM1, 4, "ttyS0" },
	{ UART_COM2, 3, "ttyS1" },
	{ UART_COM3, 4, "ttyS2" },
	{ UART_COM4, 3, "ttyS3" },
};

static bool receive(struct chardev *d, const struct uart16550 *u, uint8_t lsr)
{
	bool any = false;
	while ((lsr & UART_LSR_DR) && byte_ring_free(&d->rx) > 0) {
		d->overruns += (lsr & UART_LSR_OE) != 0;
		byte_ring_put(&d->rx, uart_read_reg(u, UART_RBR));
		d->received++;
		any = true;
		lsr = uart_read_reg(u, UART_LSR);
	}
	return any;
}

static bool transmit(struct chardev *d, const struct uart16550 *u)
{
	uint8_t byte;
	unsigned int n = 0;
	if (!(uart_read_reg(u, UART_LSR) & UART_LSR_THRE))
		return false;
	for (; n < UART_FIFO_SIZE && byte_ring_take(&d->tx, &byte); n++)
		uart_write_reg(u, UART_THR, byte);
	d->sent += n;
	return n > 0;
}

static void set_interrupts(struct chardev *d, const struct uart16550 *u)
{
	uint32_t room = byte_ring_free(&d->rx);
	uint8_t ier = 0, mcr = UART_MCR_DTR | UART_MCR_OUT2;
	if (room > 0)
		ier |= UART_IER_RX | UART_IER_LINE;
	if (byte_ring_used(&d->tx) > 0)
		ier |= UART_IER_TX;
	if (room >= RX_LOW_WATER)
		mcr |= UART_MCR_RTS;
	uart_write_reg(u, UART_MCR, mcr);
	uart_write_reg(u, UART_IER, ier);
}

static void serial_service(struct chardev *d)
{
	struct uart16550 *u = d->driver;
	uart_lock(u);
	bool again;
	do {
		uart_read_reg(u, UART_IIR); /* takes back the transmitter's interrupt */
		again = receive(d, u, uart_read_reg(u, UART_LSR));
		again |= transmit(d, u);
	} while (again);
	set_interrupts(d, u);
	uart_unlock(u);
}

static const struct chardev_ops serial_ops = { .service = serial_service };

static struct chardev serial = {
	.ops = &serial_ops,
	.rx = BYTE_RING_INIT(rx_bytes),
	.tx = BYTE_RING_INIT(tx_bytes),
};

static void serial_interrupt(struct trap_frame *frame)
{
	(void)frame;
	chardev_interrupt(&serial);
}

int serial_init(struct uart16550 *uart, uint8_t vector, uint32_t apic_id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		if (uart->port == 0 || lines[i].port != uart->port)
			continue;
		serial.name = lines[i].name;
		serial.driver = uart;
		chardev_register(&serial);
		intr_register(vector, serial_interrupt);
		int err = ioapic_route_isa(lines[i].irq, vector, apic_id);
		if (err < 0)
			return err;
		chardev_interrupt(&serial);
		return 0;
	}
	return -ENODEV;
}
