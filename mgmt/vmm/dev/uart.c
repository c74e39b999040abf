// SPDX-License-Identifier: GPL-2.0-or-later
// A 16550A whose transmitter is always empty: bytes go to the console at once. Its receiver draws
// from the console's input as the guest reads, so nothing overruns. In loopback (MCR bit 4) bytes
// go round through a FIFO of 16.

#include "vmm/machine.h"

#include <errno.h>

#define IER_RDI      0x01
#define IER_THRI     0x02
#define IER_RLSI     0x04
#define IER_MSI      0x08
#define IIR_NONE     0x01
#define IIR_MSI      0x00
#define IIR_THRI     0x02
#define IIR_RDI      0x04
#define IIR_RLSI     0x06
#define IIR_FIFO     0xc0
#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define LCR_DLAB     0x80
#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOP     0x10
#define LSR_DR       0x01
#define LSR_OE       0x02
#define LSR_THRE     0x20
#define LSR_TEMT     0x40
#define MSR_LINE_UP  0xb0 /* CTS, DSR, DCD */

#define FIFO_SIZE 16

static const struct {
	uint16_t port;
	uint8_t gsi;
} places[VM_CONFIG_CONSOLES_MAX] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 5 }, { 0x2e8, 7 } };

/* Locks: all by the device's lock */
struct uart {
	struct device device;
	struct console *console; /* NULL: this port is not there */
	unsigned gsi;
	uint16_t divisor;
	uint8_t ier, lcr, mcr, scratch, lsr_errors, msr_delta;
	bool fifo_enabled, thr_pending, line;
	uint8_t loop[FIFO_SIZE];
	unsigned loop_head, loop_tail;
};

static unsigned loop_count(const struct uart *u)
{
	return u->loop_head - u->loop_tail;
}

static bool has_data(struct uart *u)
{
	return u->mcr & MCR_LOOP ? loop_count(u) > 0 : console_has_input(u->console);
}

static uint8_t pending(struct uart *u)
{
	if (u->ier & IER_RLSI && u->lsr_errors)
		return IIR_RLSI;
	if (u->ier & IER_RDI && has_data(u))
		return IIR_RDI;
	if (u->ier & IER_THRI && u->thr_pending)
		return IIR_THRI;
	if (u->ier & IER_MSI && u->msr_delta)
		return IIR_MSI;
	return IIR_NONE;
}

/* On a PC the interrupt reaches the controller only through OUT2. */
static void update(struct uart *u)
{
	bool gate = u->mcr & MCR_OUT2 && !(u->mcr & MCR_LOOP);
	bool level = gate && pending(u) != IIR_NONE;

	if (level != u->line) {
		u->line = level;
		machine_irq(u->device.machine, u->gsi, level);
	}
}

static void transmit(struct uart *u, uint8_t byte)
{
	if (!(u->mcr & MCR_LOOP))
		console_put(u->console, byte);
	else if (loop_count(u) < (u->fifo_enabled ? FIFO_SIZE : 1))
		u->loop[u->loop_head++ % FIFO_SIZE] = byte;
	else
		u->lsr_errors |= LSR_OE;
	u->thr_pending = true;
}

static uint8_t receive(struct uart *u)
{
	int byte;

	if (u->mcr & MCR_LOOP)
		return loop_count(u) ? u->loop[u->loop_tail++ % FIFO_SIZE] : 0;
	byte = console_get(u->console);
	return byte < 0 ? 0 : (uint8_t)byte;
}

