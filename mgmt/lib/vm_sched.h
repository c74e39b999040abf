/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM's configuration says of its share of the CPUs, as the kernel takes it. Pure; no locks.
 */
#pragma once

#include "mgmt/lib/vm_config.h"

/* Sets weight, cap, pool, CPUs and whether they are its own, all of them. */
struct sched_params vm_sched_params(const struct vm_config *c);
