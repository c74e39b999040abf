/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interrupt message on its way to local APICs: what an ICR write, an IO-APIC entry and an MSI
 * have in common. A plain value; no state, no locks.
 */
#pragma once

#include "lib/types.h"

/* Delivery modes as encoded in ICR, LVT, redirection entry and MSI data (SDM 3A, "Interrupt Command
 * Register"). */
enum irq_mode {
	IRQ_FIXED = 0,
	IRQ_LOWEST = 1,
	IRQ_SMI = 2,
	IRQ_NMI = 4,
	IRQ_INIT = 5,
	IRQ_STARTUP = 6,
	IRQ_EXTINT = 7,
};

struct irq_msg {
	uint32_t dest;  /* APIC id or logical destination */
	uint8_t vector; /* IRQ_STARTUP: number of the page */
	uint8_t mode;   /* enum irq_mode */
	bool logical;   /* destination mode */
	bool level;     /* level-triggered: the IO-APIC wants the EOI */
	bool wide; /* dest comes from an x2APIC's ICR: all 32 bits, 0xffffffff is everyone (else
		      0xff is) */
};

/* Window of physical addresses that are MSIs when a device writes there. */
#define MSI_BASE 0xfee00000ull
#define MSI_SIZE 0x00100000ull

/*
 * Decodes an MSI (SDM 3A, "Message Signalled Interrupts"), with destination bits 14:8 in address
 * bits 11:5 as KVM offers to guests (CPUID 0x40000001 EAX bit 15). 0, or -EINVAL: not an MSI
 * address.
 */
int msi_decode(uint64_t address, uint32_t data, struct irq_msg *msg);
