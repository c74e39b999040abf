/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables. Order of the selectors: as SYSCALL and SYSRET want it (AMD APM 2, "SYSCALL and
 * SYSRET").
 */
#pragma once

#include "lib/types.h"

#define SEL_KERNEL_CS 0x08
#define SEL_KERNEL_DS 0x10
#define SEL_USER_CS32 0x1b
#define SEL_USER_DS   0x23
#define SEL_USER_CS   0x2b
#define SEL_TSS       0x30

void idt_init(void);     /* once, before the first segment_init */
void segment_init(void); /* this CPU's GDT, TSS, IDT; GS base points to its area. Clears GS base */
