/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strata-client: what its files share. */
#pragma once

#include <stdint.h>

#define EXIT_LINE  3  /* no answer, or none that could be understood */
#define EXIT_USAGE 64 /* as sysexits.h has it */

/* A descriptor of the line; -1 after a message. */
int link_serial(const char *device, unsigned baud);
int link_unix(const char *path);
int link_tcp(const char *host_port, int64_t deadline_ms);

/*
 * Has the console run a line, and prints its output. Its status, or EXIT_LINE after a message; at
 * most until the deadline.
 */
int request(int fd, const char *line, int64_t deadline_ms);
