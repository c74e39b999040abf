/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel to init (mgmt/README.md): its requests, and what the VMM says of the VM's state.
 *
 * Contract: event thread only. Without a channel (a VMM started by hand) states go to stderr.
 */
#pragma once

#include <jansson.h>

#include "vmm/vm.h"

#define CONTROL_FD 3

struct control {
	struct vm *vm;
	struct watch watch; /* watch.fd -1: there is no channel */
	int reply_handle;   /* goes with the reply that is being made; -1: none */
	json_t *reset;      /* the request for a reset that is under way; NULL: none */
};

/*
 * One operation: 0 with members added to `reply`, CONTROL_LATER when the reply is sent later, or a
 * negative errno with a sentence in `why`. A handle for the asker it leaves in reply_handle. It
 * takes the handle that came with the request over, or leaves it.
 */
#define CONTROL_LATER   1
#define CONTROL_WHY_MAX 160
struct control_op {
	const char *name;
	int (*run)(struct control *control, const json_t *request, int *handle, json_t *reply,
		   char why[CONTROL_WHY_MAX]);
};
const struct control_op *control_find(const char *name); /* NULL: none */

void control_init(struct control *control, struct vm *vm);
/* Serves requests while the VM's event loop runs. */
void control_start(struct control *control);
/* Gives init a handle of COM1's scrollback, which shows what a VMM that crashed had said. */
void control_offer_log(struct control *control);
/* The guest runs, for the first time or anew: whoever asked for a reset has the reply now. A reset
 * that fails ends the VM, which init tells him. */
void control_runs(struct control *control);
/* A line for those that `vm show` prints. */
void control_note(struct control *control, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "running", "paused", "stopped", "failed". */
void control_say(struct control *control, const char *state, const char *reason, int exit_code);
