/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power-off and reset by the FADT's registers. Both may be called in any context, a panic too,
 * from one CPU: they take no lock, allocate nothing, and every wait is bounded.
 */
#pragma once

#include "drivers/acpi/acpi.h"

/* Keeps a copy and maps the registers that lie in memory. Once, on the boot CPU, after mem_init. */
void acpi_power_init(const struct acpi_power *power);

/* Switches off (S5). Returns only when that fails: -ENODEV (no way to), -EIO (still running). */
int acpi_poweroff(void);

/* Resets: the reset register, port 0xcf9, the keyboard controller, a triple fault. */
__noreturn void acpi_reset(void);
