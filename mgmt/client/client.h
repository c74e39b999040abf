/* SPDX-License-Identifier: GPL-2.0-or-later */
/* strata-client: what its files share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EXIT_LINE  3  /* no answer, none that could be understood, or no place for the output */
#define EXIT_USAGE 64 /* as sysexits.h has it */

/* One line of what is wrong; EXIT_LINE. */
int client_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- link.c ---- */

/* A descriptor of the line; -1 after a message. */
int link_serial(const char *device, unsigned baud);
int link_unix(const char *path);
int link_tcp(const char *host_port, int64_t deadline_ms);

/* ---- output.c: where a command's output is kept until all of it is there ---- */

struct output {
	const char *path; /* NULL: it goes to stdout at the end */
	FILE *file;
	int error; /* errno of the first write that failed, 0: none has */
};

/* false after a message: it cannot be made. */
bool output_begin(struct output *o, const char *path);
/* Bytes at that place; errors are noted for output_end. */
void output_put(struct output *o, uint64_t at, const void *bytes, size_t len);
/* CRC-32 of what is there; false, with errno: it could not be written, or cannot be read. */
bool output_crc(struct output *o, uint32_t *crc);
/*
 * To the file of that name, or stdout. Of a command that failed the last line goes to stdout, and
 * no file is made. Its status, or EXIT_LINE after a message.
 */
int output_end(struct output *o, int status);
/* Instead of output_end: as if nothing had come. */
void output_drop(struct output *o);

/* ---- request.c ---- */

/*
 * Has the console run a line, and takes its output. Its status, or EXIT_LINE after a message; at
 * most `timeout_ms` after the last piece of output came.
 */
int request(int fd, const char *line, struct output *output, int64_t timeout_ms);
