/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines that nobody watches: with the kernel word strata.exit=VM the machine powers off when
 * that VM has ended, and its exit code is the machine's where there is a way to tell it (QEMU's
 * isa-debug-exit).
 */
#pragma once

#include <stdbool.h>

/* Exit code when the VM that is waited for can never end, since there is none. */
#define UNATTENDED_NO_VM 125

/* Once, when the configurations have been read. False: the machine powers off already, start
 * nothing. */
bool unattended_begin(void);
/* After each round of events. */
void unattended_check(void);
