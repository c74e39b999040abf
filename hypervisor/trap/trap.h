/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch of exceptions and system calls: an exception of ring 3 ends the process that made it,
 * one of the kernel is a bug unless the exception table forgives it.
 */
#pragma once

/* Registers the handlers. Boot, once, before ring 3 starts. */
void trap_init(void);
