/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's IO-APICs and PICs. At start every line is masked, the two 8259 for good; drivers
 * then route the lines they use. Lines are named by their global system interrupt number (GSI).
 *
 * Locks: one for each IO-APIC (a leaf), around its register pair.
 */
#pragma once

#include "drivers/acpi/acpi.h"

/*
 * Masks both PICs, if the machine has them. Before the boot CPU's LINT0 is masked: a loader may
 * leave an interrupt requested, which the PIC takes back only when it is masked, and (in QEMU) the
 * local APIC hands on only while LINT0 is open. Boot CPU, interrupts off.
 */
void ioapic_silence_pics(const struct acpi_info *acpi);

/* Maps all IO-APICs and masks everything. Boot CPU, once, after mem_init. */
void ioapic_init(const struct acpi_info *acpi);

/*
 * Sends a line's interrupts to `vector` on the CPU with that APIC id (below 256: IO-APICs know 8
 * bits without interrupt remapping), unmasked. 0, -ENODEV (no IO-APIC has the line), -ERANGE (APIC
 * id).
 */
int ioapic_route(uint32_t gsi, bool active_low, bool level, uint8_t vector, uint32_t apic_id);

/* The same for an ISA interrupt, with the firmware's overrides. */
int ioapic_route_isa(uint8_t irq, uint8_t vector, uint32_t apic_id);

/* Masks or unmasks a line that has been routed. */
void ioapic_set_mask(uint32_t gsi, bool masked);
