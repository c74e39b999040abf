// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's log and panic for host tests: log lines go to standard error, a panic aborts (the
// sanitizer prints the stack). In an archive: a test that defines these itself gets its own.
#include <stdio.h>
#include <stdlib.h>
#include "cpu/log.h"

static void print_line(const char *kind, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static void print_line(const char *kind, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", kind);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	va_list ap;

	va_start(ap, fmt);
	print_line(names[level], fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("panic", fmt, ap);
	va_end(ap);
	abort();
}

void fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("fatal", fmt, ap);
	va_end(ap);
	abort();
}
