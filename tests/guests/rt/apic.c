// SPDX-License-Identifier: GPL-2.0-or-later
// PIC, local APIC (by memory or, as x2APIC, by MSRs) and IO-APIC.

#include "tests/guests/rt/private.h"

#define PIC1        0x20
#define PIC2        0xa0
#define LAPIC_BASE  0xfee00000ul
#define IOAPIC_BASE 0xfec00000ul

#define APIC_BASE_X2     BIT(10)
#define APIC_BASE_ENABLE BIT(11)

static bool x2;

void pic_init(void)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, PIC_BASE);
	outb(PIC2 + 1, PIC_BASE + 8);
	outb(PIC1 + 1, 0x04);
	outb(PIC2 + 1, 0x02);
	outb(PIC1 + 1, 0x01);
	outb(PIC2 + 1, 0x01);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

void pic_mask(unsigned irq, bool masked)
{
	uint16_t port = irq < 8 ? PIC1 + 1 : PIC2 + 1;
	uint8_t bit = (uint8_t)(1u << (irq & 7)), now = inb(port);

	outb(port, masked ? now | bit : now & (uint8_t)~bit);
	if (irq >= 8 && !masked)
		pic_mask(2, false);
}

void pic_eoi(unsigned irq)
{
	if (irq >= 8)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

/* ---- local APIC ---- */

void lapic_use_x2(bool want)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	x2 = want && cpuid(1, 0).ecx & BIT(21);
	if (x2) {
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2);
		return;
	}
	/* From x2APIC back only through "disabled". */
	if (base & APIC_BASE_X2)
		wrmsr(MSR_APIC_BASE, base & ~(APIC_BASE_ENABLE | APIC_BASE_X2));
	wrmsr(MSR_APIC_BASE, (base & ~APIC_BASE_X2) | APIC_BASE_ENABLE);
}

bool lapic_is_x2(void)
{
	return x2;
}

uint32_t lapic_read(unsigned reg)
{
	if (x2)
		return (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile uint32_t *)(LAPIC_BASE + reg);
}

void lapic_write(unsigned reg, uint32_t v)
{
	if (x2)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		*(volatile uint32_t *)(LAPIC_BASE + reg) = v;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t lapic_id(void)
{
	uint32_t v = lapic_read(LAPIC_ID);

	return x2 ? v : v >> 24;
}

void lapic_ipi(uint32_t apic_id, uint32_t command)
{
	if (x2) {
		wrmsr(MSR_X2APIC + LAPIC_ICR / 16, (uint64_t)apic_id << 32 | command);
		return;
	}
	lapic_write(LAPIC_ICR2, apic_id << 24);
	lapic_write(LAPIC_ICR, command);
	while (lapic_read(LAPIC_ICR) & BIT(12))
		cpu_pause();
}

void lapic_init(void)
{
	if (!x2) {
		lapic_write(LAPIC_DFR, 0xffffffff);
		lapic_write(LAPIC_LDR, 1u << (24 + (lapic_id() & 7)));
	}
	lapic_write(LAPIC_SVR, 0x100 | SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_TIMER, LVT_MASKED);
	/* Virtual wire: the PIC speaks to the boot CPU. */
	lapic_write(LAPIC_LINT0, this_cpu()->id == 0 ? LVT_EXTINT : LVT_MASKED);
	lapic_write(LAPIC_LINT1, LVT_MASKED);
}

/* ---- IO-APIC ---- */

uint32_t ioapic_read(unsigned reg)
{
	*(volatile uint32_t *)IOAPIC_BASE = reg;
	return *(volatile uint32_t *)(IOAPIC_BASE + 0x10);
}

void ioapic_write(unsigned reg, uint32_t v)
{
	*(volatile uint32_t *)IOAPIC_BASE = reg;
	*(volatile uint32_t *)(IOAPIC_BASE + 0x10) = v;
}

void ioapic_route(unsigned pin, uint64_t entry)
{
	ioapic_write(0x10 + pin * 2, IOAPIC_MASKED);
	ioapic_write(0x11 + pin * 2, (uint32_t)(entry >> 32));
	ioapic_write(0x10 + pin * 2, (uint32_t)entry);
}
