/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's words about the console. Pure functions, any context; host-testable. */
#pragma once

#include "lib/cmdline.h"

#define CONSOLE_BAUD 115200u
#define CONSOLES_MAX 6

/* A UART at an I/O port or in memory; neither: the virtio console. */
struct console_arg {
	uint16_t port;  /* first I/O port, or 0 */
	phys_t memory;  /* first register, or 0 */
	uint8_t stride; /* in memory: bytes from one register to the next (1, 2, 4) */
	uint8_t width;  /* and of an access to one (1, 2, 4) */
	uint32_t baud;  /* 0: as it is set already */
};

/* From the first register to the end of the last. */
#define CONSOLE_UART_BYTES(arg) (8ull * (arg)->stride)

struct console_args {
	/* Each once, and one at most that is no PC's port: the last. The last of all is the
	 * terminal. */
	struct console_arg at[CONSOLES_MAX];
	unsigned int nr;
	bool given; /* there was a word for us, perhaps console=none; else the caller chooses */
};

/* Is that place not to be used? The word counts for nothing then. */
typedef bool (*console_refused_fn)(const struct console_arg *arg, const struct cmdline_word *word);

/*
 * Reads all console= words up to `--`. Words for other kernels' consoles (tty0) are skipped, and
 * what `refused` (NULL: nothing is) says so of. A baud rate that we cannot do becomes 115200, or is
 * left as it is where the UART is no PC's port.
 */
void console_args_parse(const char *cmdline, console_refused_fn refused, struct console_args *args);

static inline bool console_is_hvc(const struct console_arg *arg)
{
	return arg->port == 0 && arg->memory == 0;
}

/* Is the value of this console= word one that we can do as it stands? */
bool console_arg_good(const struct cmdline_word *word);

/* "ttyS0" to "ttyS3"; NULL: not a port of a PC. */
const char *console_port_name(uint16_t port);
