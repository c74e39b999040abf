// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the rows that the *_selftest.c files left in a section, in the order of their files' names.
#include "cpu/selftest.h"

#include "lib/string.h"

extern const struct selftest selftests_start[], selftests_end[];

bool selftest_failed;

void selftest_fail(const char *file, int line, const char *cond)
{
	selftest_failed = true;
	log_error("%s:%d: check failed: %s", file, line, cond);
}

/* Does the name begin with one of these, divided by commas? */
static bool is_wanted(const char *name, const char *prefixes)
{
	size_t n = 0;

	for (;;) {
		if (prefixes[n] == ',' || prefixes[n] == '\0') {
			if (!strncmp(name, prefixes, n))
				return true;
			if (!prefixes[n])
				return false;
			prefixes += n + 1;
			n = 0;
		} else {
			n++;
		}
	}
}

unsigned selftest_run(const char *prefixes)
{
	unsigned passed = 0, failed = 0;

	for (const struct selftest *t = selftests_start; t < selftests_end; t++) {
		if (!is_wanted(t->name, prefixes))
			continue;
		selftest_failed = false;
		t->run();
		log_info("selftest: %s %s", t->name, selftest_failed ? "FAILED" : "ok");
		passed += !selftest_failed;
		failed += selftest_failed;
	}
	log_info("selftest: %u passed, %u failed", passed, failed);
	return failed;
}
