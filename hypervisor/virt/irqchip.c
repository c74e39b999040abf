// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wires the interrupt lines, the PIC and the IO-APIC together. Whatever raises the PIC's output
 * ends in pic_changed(), which tells the vCPU that takes external interrupts.
 */
#include "virt/irqchip.h"

#include "lib/errno.h"

static const struct lock_class irqchip_lock = { "irqchip", LOCK_RANK_IRQCHIP };

#define ISA_LINES 16
#define PIT_LINE  0
#define PIT_PIN   2
#define NO_LINE   2 /* the cascade of the PICs */

void irqchip_init(struct irqchip *c, const struct vlapic_ops *ops)
{
	lock_init(&c->lock, &irqchip_lock);
	vlapic_set_init(&c->lapics, ops);
	vioapic_init(&c->ioapic, &c->lapics);
	vpic_init(&c->pic);
}

static void pic_changed(struct irqchip *c, bool was)
{
	if (!was && vpic_output(&c->pic))
		vlapic_pic_raised(&c->lapics);
}

int irqchip_set_line(struct irqchip *c, unsigned line, bool level)
{
	bool was;

	if (line >= IRQCHIP_LINES || line == NO_LINE)
		return -EINVAL;
	lock_acquire(&c->lock);
	was = vpic_output(&c->pic);
	if (line < ISA_LINES)
		vpic_set_pin(&c->pic, line, level);
	vioapic_set_pin(&c->ioapic, line == PIT_LINE ? PIT_PIN : line, level);
	pic_changed(c, was);
	lock_release(&c->lock);
	return 0;
}

int irqchip_msi(struct irqchip *c, uint64_t address, uint32_t data)
{
	struct irq_msg msg;
	int ret = msi_decode(address, data, &msg);

	return ret ? ret : (int)vlapic_deliver(&c->lapics, &msg);
}

static int take_from_pic(struct irqchip *c, struct vlapic *l)
{
	int vector = -1;

	lock_acquire(&c->lock);
	if (vpic_output(&c->pic) && vlapic_accepts_pic(l))
		vector = vpic_ack(&c->pic);
	lock_release(&c->lock);
	return vector;
}

int irqchip_take_interrupt(struct irqchip *c, struct vlapic *l)
{
	int vector;

	if (unlikely(vpic_output(&c->pic))) {
		vector = take_from_pic(c, l);
		if (vector >= 0)
			return vector;
	}
	vector = vlapic_has_interrupt(l);
	if (vector >= 0)
		vlapic_ack(l, (uint8_t)vector);
	return vector;
}

void irqchip_eoi(struct irqchip *c, uint8_t vector)
{
	if (!vioapic_wants_eoi(&c->ioapic, vector))
		return;
	lock_acquire(&c->lock);
	vioapic_eoi(&c->ioapic, vector);
	lock_release(&c->lock);
}

/* A wide access is one to each port; ports that are not ours float. */
static void pic_access(struct irqchip *c, uint16_t port, bool write, unsigned len, uint32_t *value)
{
	uint32_t in = 0;

	for (unsigned i = 0; i < len; i++) {
		uint16_t at = (uint16_t)(port + i);
		uint8_t byte = 0xff;

		if (vpic_port(at) && write)
			vpic_write(&c->pic, at, (uint8_t)(*value >> i * 8));
		else if (vpic_port(at))
			byte = vpic_read(&c->pic, at);
		in |= (uint32_t)byte << i * 8;
	}
	if (!write)
		*value = in;
}

bool irqchip_port(struct irqchip *c, uint16_t port, bool write, unsigned len, uint32_t *value)
{
	bool was;

	if (!vpic_port(port) || len > sizeof(*value))
		return false;
	lock_acquire(&c->lock);
	was = vpic_output(&c->pic);
	pic_access(c, port, write, len, value);
	pic_changed(c, was);
	lock_release(&c->lock);
	return true;
}

bool irqchip_mmio_hit(const struct vlapic *l, gpa_t gpa)
{
	return gpa - VIOAPIC_BASE < VIOAPIC_SIZE || vlapic_mmio_hit(l, gpa);
}

uint64_t irqchip_mmio_read(struct irqchip *c, struct vlapic *l, gpa_t gpa, unsigned len)
{
	uint32_t offset = gpa & 0xfff;
	uint64_t value;

	if (vlapic_mmio_hit(l, gpa))
		return vlapic_mmio_read(l, offset, len);
	lock_acquire(&c->lock);
	value = vioapic_read(&c->ioapic, offset, len);
	lock_release(&c->lock);
	return value;
}

void irqchip_mmio_write(struct irqchip *c, struct vlapic *l, gpa_t gpa, unsigned len,
			uint64_t value)
{
	uint32_t offset = gpa & 0xfff;

	if (vlapic_mmio_hit(l, gpa)) {
		vlapic_mmio_write(l, offset, len, value);
		return;
	}
	lock_acquire(&c->lock);
	vioapic_write(&c->ioapic, offset, len, value);
	lock_release(&c->lock);
}
