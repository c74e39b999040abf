/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel to init (mgmt/README.md): its requests, and what the VMM says of the VM's state.
 *
 * Contract: event thread only. Without a channel (a VMM started by hand) states go to stderr.
 */
#pragma once

#include "vmm/vm.h"

#define CONTROL_FD 3

struct control {
	struct vm *vm;
	struct watch watch; /* watch.fd -1: there is no channel */
};

void control_init(struct control *control, struct vm *vm);
/* Serves requests while the VM's event loop runs. */
void control_start(struct control *control);
/* "running", "stopped", "failed". */
void control_say(struct control *control, const char *state, const char *reason, int exit_code);
