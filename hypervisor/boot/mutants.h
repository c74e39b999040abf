/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug image: the word strata.mutants=N has the readers of boot_params and of the ACPI tables read
 * N spoilt copies each of what this very boot was given, on the real machine's addresses, before
 * the boot goes on. Boot CPU, before mem_init.
 */
#pragma once

#include "boot/boot_info.h"

/* Where boot_params lies; before boot_mutants. */
void boot_mutants_note(phys_t boot_params_pa);

/* Panics when a reader hands out what breaks its contract; logs how many copies were refused. */
void boot_mutants(const struct boot_info *info);
