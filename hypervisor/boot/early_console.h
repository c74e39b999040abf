/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The polled consoles of start and panic, chosen by the command line: `console=ttyS0` to ttyS3,
 * a UART elsewhere, `hvc0`, several, or `console=none`; else by firmware. Boot CPU only until the
 * log serializes its users. The virtio console joins late, when PCI is there.
 */
#pragma once

#include "lib/types.h"

/*
 * From then on the log's lines go to these UARTs as well. Places are taken as they are: the caller
 * has looked whether a UART may be there. `args` are read, not kept. False: none of them is there.
 */
struct console_arg;
struct console_args;
bool early_console_init(const struct console_args *args);

/* Those that were asked for where no UART answers, from 0; NULL: there are no more. */
const struct console_arg *early_console_absent(unsigned int number);

void early_console_write(const char *text, size_t len);
/*
 * One of them: number 0 is the last one named, which is the terminal, 1 the one named before it,
 * and so on. The virtio console has its number from the beginning, and gets nothing before it
 * works.
 */
unsigned int early_console_count(void);
void early_console_write_to(unsigned int number, const char *text, size_t len);

/* Returns when everything has left, but for what a virtio console's host does not read. */
void early_console_drain(void);

/* One line "strata: cannot start: WHY", then stops the CPU. Before the log exists. */
__noreturn void early_die(const char *why);

/* The UARTs that are terminals, for the driver that takes them over: 0 is the last one named; NULL:
 * there are no more. */
struct uart16550;
struct uart16550 *early_console_uart(unsigned int number);

/* How many of these UARTs were named behind the virtio console; -1: it was not named. */
int early_console_behind_hvc(void);
/* The virtio console works: it is one of us from now on. With the log's lock held. */
void early_console_join_hvc(void);
