// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IO-APIC (Intel, "82093AA I/O Advanced Programmable Interrupt Controller"). An edge on a
 * masked pin is lost, as on the chip; a level is delivered once and again after each EOI while it
 * is high. The polarity bit is stored only: lines are driven by their meaning.
 */
#include "virt/irq/vioapic.h"

#include "lib/bits.h"
#include "lib/nospec.h"
#include "lib/string.h"
#include "virt/irq/vlapic.h"

#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define REG_EOI    0x40

#define INDEX_ID      0x00
#define INDEX_VERSION 0x01
#define INDEX_ARB     0x02
#define INDEX_TABLE   0x10

#define VERSION_VALUE 0x00170020u /* 24 entries; an EOI register */

#define RTE_LOGICAL    BIT(11)
#define RTE_STATUS     BIT(12)
#define RTE_REMOTE_IRR BIT(14)
#define RTE_LEVEL      BIT(15)
#define RTE_MASKED     BIT(16)
#define RTE_READ_ONLY  (RTE_STATUS | RTE_REMOTE_IRR)
/* 48: remappable format, not offered; 55:49: destination bits 14:8. */
#define RTE_VALID (BITS(16, 0) | BITS(63, 49))

void vioapic_init(struct vioapic *io, struct vlapic_set *lapics)
{
	memset(io, 0, sizeof(*io));
	io->lapics = lapics;
	for (unsigned i = 0; i < VIOAPIC_PINS; i++)
		io->entry[i] = RTE_MASKED;
}

static bool is_level(uint64_t entry)
{
	return (entry & RTE_LEVEL) &&
	       (BITS_GET(entry, 10, 8) == IRQ_FIXED || BITS_GET(entry, 10, 8) == IRQ_LOWEST);
}

static struct irq_msg entry_message(uint64_t entry)
{
	return (struct irq_msg){ .dest = (uint32_t)(entry >> 56) | (uint32_t)BITS_GET(entry, 55, 49)
									   << 8,
				 .vector = (uint8_t)entry,
				 .mode = BITS_GET(entry, 10, 8),
				 .logical = entry & RTE_LOGICAL,
				 .level = is_level(entry) };
}

static void deliver_edge(struct vioapic *io, unsigned pin)
{
	struct irq_msg m = entry_message(io->entry[pin]);

	if (!(io->entry[pin] & RTE_MASKED))
		vlapic_deliver(io->lapics, &m);
}

/* Delivers a level that is high and not under way. */
static void deliver_level(struct vioapic *io, unsigned pin)
{
	uint64_t *entry = &io->entry[pin];
	struct irq_msg m = entry_message(*entry);

	if (!(io->levels & BIT(pin)) || (*entry & (RTE_MASKED | RTE_REMOTE_IRR)))
		return;
	if (vlapic_deliver(io->lapics, &m))
		*entry |= RTE_REMOTE_IRR;
}

void vioapic_set_pin(struct vioapic *io, unsigned pin, bool level)
{
	bool was;

	if (pin >= VIOAPIC_PINS)
		return;
	pin = (unsigned)nospec_index(pin, VIOAPIC_PINS);
	was = io->levels & BIT(pin);
	io->levels = (uint32_t)(level ? io->levels | BIT(pin) : io->levels & ~BIT(pin));
	if (is_level(io->entry[pin]))
		deliver_level(io, pin);
	else if (level && !was)
		deliver_edge(io, pin);
}

void vioapic_eoi(struct vioapic *io, uint8_t vector)
{
	for (unsigned pin = 0; pin < VIOAPIC_PINS; pin++) {
		uint64_t *entry = &io->entry[pin];

		if (!(*entry & RTE_REMOTE_IRR) || (uint8_t)*entry != vector)
			continue;
		*entry &= ~RTE_REMOTE_IRR;
		deliver_level(io, pin);
	}
}

bool vioapic_wants_eoi(const struct vioapic *io, uint8_t vector)
{
	uint64_t word = __atomic_load_n(&io->eoi_vectors[vector / 64], __ATOMIC_ACQUIRE);

	return word & BIT(vector % 64);
}

static void update_eoi_vectors(struct vioapic *io)
{
	uint64_t words[4] = { 0 };

	for (unsigned pin = 0; pin < VIOAPIC_PINS; pin++) {
		uint8_t vector = (uint8_t)io->entry[pin];

		if (is_level(io->entry[pin]))
			words[vector / 64] |= BIT(vector % 64);
	}
	for (unsigned i = 0; i < 4; i++)
		__atomic_store_n(&io->eoi_vectors[i], words[i], __ATOMIC_RELEASE);
}

static void write_entry(struct vioapic *io, unsigned pin, bool high, uint32_t value)
{
	uint64_t old = io->entry[pin], new;

	new = high ? (uint32_t)old | (uint64_t)value << 32 : (old & BITS(63, 32)) | value;
	new = (new &RTE_VALID & ~RTE_READ_ONLY) | (old & RTE_READ_ONLY);
	/* Nothing is under way on an edge-triggered pin: software resets remote IRR so. */
	if (!is_level(new))
		new &= ~RTE_REMOTE_IRR;
	io->entry[pin] = new;
	update_eoi_vectors(io);
	if (is_level(new))
		deliver_level(io, pin);
}

static void write_window(struct vioapic *io, uint32_t value)
{
	unsigned n = io->select - INDEX_TABLE;

	if (io->select == INDEX_ID)
		io->id = BITS_GET(value, 27, 24);
	else if (io->select >= INDEX_TABLE && n < 2 * VIOAPIC_PINS)
		write_entry(io, (unsigned)nospec_index(n / 2, VIOAPIC_PINS), n & 1, value);
}

static uint32_t read_window(const struct vioapic *io)
{
	unsigned n = io->select - INDEX_TABLE;
	uint64_t entry;

	switch (io->select) {
	case INDEX_ID:
	case INDEX_ARB: return (uint32_t)io->id << 24;
	case INDEX_VERSION: return VERSION_VALUE;
	default: break;
	}
	if (io->select < INDEX_TABLE || n >= 2 * VIOAPIC_PINS)
		return 0;
	entry = io->entry[nospec_index(n / 2, VIOAPIC_PINS)];
	return (uint32_t)(n & 1 ? entry >> 32 : entry);
}

uint64_t vioapic_read(struct vioapic *io, uint32_t offset, unsigned len)
{
	uint64_t value;

	switch (offset & ~3u) {
	case REG_SELECT: value = io->select; break;
	case REG_WINDOW: value = read_window(io); break;
	default: return 0;
	}
	value >>= (offset & 3) * 8;
	return len >= 8 ? value : value & (BIT(len * 8) - 1);
}

void vioapic_write(struct vioapic *io, uint32_t offset, unsigned len, uint64_t value)
{
	if (offset == REG_SELECT)
		io->select = (uint8_t)value;
	else if (len < 4)
		return;
	else if (offset == REG_WINDOW)
		write_window(io, (uint32_t)value);
	else if (offset == REG_EOI)
		vioapic_eoi(io, (uint8_t)value);
}
