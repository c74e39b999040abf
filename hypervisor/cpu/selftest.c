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

unsigned selftest_run(const char *prefix)
{
	unsigned passed = 0, failed = 0;

	for (const struct selftest *t = selftests_start; t < selftests_end; t++) {
		if (!str_starts(t->name, prefix))
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
