/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock for deadlines: milliseconds, monotonic. Any context. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
