// SPDX-License-Identifier: GPL-2.0-or-later
// Two queues with a buffer for each descriptor. A received buffer goes back to the device when all
// of it has found room, so that a sender who is too fast is held off by the host. An interrupt
// comes for each buffer that the device is done with, also for those that it uses while it is being
// served: one round over the queue is enough.
#include "drivers/virtio/virtio_console.h"

#include "cpu/cpu.h"
#include "cpu/intr.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "drivers/virtio/virtio_pci.h"
#include "mem/page.h"

#define DEVICE              0x1043
#define DEVICE_TRANSITIONAL 0x1003

#define QUEUE_RX 0 /* receiveq(port0) */
#define QUEUE_TX 1 /* transmitq(port0) */

#define RX_SIZE   65536
#define TX_SIZE   16384
#define RX_BUFFER 256u
#define TX_BUFFER 512u

/* One block of memory is all that the device is told of. */
struct shared {
	uint8_t rings[2][PAGE_SIZE / 2];
	uint8_t rx[VIRTQ_MAX][RX_BUFFER];
	uint8_t tx[VIRTQ_MAX][TX_BUFFER];
};
#define SHARED_ORDER 2
_Static_assert(sizeof(struct shared) <= PAGE_SIZE << SHARED_ORDER, "the block is large enough");
_Static_assert(VIRTQ_BYTES <= PAGE_SIZE / 2, "the rings fit");

#define WAIT_MS    100       /* for room, once; then only when the device has moved */
#define LOCK_SPINS 50000000u /* a holder waits WAIT_MS at most, a panic goes on without it */

/* Locks: [I] immutable once it is up   [b] busy   [l] dev.lock */
static struct virtio_console {
	struct chardev dev;
	bool up; /* [I] */
	uint32_t busy;
	struct virtio_device virtio;                  /* [I] */
	struct shared *shared;                        /* [I] */
	volatile uint16_t *rx_doorbell, *tx_doorbell; /* [I] */
	struct virtq rx, tx;                          /* [b] */
	const char *broken;                           /* [b] what the device did; NULL: nothing */
	bool told;                                    /* [l] that is in the log */
	bool stalled;                                 /* [b] the host takes nothing */
	struct {
		bool any;
		uint16_t id;
		uint32_t at, end; /* in the buffer */
	} held;                   /* [b] bytes that have not found room */
	uint8_t rx_bytes[RX_SIZE], tx_bytes[TX_SIZE];
} console;

static void acquire(struct virtio_console *c)
{
	for (unsigned int i = 0; i < LOCK_SPINS; i++) {
		if (!__atomic_exchange_n(&c->busy, 1, __ATOMIC_ACQUIRE))
			return;
		cpu_relax();
	}
}

