/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native calls on VMs and vCPUs (abi/strata.h), for syscall_register. */
#pragma once

#include "proc/syscall.h"

extern const struct syscall_table virt_calls;
