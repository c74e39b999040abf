/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of shells (mgmt/README.md lists them). A request that waits for a VM's state is kept
 * until the state is reached or its time is over; the rest is answered at once.
 */
#pragma once

#include <stdint.h>

struct vm;

/* Reads and answers all requests of a shell's channel. -EPIPE: the shell is gone. */
int requests_take(int channel);
/* Answers waiters whose VM has reached its state or whose time is over. */
void requests_check_waiters(void);
/* Forgets waiters of a channel that closes. */
void requests_drop(int channel);
/* Ends the waits for a VM that is destroyed. */
void requests_vm_gone(const struct vm *vm);
/* Milliseconds until the next waiter's time is over, -1: none. */
int requests_timeout_ms(void);
/* Waits begun by `poweroff`: goes on with it. */
void requests_check_power(void);
/* Begins a power-off with an exit code for whoever watches the machine: VMs get the usual grace
 * time. */
void requests_power_off(int exit_code);