static uint8_t modem_status(const struct uart *u)
{
	uint8_t m = u->mcr;

	if (!(m & MCR_LOOP))
		return MSR_LINE_UP;
	return (uint8_t)((m & MCR_RTS ? 0x10 : 0) | (m & MCR_DTR ? 0x20 : 0) |
			 (m & MCR_OUT1 ? 0x40 : 0) | (m & MCR_OUT2 ? 0x80 : 0));
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t iir = pending(u);

	if (iir == IIR_THRI)
		u->thr_pending = false;
	return iir | (u->fifo_enabled ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t lsr = LSR_THRE | LSR_TEMT | u->lsr_errors | (has_data(u) ? LSR_DR : 0);

	u->lsr_errors = 0;
	return lsr;
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t msr = modem_status(u) | u->msr_delta;

	u->msr_delta = 0;
	return msr;
}

/* A register that an interrupt hangs on. */
static __noinline uint8_t read_live(struct uart *u, uint64_t offset)
{
	bool dlab = u->lcr & LCR_DLAB;
	uint8_t value = 0;

	switch (offset) {
	case 0: value = dlab ? (uint8_t)u->divisor : receive(u); break;
	case 1: value = dlab ? (uint8_t)(u->divisor >> 8) : u->ier; break;
	case 2: value = read_iir(u); break;
	case 5: value = read_lsr(u); break;
	case 6: value = read_msr(u); break;
	}
	update(u);
	return value;
}

static uint64_t uart_read(void *device, uint64_t offset, unsigned size)
{
	const struct uart *u = device;

	(void)size;
	switch (offset) {
	case 3: return u->lcr;
	case 4: return u->mcr;
	case 7: return u->scratch;
	default: return read_live(device, offset);
	}
}

static void write_ier(struct uart *u, uint8_t value)
{
	/* Enabling the transmitter's interrupt while it is empty raises it. */
	if (value & ~u->ier & IER_THRI)
		u->thr_pending = true;
	u->ier = value & 0x0f;
}

static void write_fcr(struct uart *u, uint8_t value)
{
	bool enable = value & FCR_ENABLE;

	/* Input that a console typed ahead is kept: a driver clears the FIFO when it starts. */
	if (value & FCR_CLEAR_RX || enable != u->fifo_enabled)
		u->loop_tail = u->loop_head;
	u->fifo_enabled = enable;
}

static void write_mcr(struct uart *u, uint8_t value)
{
	uint8_t before = modem_status(u), changed;

	u->mcr = value & 0x1f;
	changed = (uint8_t)(before ^ modem_status(u)) >> 4;
	/* TERI (bit 2) is set by the trailing edge only. */
	if (changed & 4 && !(before & 0x40))
		changed &= (uint8_t)~4u;
	u->msr_delta |= changed;
}

static void uart_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct uart *u = device;
	bool dlab = u->lcr & LCR_DLAB;
	uint8_t byte = (uint8_t)value;

	(void)size;
	switch (offset) {
	case 0:
		if (dlab)
			u->divisor = (uint16_t)((u->divisor & 0xff00) | byte);
		else
			transmit(u, byte);
		break;
	case 1:
		if (dlab)
			u->divisor = (uint16_t)((u->divisor & 0x00ff) | byte << 8);
		else
			write_ier(u, byte);
		break;
	case 2: write_fcr(u, byte); break;
	case 3: u->lcr = byte; break;
	case 4: write_mcr(u, byte); break;
	case 7: u->scratch = byte; return;
	}
	update(u);
}

static const struct bus_ops uart_ops = {
	.name = "uart",
	.max_size = 1,
	.read = uart_read,
	.write = uart_write,
};

static void on_input(void *port)
{
	struct uart *u = port;

	mutex_lock(&u->device.lock);
	update(u);
	mutex_unlock(&u->device.lock);
}

static unsigned uart_instances(const struct vm_config *config)
{
	(void)config;
	return VM_CONFIG_CONSOLES_MAX;
}

static int uart_create(struct device *device, unsigned instance)
{
	struct uart *u = (struct uart *)device;
	int ret;

	if (!device->machine->config->consoles[instance].present)
		return 0;
	u->console = &device->machine->consoles[instance];
	u->gsi = places[instance].gsi;
	u->divisor = 12; /* 9600 */
	ret = device_claim(device, BUS_PORT, places[instance].port, 8, &uart_ops);
	if (!ret)
		console_set_port(u->console, on_input, u);
	return ret;
}

static void uart_destroy(struct device *device)
{
	struct uart *u = (struct uart *)device;

	if (u->console)
		console_set_port(u->console, NULL, NULL);
}

const struct device_class uart_class = {
	.name = "uart",
	.size = sizeof(struct uart),
	.instances = uart_instances,
	.create = uart_create,
	.destroy = uart_destroy,
};
