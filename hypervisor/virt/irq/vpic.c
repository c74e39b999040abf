// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The 8259A pair (Intel, "8259A Programmable Interrupt Controller"). The cascade is looked at as a
 * level: the slave's request is the master's pin 2 whenever anything changes. INTR is recomputed
 * after each change.
 */
#include "virt/irq/vpic.h"

#include "lib/bits.h"
#include "lib/string.h"

#define CASCADE_PIN 2
#define NO_PIN      8u

#define ICW1           0x10
#define ICW1_ICW4      0x01
#define ICW4_AUTO_EOI  0x02
#define ICW4_SFNM      0x10
#define OCW3           0x08
#define OCW3_POLL      0x04
#define OCW3_READ      0x02
#define OCW3_READ_ISR  0x01
#define OCW3_SMM_WRITE 0x40
#define OCW3_SMM       0x20

enum {
	STEP_READY,
	STEP_ICW2,
	STEP_ICW3,
	STEP_ICW4
};

/* The pin of `pins` with the highest priority as its distance from the top, 8: none. */
static unsigned top_priority(const struct vpic_chip *c, uint8_t pins)
{
	unsigned first = (c->lowest + 1u) & 7;
	unsigned rotated = ((unsigned)pins << 8 | pins) >> first & 0xff;

	return rotated ? bit_lowest(rotated) : NO_PIN;
}

static unsigned priority_to_pin(const struct vpic_chip *c, unsigned priority)
{
	return (priority + c->lowest + 1u) & 7;
}

/* The pin that is to be served next, NO_PIN: none. */
static unsigned request(const struct vpic_chip *c, bool master)
{
	uint8_t in_service = c->isr;
	unsigned priority = top_priority(c, c->irr & (uint8_t)~c->imr);

	if (priority == NO_PIN)
		return NO_PIN;
	if (c->special_mask)
		in_service &= (uint8_t)~c->imr;
	if (c->special_fully_nested && master)
		in_service &= (uint8_t)~BIT(CASCADE_PIN);
	return priority < top_priority(c, in_service) ? priority_to_pin(c, priority) : NO_PIN;
}

static void update(struct vpic *p)
{
	struct vpic_chip *master = &p->chip[0];

	if (request(&p->chip[1], false) != NO_PIN)
		master->irr |= BIT(CASCADE_PIN);
	else
		master->irr &= (uint8_t)~BIT(CASCADE_PIN);
	__atomic_store_n(&p->output, request(master, true) != NO_PIN, __ATOMIC_SEQ_CST);
}

static void chip_init(struct vpic_chip *c, uint8_t elcr_mask)
{
	*c = (struct vpic_chip){ .lowest = 7, .elcr_mask = elcr_mask };
}

void vpic_init(struct vpic *p)
{
	memset(p, 0, sizeof(*p));
	/* Timer, keyboard, cascade; RTC and FPU are always edge-triggered. */
	chip_init(&p->chip[0], 0xf8);
	chip_init(&p->chip[1], 0xde);
}

static void chip_set_pin(struct vpic_chip *c, uint8_t bit, bool level)
{
	bool rises = level && !(c->lines & bit);

	c->lines = level ? c->lines | bit : c->lines & (uint8_t)~bit;
	if (rises)
		c->irr |= bit;
	else if (!level && (c->elcr & bit))
		c->irr &= (uint8_t)~bit;
}

void vpic_set_pin(struct vpic *p, unsigned pin, bool level)
{
	if (pin >= VPIC_PINS || pin == CASCADE_PIN)
		return;
	chip_set_pin(&p->chip[pin / 8], (uint8_t)BIT(pin % 8), level);
	update(p);
}

static void chip_ack(struct vpic_chip *c, unsigned pin)
{
	uint8_t bit = (uint8_t)BIT(pin);

	if (!(c->elcr & bit))
		c->irr &= (uint8_t)~bit;
	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_auto)
		c->lowest = (uint8_t)pin;
}

/* The spurious interrupt is number 7, and not in service. */
static unsigned ack_or_spurious(struct vpic_chip *c, bool master)
{
	unsigned pin = request(c, master);

	if (pin == NO_PIN)
		return 7;
	chip_ack(c, pin);
	return pin;
}

