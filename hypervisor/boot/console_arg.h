/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's words about the console. Pure functions, any context; host-testable. */
#pragma once

#include "lib/cmdline.h"

#define CONSOLE_BAUD 115200u
#define CONSOLES_MAX 5
#define CONSOLE_HVC  0 /* in a port's place: the virtio console */

struct console_arg {
	uint16_t port; /* first I/O port of the UART, or CONSOLE_HVC */
	uint32_t baud; /* 0, never by a word: as it is set already */
};

struct console_args {
	struct console_arg at[CONSOLES_MAX]; /* each once; the last one is the terminal */
	unsigned int nr;
	bool given; /* there was a word for us, perhaps console=none; else the caller chooses */
};

/*
 * Reads all console= words up to `--`. Words for other kernels' consoles (tty0) are skipped.
 * A baud rate that we cannot do becomes 115200.
 */
void console_args_parse(const char *cmdline, struct console_args *args);

/* Is the value of this console= word one that we can do as it stands? */
bool console_arg_good(const struct cmdline_word *word);

/* "ttyS0" to "ttyS3"; NULL: not a port of a PC. */
const char *console_port_name(uint16_t port);
