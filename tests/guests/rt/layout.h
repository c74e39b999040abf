/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that assembly and C share. */
#pragma once

#define SEL_CODE64    0x08
#define SEL_DATA      0x10
#define SEL_CODE32    0x18
#define SEL_CODE16    0x20
#define SEL_DATA16    0x28
#define SEL_USER_DATA 0x33
#define SEL_USER_CODE 0x3b
#define SEL_TSS       0x40 /* + 16 * CPU */

#define CPUS_MAX 64
#define GDT_SIZE (SEL_TSS + 16 * CPUS_MAX)

/* Low memory that guests use for code below 1 MiB; loaders' data there has been copied by then. */
#define AP_START   0x10000
#define REAL_START 0x12000