uint8_t vpic_ack(struct vpic *p)
{
	unsigned pin = ack_or_spurious(&p->chip[0], true);
	unsigned vector = p->chip[0].vector_base + pin;

	if (pin == CASCADE_PIN)
		vector = p->chip[1].vector_base + ack_or_spurious(&p->chip[1], false);
	update(p);
	return (uint8_t)vector;
}

static void write_icw1(struct vpic_chip *c, uint8_t value)
{
	struct vpic_chip fresh = { .lowest = 7,
				   .elcr = c->elcr,
				   .elcr_mask = c->elcr_mask,
				   .lines = c->lines,
				   .vector_base = c->vector_base,
				   .irr = c->lines & c->elcr,
				   .init_step = STEP_ICW2,
				   .icw4_wanted = value & ICW1_ICW4 };

	*c = fresh;
}

static void write_ocw3(struct vpic_chip *c, uint8_t value)
{
	if (value & OCW3_POLL)
		c->poll = true;
	if (value & OCW3_READ)
		c->read_isr = value & OCW3_READ_ISR;
	if (value & OCW3_SMM_WRITE)
		c->special_mask = value & OCW3_SMM;
}

/* Ends the interrupt on `pin`; NO_PIN: that with the highest priority. Returns the pin. */
static unsigned end_of_interrupt(struct vpic_chip *c, unsigned pin)
{
	if (pin == NO_PIN) {
		unsigned priority = top_priority(c, c->isr);

		if (priority == NO_PIN)
			return NO_PIN;
		pin = priority_to_pin(c, priority);
	}
	c->isr &= (uint8_t)~BIT(pin);
	return pin;
}

static void write_ocw2(struct vpic_chip *c, uint8_t value)
{
	bool rotate = value & 0x80, specific = value & 0x40, eoi = value & 0x20;
	unsigned pin = value & 7;

	if (eoi) {
		pin = end_of_interrupt(c, specific ? pin : NO_PIN);
		if (rotate && pin != NO_PIN)
			c->lowest = (uint8_t)pin;
	} else if (specific) {
		if (rotate)
			c->lowest = (uint8_t)pin;
	} else {
		c->rotate_auto = rotate;
	}
}

static void write_command(struct vpic_chip *c, uint8_t value)
{
	if (value & ICW1)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

static void write_data(struct vpic_chip *c, uint8_t value)
{
	switch (c->init_step) {
	case STEP_ICW2:
		c->vector_base = value & 0xf8;
		c->init_step = STEP_ICW3; /* a pair is never in single mode */
		break;
	case STEP_ICW3: c->init_step = c->icw4_wanted ? STEP_ICW4 : STEP_READY; break;
	case STEP_ICW4:
		c->special_fully_nested = value & ICW4_SFNM;
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->init_step = STEP_READY;
		break;
	default: c->imr = value; break;
	}
}

static struct vpic_chip *chip_of(struct vpic *p, uint16_t port)
{
	return &p->chip[port == 0x4d1 || port >> 4 == 0xa];
}

void vpic_write(struct vpic *p, uint16_t port, uint8_t value)
{
	struct vpic_chip *c = chip_of(p, port);

	if (port >> 4 == 0x4d)
		c->elcr = value & c->elcr_mask;
	else if (port & 1)
		write_data(c, value);
	else
		write_command(c, value);
	update(p);
}

/* A poll acknowledges the interrupt that it finds. */
static uint8_t read_poll(struct vpic *p, struct vpic_chip *c)
{
	bool master = c == &p->chip[0];
	bool pending = request(c, master) != NO_PIN;
	unsigned pin = ack_or_spurious(c, master);

	c->poll = false;
	update(p);
	return (uint8_t)((pending ? 0x80 : 0) | pin);
}

uint8_t vpic_read(struct vpic *p, uint16_t port)
{
	struct vpic_chip *c = chip_of(p, port);

	if (port >> 4 == 0x4d)
		return c->elcr;
	if (c->poll)
		return read_poll(p, c);
	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}
