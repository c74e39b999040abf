/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's registers and its timer, for the files of cpu/. The timer is time_arm() of
 * cpu/time.h.
 */
#pragma once

#include "lib/types.h"

/* A register by its xAPIC offset; own CPU, interrupts off. */
uint32_t lapic_read(uint32_t reg);
void lapic_write(uint32_t reg, uint32_t value);

/* Each CPU, from lapic_init(); the boot CPU measures the timer's rate, so time_init() comes first.
 */
void lapic_timer_init(void);
