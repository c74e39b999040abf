/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations of VMs, as config check and those verbs see them that change one. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "mgmt/lib/vm_config.h"

#define VM_SETTINGS_ROOM 32

/* Whether the VMM would take it, and the files that it names are there; else one line in `problem`.
 * file "": none. */
bool config_usable(const char *name, const char *file, char *const *settings, size_t n,
		   char problem[VM_CONFIG_ERROR_MAX]);
/* The settings over the file, of a VM that client_vm gave; they live as long as it. Their number.
 */
size_t config_settings(const json_t *vm, char *settings[VM_SETTINGS_ROOM]);
