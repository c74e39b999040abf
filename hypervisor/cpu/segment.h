/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptor tables; the selectors are in cpu/entry_regs.h. */
#pragma once

#include "cpu/entry_regs.h"
#include "lib/types.h"

/* The gates of all CPUs, to the stubs with or without the steps of MIT_RING3. Boot CPU: once before
 * the first segment_init, and perhaps once more; idt_load then. */
void idt_init(bool mitigated);
void idt_load(void);     /* this CPU */
void segment_init(void); /* this CPU's GDT, TSS, IDT; GS base points to its area. Clears GS base */
