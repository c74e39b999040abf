/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of CPUs as people write them: numbers and ranges with commas, 2,4-7. No state. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/strata.h"

/* 0, or -EINVAL: not such a list, or a number that is not below CPU_SET_BITS. */
int cpu_list_parse(const char *text, uint64_t cpus[CPU_SET_BITS / 64]);
/* The shortest list; cut when it does not fit. */
void cpu_list_format(char *text, size_t room, const uint64_t cpus[CPU_SET_BITS / 64]);
