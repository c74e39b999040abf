// SPDX-License-Identifier: GPL-2.0-or-later
// Two words a line, reached through an index and a data register ("82093AA I/O APIC", "Register
// Description"). A line is written with its mask set first, the destination, then the low word.
#include "drivers/ioapic/ioapic.h"

#include "cpu/log.h"
#include "cpu/port.h"
#include "lib/errno.h"
#include "lock/lock.h"
#include "mem/page.h"

#define REG_SELECT  0x00
#define REG_DATA    0x10
#define IOAPIC_SIZE 0x20

#define IOAPIC_VERSION  1
#define IOAPIC_LINE(n)  (0x10 + 2 * (n))
#define LINE_ACTIVE_LOW (1u << 13)
#define LINE_LEVEL      (1u << 15)
#define LINE_MASKED     (1u << 16)
#define LINE_DEST_SHIFT 24
#define APIC_ID_LIMIT   256

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1
#define PIC_VECTOR   0x20 /* 16 vectors that nothing else uses */

/* Locks: [I] immutable after ioapic_init   [l] lock */
struct ioapic {
	struct lock lock;
	volatile char *regs; /* [l] the pair is used under the lock; the pointer is [I] */
	uint32_t gsi_base;   /* [I] */
	uint32_t nr_lines;   /* [I] */
};

static const struct lock_class ioapic_class = { "ioapic", LOCK_RANK_LEAF };
static struct ioapic ioapics[ACPI_IOAPIC_MAX];
static unsigned int nr_ioapics;
static const struct acpi_info *acpi_info; /* [I] for the overrides */

static uint32_t reg_read(struct ioapic *io, uint32_t reg)
{
	*(volatile uint32_t *)(io->regs + REG_SELECT) = reg;
	return *(volatile uint32_t *)(io->regs + REG_DATA);
}

static void reg_write(struct ioapic *io, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(io->regs + REG_SELECT) = reg;
	*(volatile uint32_t *)(io->regs + REG_DATA) = value;
}

/* "8259A", "Initialization Command Words": vectors out of the exceptions' way, then all masked. */
static void pic_disable(void)
{
	port_out8(PIC1_COMMAND, 0x11);
	port_out8(PIC2_COMMAND, 0x11);
	port_out8(PIC1_DATA, PIC_VECTOR);
	port_out8(PIC2_DATA, PIC_VECTOR + 8);
	port_out8(PIC1_DATA, 4);
	port_out8(PIC2_DATA, 2);
	port_out8(PIC1_DATA, 1);
	port_out8(PIC2_DATA, 1);
	port_out8(PIC1_DATA, 0xff);
	port_out8(PIC2_DATA, 0xff);
}

static void add_ioapic(const struct acpi_ioapic *desc)
{
	struct ioapic *io = &ioapics[nr_ioapics];
	io->regs = mmio_map(desc->base, IOAPIC_SIZE);
	if (!io->regs) {
		log_error("IO-APIC %u: cannot be mapped: left out", desc->id);
		return;
	}
	lock_init(&io->lock, &ioapic_class);
	io->gsi_base = desc->gsi_base;
	io->nr_lines = ((reg_read(io, IOAPIC_VERSION) >> 16) & 0xff) + 1;
	for (uint32_t n = 0; n < io->nr_lines; n++)
		reg_write(io, IOAPIC_LINE(n), LINE_MASKED);
	nr_ioapics++;
}

void ioapic_silence_pics(const struct acpi_info *acpi)
{
	if (acpi->has_pics || !acpi->has_madt)
		pic_disable();
}

void ioapic_init(const struct acpi_info *acpi)
{
	acpi_info = acpi;
	for (unsigned int i = 0; i < acpi->nr_ioapics; i++)
		add_ioapic(&acpi->ioapics[i]);
}

static struct ioapic *find(uint32_t gsi)
{
	for (unsigned int i = 0; i < nr_ioapics; i++)
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].nr_lines)
			return &ioapics[i];
	return NULL;
}

int ioapic_route(uint32_t gsi, bool active_low, bool level, uint8_t vector, uint32_t apic_id)
{
	struct ioapic *io = find(gsi);
	if (!io)
		return -ENODEV;
	if (apic_id >= APIC_ID_LIMIT)
		return -ERANGE;
	uint32_t low = vector | (active_low ? LINE_ACTIVE_LOW : 0) | (level ? LINE_LEVEL : 0);
	uint32_t line = IOAPIC_LINE(gsi - io->gsi_base);
	lock_acquire(&io->lock);
	reg_write(io, line, low | LINE_MASKED);
	reg_write(io, line + 1, apic_id << LINE_DEST_SHIFT);
	reg_write(io, line, low);
	lock_release(&io->lock);
	return 0;
}

int ioapic_route_isa(uint8_t irq, uint8_t vector, uint32_t apic_id)
{
	uint16_t flags;
	uint32_t gsi = acpi_isa_gsi(acpi_info, irq, &flags);
	/* "Conforms to the bus" means active high, edge on ISA. */
	return ioapic_route(gsi, ACPI_INTI_LOW(flags), ACPI_INTI_LEVEL(flags), vector, apic_id);
}

void ioapic_set_mask(uint32_t gsi, bool masked)
{
	struct ioapic *io = find(gsi);
	if (!io)
		return;
	uint32_t line = IOAPIC_LINE(gsi - io->gsi_base);
	lock_acquire(&io->lock);
	uint32_t low = reg_read(io, line);
	reg_write(io, line, masked ? low | LINE_MASKED : low & ~LINE_MASKED);
	lock_release(&io->lock);
}
