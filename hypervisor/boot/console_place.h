/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May the registers of a console be where somebody says? What is written there must reach nothing
 * but a UART. Pure functions, any context; host-testable.
 */
#pragma once

#include "boot/boot_info.h"
#include "boot/console_arg.h"

/*
 * NULL: they may; else a static string that says why not. `reach`: the first physical address that
 * the CPU does not reach. Ports are the parser's matter.
 */
const char *console_refusal(const struct console_arg *arg, const struct boot_info *info,
			    uint64_t reach);
