/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of 8259A interrupt controllers of a PC, with the ELCR (ports 0x20, 0x21, 0xa0, 0xa1,
 * 0x4d0, 0x4d1), as a state machine.
 *
 * Locks: none; all but vpic_output is called with the irqchip's lock held.
 */
#pragma once

#include "lib/types.h"

struct vpic_chip {
	uint8_t irr, imr, isr, elcr, lines;
	uint8_t vector_base, icw3;
	uint8_t lowest;    /* pin with the lowest priority; 7 at start */
	uint8_t init_step; /* which ICW comes next; 0: initialized */
	bool icw4_wanted, auto_eoi, rotate_auto, special_fully_nested, special_mask, poll, read_isr,
		initialized;
	uint8_t elcr_mask; /* bits of the ELCR that can be set */
};

/* Locks: [c] the irqchip's  [a] atomic */
struct vpic {
	struct vpic_chip chip[2]; /* [c] 0: master */
	bool output;              /* [a] INTR */
};

#define VPIC_PINS 16

void vpic_init(struct vpic *p);
/* Level of an input 0..15, but not 2. */
void vpic_set_pin(struct vpic *p, unsigned pin, bool level);
/* Interrupt acknowledge cycle: the vector; a spurious one if nothing is pending any more. */
uint8_t vpic_ack(struct vpic *p);
/* INTR. Any context. */
static inline bool vpic_output(const struct vpic *p)
{
	return __atomic_load_n(&p->output, __ATOMIC_ACQUIRE);
}

/* Whether `port` is one of ours. */
static inline bool vpic_port(uint16_t port)
{
	return (port & ~0x81u) == 0x20 || (port & ~1u) == 0x4d0;
}
/*
 * Without the lock: reads of IMR and ELCR, and writes that leave them as they are. false: not one
 * of these, or the chip waits for something else.
 */
static inline bool vpic_quick(const struct vpic *p, uint16_t port, bool write, uint64_t *value)
{
	bool elcr = port >= 0x4d0;
	const struct vpic_chip *c = &p->chip[elcr ? port & 1 : port >> 7];
	uint8_t now = READ_ONCE(*(elcr ? &c->elcr : &c->imr));

	if (!elcr && (!(port & 1) || READ_ONCE(c->init_step) || READ_ONCE(c->poll)))
		return false;
	if (write)
		return *value == now;
	*value = now;
	return true;
}
/* One byte from or to one of our ports. */
uint8_t vpic_read(struct vpic *p, uint16_t port);
void vpic_write(struct vpic *p, uint16_t port, uint8_t value);
