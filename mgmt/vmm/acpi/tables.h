/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's ACPI tables: RSDP, XSDT, FADT, MADT, MCFG, FACS and DSDT, in the BIOS area.
 *
 * Contract: writes guest memory from ACPI_BASE up; the devices that the tables tell of are where
 * machine.h says. Called while no vCPU runs.
 */
#pragma once

#include "vmm/machine.h"

#define ACPI_BASE 0xe0000ull
#define ACPI_SIZE 0x10000ull

/* Guest-physical address of the RSDP, or 0 when the tables do not fit (a bug of ours). */
uint64_t acpi_build(const struct machine *m);

struct aml;
/* The body of the DSDT, without its header. */
void acpi_dsdt(struct aml *aml, const struct vm_config *config);
