/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * printf-style formatting: flags - 0 + space #, width and precision (numbers or *), lengths
 * hh h l ll z j t, conversions d i u x X o c s p %. No floating point. No state, no locks; may be
 * used in any context (also in a panic). An unknown conversion is copied as it stands.
 */
#include "lib/types.h"

/* Receives the output piece by piece; `s` is not NUL-terminated. */
typedef void (*fmt_sink_fn)(void *ctx, const char *s, size_t len);

/* Format to a sink. Returns the number of bytes sent. */
size_t fmt_vprintf(fmt_sink_fn sink, void *ctx, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
size_t fmt_printf(fmt_sink_fn sink, void *ctx, const char *fmt, ...) __printf_like(3, 4);

/*
 * Format into buf[size]; always NUL-terminated unless size is 0. Returns the length of the full
 * output without its NUL: a result >= size says that it was cut short.
 */
size_t fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
size_t fmt_snprintf(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);
