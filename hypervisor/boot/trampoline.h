/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page below 1 MiB that other CPUs start in: its layout, shared by assembly and C. The code
 * lies at the page's start; the parameters at a fixed offset are written by boot for each CPU.
 */
#pragma once

#define TRAMPOLINE_PARAMS 0x800 /* offset of struct trampoline_params in the page */
#define TRAMPOLINE_CR3    0
#define TRAMPOLINE_ARMED  4
#define TRAMPOLINE_STACK  8
#define TRAMPOLINE_ENTRY  16

#ifndef __ASSEMBLER__
#include "lib/types.h"

struct trampoline_params {
	uint32_t cr3;   /* top-level table: maps the page at its physical address, and the kernel */
	uint32_t armed; /* 1: one CPU may come; the CPU that takes it makes it 0 */
	uint64_t stack; /* top, kernel address */
	uint64_t entry; /* C function, kernel address; never returns */
};
static_assert_offset(struct trampoline_params, cr3, TRAMPOLINE_CR3);
static_assert_offset(struct trampoline_params, armed, TRAMPOLINE_ARMED);
static_assert_offset(struct trampoline_params, stack, TRAMPOLINE_STACK);
static_assert_offset(struct trampoline_params, entry, TRAMPOLINE_ENTRY);

extern const char trampoline_start[], trampoline_end[];
#endif