static void release(struct virtio_console *c)
{
	__atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static void take_out_of_use(struct virtio_console *c, const char *why)
{
	c->broken = why;
	virtio_stop(&c->virtio);
}

/* A buffer that the device is done with; false: none. */
static bool take(struct virtio_console *c, struct virtq *q, uint16_t *id, uint32_t *length)
{
	const char *why;
	int n = c->broken == NULL ? virtq_take(q, id, length, &why) : 0;

	if (n < 0)
		take_out_of_use(c, why);
	return n > 0;
}

static void give_rx(struct virtio_console *c, uint16_t id)
{
	virtq_give(&c->rx, id, virt_to_phys(c->shared->rx[id]), RX_BUFFER, true);
}

/* ---- receive ---- */

/* Takes the next buffer that has come; false: none. */
static bool hold_next(struct virtio_console *c)
{
	c->held.at = 0;
	c->held.any = take(c, &c->rx, &c->held.id, &c->held.end);
	return c->held.any;
}

/* From the buffer that is held; false: there is no room for all of it. */
static bool put_held(struct virtio_console *c)
{
	const uint8_t *bytes = c->shared->rx[c->held.id] + c->held.at;
	size_t n = byte_ring_write(&c->dev.rx, bytes, c->held.end - c->held.at);

	c->held.at += (uint32_t)n;
	c->dev.received += n;
	return c->held.at == c->held.end;
}

static void receive(struct virtio_console *c)
{
	bool given = false;

	for (unsigned int i = 0; i <= VIRTQ_MAX; i++) {
		if ((!c->held.any && !hold_next(c)) || !put_held(c))
			break;
		c->held.any = false;
		give_rx(c, c->held.id);
		given = true;
	}
	if (given && c->broken == NULL)
		*c->rx_doorbell = QUEUE_RX;
}

/* ---- send ---- */

static void reclaim(struct virtio_console *c)
{
	uint32_t length;
	uint16_t id;

	while (take(c, &c->tx, &id, &length))
		c->stalled = false;
}

static void give_tx(struct virtio_console *c, int id, size_t length)
{
	virtq_give(&c->tx, (uint16_t)id, virt_to_phys(c->shared->tx[id]), (uint32_t)length, false);
}

static void transmit(struct virtio_console *c)
{
	struct chardev *d = &c->dev;
	bool given = false;
	int id;

	reclaim(c);
	while (c->broken == NULL && byte_ring_used(&d->tx) > 0 && (id = virtq_free(&c->tx)) >= 0) {
		size_t n = byte_ring_read(&d->tx, c->shared->tx[id], TX_BUFFER);

		give_tx(c, id, n);
		d->sent += n;
		given = true;
	}
	if (c->broken != NULL)
		d->tx.tail = d->tx.head;
	else if (given)
		*c->tx_doorbell = QUEUE_TX;
}

static void console_service(struct chardev *d)
{
	struct virtio_console *c = d->driver;
	const char *broken;

	acquire(c);
	receive(c);
	transmit(c);
	broken = c->broken;
	release(c);
	/* The log may write to this device. */
	if (broken != NULL && !c->told) {
		c->told = true;
		log_error("console hvc0: %s: the device is not used any more", broken);
	}
}

static const struct chardev_ops console_ops = { .service = console_service };

static void on_interrupt(struct trap_frame *frame)
{
	(void)frame;
	if (console.up)
		chardev_interrupt(&console.dev);
}

/* ---- polled ---- */

/* Until the device has taken all, or one buffer at least. */
static void wait_for_device(struct virtio_console *c, bool all)
{
	uint64_t ticks = (uint64_t)WAIT_MS * time_tsc_khz(), start = time_tsc();

	*c->tx_doorbell = QUEUE_TX;
	do {
		reclaim(c);
		if (c->broken != NULL || c->tx.given == 0 || (!all && virtq_free(&c->tx) >= 0))
			return;
		cpu_relax();
	} while (time_tsc() - start < ticks);
	c->stalled = true;
}

static int wait_free(struct virtio_console *c)
{
	reclaim(c);
	if (virtq_free(&c->tx) < 0 && !c->stalled)
		wait_for_device(c, false);
	return c->broken == NULL ? virtq_free(&c->tx) : -1;
}

/* How many of s the buffer holds. */
static size_t fill(struct virtio_console *c, int id, const char *s, size_t len)
{
	uint8_t *buffer = c->shared->tx[id];
	size_t n = 0, i;

	for (i = 0; i < len && n + 2 <= TX_BUFFER; i++) {
		if (s[i] == '\n')
			buffer[n++] = '\r';
		buffer[n++] = (uint8_t)s[i];
	}
	give_tx(c, id, n);
	return i;
}

void virtio_console_write(const char *s, size_t len)
{
	struct virtio_console *c = &console;
	int id;

	if (!c->up)
		return;
	acquire(c);
	while (len > 0 && (id = wait_free(c)) >= 0) {
		size_t n = fill(c, id, s, len);

		s += n;
		len -= n;
	}
	if (c->broken == NULL)
		*c->tx_doorbell = QUEUE_TX;
	release(c);
}

void virtio_console_drain(void)
{
	struct virtio_console *c = &console;

	if (!c->up)
		return;
	acquire(c);
	if (c->broken == NULL && !c->stalled)
		wait_for_device(c, true);
	release(c);
}

/* ---- start ---- */

static const struct pci_function *find(void)
{
	for (unsigned int i = 0; i < pci_count(); i++) {
		const struct pci_function *f = pci_get(i);

		if (f->vendor == VIRTIO_VENDOR &&
		    (f->device == DEVICE || f->device == DEVICE_TRANSITIONAL))
			return f;
	}
	return NULL;
}

static const char *start_queues(struct virtio_console *c)
{
	const char *why = virtio_set_queue(&c->virtio, QUEUE_RX, &c->rx, c->shared->rings[QUEUE_RX],
					   &c->rx_doorbell);

	if (why == NULL)
		why = virtio_set_queue(&c->virtio, QUEUE_TX, &c->tx, c->shared->rings[QUEUE_TX],
				       &c->tx_doorbell);
	if (why != NULL)
		return why;
	virtio_ready(&c->virtio);
	for (uint16_t i = 0; i < c->rx.size; i++)
		give_rx(c, i);
	*c->rx_doorbell = QUEUE_RX;
	return NULL;
}

static const char *start(struct virtio_console *c, const struct pci_function *f, uint32_t apic_id)
{
	uint8_t vector = intr_alloc();
	const char *why;
	phys_t pa;

	if (vector == 0)
		return "no interrupt vector is left";
	pa = page_alloc(kernel_container, SHARED_ORDER, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	if (pa == 0)
		return "no memory";
	c->shared = phys_to_virt(pa);
	intr_register(vector, on_interrupt);
	why = virtio_start(&c->virtio, f, vector, apic_id);
	if (why == NULL)
		why = start_queues(c);
	if (why != NULL && c->virtio.common != NULL)
		virtio_stop(&c->virtio);
	return why;
}

static void make_chardev(struct virtio_console *c)
{
	c->dev.name = "hvc0";
	c->dev.ops = &console_ops;
	c->dev.driver = c;
	c->dev.rx = (struct byte_ring)BYTE_RING_INIT(c->rx_bytes);
	c->dev.tx = (struct byte_ring)BYTE_RING_INIT(c->tx_bytes);
	chardev_register(&c->dev);
}

struct chardev *virtio_console_init(uint32_t apic_id)
{
	const struct pci_function *f = find();
	const char *why = f == NULL ? "there is no virtio console" : NULL;

	if (f != NULL)
		why = start(&console, f, apic_id);
	if (why != NULL) {
		log_error("console=hvc0: %s", why);
		return NULL;
	}
	make_chardev(&console);
	console.up = true;
	chardev_interrupt(&console.dev);
	log_info("console hvc0: PCI %02x:%02x.%x", f->address.bus, f->address.device,
		 f->address.function);
	return &console.dev;
}
