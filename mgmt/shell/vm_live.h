/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM that runs, as the kernel has it, and what can be changed of it meanwhile. */
#pragma once

#include <stdbool.h>

#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

/* The kernel's record of a VM by its name; false: it does not run. */
bool vm_live_info(const char *name, struct vm_info *info);

/*
 * When the VM runs: its weight, cap, pool and CPUs become what its configuration with these
 * settings says. STATUS_OK, also when it does not run; else the reason has been printed and nothing
 * has changed.
 */
int vm_live_apply(struct session *s, const char *name, const char *file, char *const *settings,
		  size_t n);

/* Adds what the VM gets of the CPUs to the object. */
void vm_live_describe(json_t *vm, const struct vm_info *info);
