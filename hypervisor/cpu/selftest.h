/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In-kernel self-tests, debug image only: `SELFTEST(page_alloc_order0) { SELFTEST_CHECK(x == 1); }`
 * in a *_selftest.c. boot runs them in a thread when all CPUs are up and the command line has
 * `selftest` (or `selftest=PREFIX`). A test may sleep and start threads on any CPU. SELFTEST_CHECK
 * notes the failure and returns from the test.
 */
#pragma once

#include "cpu/log.h"

struct selftest {
	const char *name;
	void (*run)(void);
};

extern bool selftest_failed; /* of the running test; may be set by its threads */
void selftest_fail(const char *file, int line, const char *cond);

#define SELFTEST(id)                                                                               \
	static void selftest_##id(void);                                                           \
	static const struct selftest selftest_row_##id                                             \
		__attribute__((section(".selftests"), used, aligned(8))) = { #id, selftest_##id }; \
	static void selftest_##id(void)

#define SELFTEST_CHECK(cond)                                      \
	do {                                                      \
		if (!(cond)) {                                    \
			selftest_fail(__FILE__, __LINE__, #cond); \
			return;                                   \
		}                                                 \
	} while (0)

/* Runs those whose name starts with one of the prefixes, divided by commas ("" = all); prints a
 * line each and the sums; returns the number that failed. */
unsigned selftest_run(const char *prefixes);
