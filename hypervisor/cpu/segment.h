/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptor tables; the selectors are in cpu/entry_regs.h. */
#pragma once

#include "cpu/entry_regs.h"
#include "lib/types.h"

void idt_init(void);     /* once, before the first segment_init */
void segment_init(void); /* this CPU's GDT, TSS, IDT; GS base points to its area. Clears GS base */
