/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's IO-APIC (82093AA with the EOI register of version 0x20), as a state machine.
 *
 * Locks: none; all functions but vioapic_wants_eoi are called with the irqchip's lock held.
 */
#pragma once

#include "lib/types.h"
#include "virt/irq/msg.h"

struct vlapic_set;

#define VIOAPIC_BASE 0xfec00000ull
#define VIOAPIC_SIZE 0x1000ull
#define VIOAPIC_PINS 24

/* Locks: [c] the irqchip's  [a] atomic */
struct vioapic {
	uint64_t entry[VIOAPIC_PINS]; /* [c] redirection table */
	uint32_t levels;              /* [c] bit n: level of pin n */
	uint8_t select, id;           /* [c] */
	uint64_t eoi_vectors[4];      /* [a] vectors of level-triggered entries */
	struct vlapic_set *lapics;    /* [I] */
};

void vioapic_init(struct vioapic *io, struct vlapic_set *lapics);
void vioapic_set_pin(struct vioapic *io, unsigned pin, bool level);
/* A local APIC has ended the level-triggered interrupt `vector`. */
void vioapic_eoi(struct vioapic *io, uint8_t vector);
/* Whether vioapic_eoi(vector) may have an effect. Any context. */
bool vioapic_wants_eoi(const struct vioapic *io, uint8_t vector);

/* Access at `offset` (0..0xfff) of the register page; len 1, 2, 4, 8. Only aligned 4-byte writes
 * (and wider ones, of which the low part counts) have an effect; the select register takes any. */
uint64_t vioapic_read(struct vioapic *io, uint32_t offset, unsigned len);
void vioapic_write(struct vioapic *io, uint32_t offset, unsigned len, uint64_t value);
