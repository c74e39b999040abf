// SPDX-License-Identifier: GPL-2.0-or-later
// A PC's four UARTs, two of which share an interrupt, and one that firmware has named elsewhere.
// service() runs until the UART has nothing more
// to say, since its interrupt is edge-triggered: a cause that is left standing would never
// interrupt again. Bytes that find no room stay in the UART with its receive interrupt off and RTS
// dropped, until a reader has made room.
#include "drivers/serial/serial.h"

#include "cpu/intr.h"
#include "cpu/time.h"
#include "drivers/ioapic/ioapic.h"
#include "drivers/serial/uart_regs.h"
#include "io/chardev.h"
#include "lib/errno.h"
#include "thread/thread.h"

#define RX_SIZE      65536
#define TX_SIZE      16384
#define RX_LOW_WATER 256 /* room below which the sender is held off */
#define NO_IRQ       0xff
/* At 115200 baud the 16 bytes of a FIFO come and go in 1.4 ms. */
#define POLL_NS 1000000ull

static void serial_service(struct chardev *d);
static const struct chardev_ops serial_ops = { .service = serial_service };

/* Locks: [I] once the UART is in use */
static struct line {
	uint16_t port; /* 0: of any other */
	uint8_t irq;
	const char *name;
	bool used;      /* [I] */
	uint8_t vector; /* [I] 0: no interrupt, looked at by a timer */
	struct chardev dev;
} lines[] = {
	{ .port = UART_COM1, .irq = 4, .name = "ttyS0" },
	{ .port = UART_COM2, .irq = 3, .name = "ttyS1" },
	{ .port = UART_COM3, .irq = 4, .name = "ttyS2" },
	{ .port = UART_COM4, .irq = 3, .name = "ttyS3" },
	{ .port = 0, .irq = NO_IRQ, .name = "ttyS4" },
};

/* Apart from the lines, which are not zero at start: these take no room in the image's file. */
static struct {
	uint8_t rx[RX_SIZE], tx[TX_SIZE];
} buffers[ARRAY_SIZE(lines)];

static struct timer poll_timer; /* of all lines without an interrupt; on the boot CPU */

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

static bool has_interrupt(const struct chardev *d)
{
	return container_of(d, struct line, dev)->vector != 0;
}

static void set_interrupts(struct chardev *d, const struct uart16550 *u)
{
	uint32_t room = byte_ring_free(&d->rx);
	uint8_t ier = 0, mcr = UART_MCR_DTR | UART_MCR_OUT2;
	if (has_interrupt(d) && room > 0)
		ier |= UART_IER_RX | UART_IER_LINE;
	if (has_interrupt(d) && byte_ring_used(&d->tx) > 0)
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

static void serial_interrupt(struct trap_frame *frame)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		if (lines[i].vector == frame->vector)
			chardev_interrupt(&lines[i].dev);
	}
}

static void poll(struct timer *t)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		if (lines[i].used && lines[i].vector == 0)
			chardev_interrupt(&lines[i].dev);
	}
	timer_arm(t, time_now() + POLL_NS);
}

static void start_polling(void)
{
	if (poll_timer.armed)
		return;
	timer_init(&poll_timer, poll);
	timer_arm(&poll_timer, time_now() + POLL_NS);
}

/* The vector that the line's interrupt has already, or a new one; 0: none. */
static uint8_t route(const struct line *line, uint32_t apic_id)
{
	uint8_t vector;

	if (line->irq == NO_IRQ)
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		if (lines[i].vector != 0 && lines[i].irq == line->irq)
			return lines[i].vector;
	}
	vector = intr_alloc();
	if (vector == 0)
		return 0;
	intr_register(vector, serial_interrupt);
	return ioapic_route_isa(line->irq, vector, apic_id) < 0 ? 0 : vector;
}

static struct line *find(const struct uart16550 *uart)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		bool ours = uart->regs == NULL && lines[i].port == uart->port;

		if (!lines[i].used && (ours || lines[i].port == 0))
			return &lines[i];
	}
	return NULL;
}

struct chardev *serial_init(struct uart16550 *uart, uint32_t apic_id, bool *polled)
{
	struct line *line = uart_exists(uart) ? find(uart) : NULL;

	if (line == NULL)
		return NULL;
	size_t n = (size_t)(line - lines);
	line->dev.ops = &serial_ops;
	line->dev.rx = (struct byte_ring)BYTE_RING_INIT(buffers[n].rx);
	line->dev.tx = (struct byte_ring)BYTE_RING_INIT(buffers[n].tx);
	line->dev.name = line->name;
	line->dev.driver = uart;
	chardev_register(&line->dev);
	line->vector = route(line, apic_id);
	line->used = true;
	*polled = line->vector == 0;
	if (*polled)
		start_polling();
	chardev_interrupt(&line->dev);
	return &line->dev;
}
