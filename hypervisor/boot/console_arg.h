/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's words about the console. Host-testable. */
#pragma once

#include "lib/types.h"

struct console_arg {
	uint16_t port; /* I/O port of the UART; 0: console=none */
	uint32_t baud;
};

/*
 * Reads all console= words of a command line. Without any, or when none of them is one of ours:
 * COM1 at 115200. Not an error: words for other kernels' consoles (tty0, hvc0) are skipped.
 */
void console_arg_parse(const char *cmdline, struct console_arg *arg);
