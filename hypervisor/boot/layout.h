/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the early assembly, the linker script and C agree on: where the image and the direct map
 * stand in the virtual address space at start. Assembled and preprocessed as well: macros only.
 */
#pragma once

#define BOOT_IMAGE_BASE  0xffffffff80000000
#define BOOT_DIRECT_BASE 0xffff800000000000

/* 4K-page tables for the image: each maps 2 MiB, and kernel.ld asserts that they suffice. */
#define BOOT_IMAGE_PTS 4

/* Tables for what lies above 4 GiB and must be read before `mem` runs (early_map.c). */
#define BOOT_SPARE_PTS 12

#define BOOT_STACK_SIZE 16384
#define BOOT_CS64       0x08
#define BOOT_CS32       0x18
#define BOOT_DS         0x10
