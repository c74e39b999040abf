/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that cpu/entry.S shares with C: offsets into struct trap_frame and struct cpu (asserted
 * in cpu/intr.c), selectors, flags. Assembled as well as compiled.
 */
#pragma once

/* struct trap_frame */
#define FRAME_R11    32
#define FRAME_RCX    96
#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_SIZE   176

/* struct cpu */
#define CPU_KERNEL_RSP 16
#define CPU_USER_RSP   24

/* Order of the selectors: as SYSCALL and SYSRET want it (AMD APM 2, "SYSCALL and SYSRET"). */
#define SEL_KERNEL_CS 0x08
#define SEL_KERNEL_DS 0x10
#define SEL_USER_CS32 0x1b /* a place that SYSRET counts from; no descriptor */
#define SEL_USER_DS   0x23
#define SEL_USER_CS   0x2b
#define SEL_TSS       0x30

#define VECTOR_GP      13
#define VECTOR_SYSCALL 256 /* in trap_frame.vector: entered by SYSCALL */

#define RFLAGS_TF 0x100
#define RFLAGS_RF 0x10000
