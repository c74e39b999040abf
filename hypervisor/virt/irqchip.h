/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controllers of a VM: PIC pair, IO-APIC, the set of local APICs, and how interrupt
 * lines are wired to them.
 *
 * Lines ("GSIs" of vm_irq_line) are those of a PC: line n below 16 is ISA interrupt n and drives
 * PIC input n and IO-APIC pin n, but line 0, the PIT, is on IO-APIC pin 2 (the MADT has the
 * override), and there is no line 2. Lines 16..23 drive IO-APIC pins alone.
 *
 * Locks: lock (LOCK_RANK_IRQCHIP). While it is held the vlapic_ops kick, init, startup and nmi may
 * be called; they take only locks of a higher rank. Callers hold no lock of that rank or above.
 */
#pragma once

#include "lock/lock.h"
#include "virt/irq/vioapic.h"
#include "virt/irq/vlapic.h"
#include "virt/irq/vpic.h"

#define IRQCHIP_LINES 24

/* Locks: [l] lock, or as the part's own legend says */
struct irqchip {
	struct vlapic_set lapics; /* has its own rules */
	struct vpic pic;          /* [l] */
	struct lock lock;
	struct vioapic ioapic; /* [l] */
};

void irqchip_init(struct irqchip *c, const struct vlapic_ops *ops);

/* Level of a line, from outside. 0, or -EINVAL: there is no such line. Any context. */
int irqchip_set_line(struct irqchip *c, unsigned line, bool level);
/* A message-signalled interrupt. How many CPUs took it, or -EINVAL. Any context. */
int irqchip_msi(struct irqchip *c, uint64_t address, uint32_t data);

/* ---- for the run loop; owner of the vCPU whose local APIC l is ---- */

/* The interrupt that the guest takes as soon as it is open for one: a vector of the local APIC's,
 * or the PIC's, which tells its vector when it is taken; -1: none. */
#define IRQCHIP_PIC 256
static inline int irqchip_next(struct irqchip *c, struct vlapic *l)
{
	if (unlikely(vpic_output(&c->pic)) && vlapic_accepts_pic(l))
		return IRQCHIP_PIC;
	return vlapic_has_interrupt(l);
}
/* Whether there is one. */
static inline bool irqchip_has_interrupt(struct irqchip *c, struct vlapic *l)
{
	return irqchip_next(c, l) >= 0;
}
/* The CPU takes the next interrupt: its vector, acknowledged; -1: there is none after all. */
int irqchip_take_interrupt(struct irqchip *c, struct vlapic *l);

/* For vlapic_ops.eoi: the end of a level-triggered interrupt. */
void irqchip_eoi(struct irqchip *c, uint8_t vector);

/* Ports of the PIC. false: not one of them. len 1, 2, 4; *value is in or out. */
bool irqchip_port(struct irqchip *c, uint16_t port, bool write, unsigned len, uint32_t *value);
/* Register pages of the local APIC (of vCPU l, wherever its base is) and of the IO-APIC. */
bool irqchip_mmio_hit(const struct vlapic *l, gpa_t gpa);
/* After irqchip_mmio_hit. len 1, 2, 4, 8; an access that leaves the page is cut off. */
uint64_t irqchip_mmio_read(struct irqchip *c, struct vlapic *l, gpa_t gpa, unsigned len);
void irqchip_mmio_write(struct irqchip *c, struct vlapic *l, gpa_t gpa, unsigned len,
			uint64_t value);
