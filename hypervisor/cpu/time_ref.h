/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the TSC is calibrated against: a counter of known rate that is read (HPET, ACPI PM timer),
 * or channel 2 of the PIT. Boot lists those that the machine has. Boot only, on the boot CPU.
 */
#pragma once

#include "lib/types.h"

struct time_ref {
	const char *name;
	uint64_t hz;                                     /* of the counter */
	uint64_t mask;                                   /* bits that count */
	uint64_t (*read)(void);                          /* the counter; NULL for the PIT */
	uint64_t (*measure)(const struct time_ref *ref); /* TSC ticks in a second; 0: no */
};

/* measure() of a counter that is read: about 10 ms. */
uint64_t time_ref_counter(const struct time_ref *ref);
/* measure() of the PIT. */
uint64_t time_ref_pit(const struct time_ref *ref);
