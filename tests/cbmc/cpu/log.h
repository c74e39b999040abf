/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of the kernel's cpu/log.h for CBMC. */
#pragma once

#define ASSERT(cond) __CPROVER_assert(cond, #cond)
