/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that a VM's VMM answers: they get a number of their own, and the reply goes back to the
 * shell that asked under its number. One whose VMM ends, or does not answer in time, is answered
 * with an error; one whose shell has gone is forgotten.
 */
#pragma once

#include <jansson.h>

#include "mgmt/init/vms.h"

/*
 * Hands a request on to the VM's VMM; errors are answered at once. channel -1: nobody waits for the
 * reply. The handle is moved when the VMM got it: *handle becomes -1.
 */
void forward(int channel, const json_t *request, struct vm *vm, int *handle);
/* The handle that came with the reply is taken over when somebody waits for it: *handle becomes -1.
 */
void forward_reply(struct vm *vm, const json_t *reply, int *handle);
void forward_vm_ended(const struct vm *vm);
void forward_drop(int channel);
/* Answers those whose time is over. */
void forward_check(void);
/* When the next one's time is over, ms of CLOCK_MONOTONIC; INT64_MAX: none. */
int64_t forward_deadline(void);
