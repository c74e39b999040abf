// SPDX-License-Identifier: GPL-2.0-or-later
//     explore [LIMIT] [NAME]    each scenario (whose name begins so), at most LIMIT executions of
//                               each (0: all there are; default: the scenario's own limit)
// Prints what was explored; the status is 1 when something was wrong.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "tests/explore/explore.h"

/*
 * A CPU that runs for ever without an access cannot be stopped: after some seconds of processor
 * time in one step that is the verdict.
 */
static void on_tick(int signal)
{
	static const char text[] = "explore: FAILED: a CPU goes on for ever\n";
	static uint64_t before;

	(void)signal;
	if (engine_steps() == before) {
		(void)!write(1, text, sizeof(text) - 1);
		_exit(1);
	}
	before = engine_steps();
}

static void start_watchdog(void)
{
	const struct itimerval every = { { 3, 0 }, { 3, 0 } };

	signal(SIGVTALRM, on_tick);
	setitimer(ITIMER_VIRTUAL, &every, NULL);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct outcome run(const struct scenario *s, const char *limit)
{
	double start = now();
	struct outcome o = explore(s, limit ? strtoull(limit, NULL, 0) : s->limit);

	printf("explore: %-32s %9llu executions, %llu cut short, at most %llu steps, %s, %.1f s\n",
	       s->name, (unsigned long long)o.executions, (unsigned long long)o.cut,
	       (unsigned long long)o.longest, o.complete ? "all there are" : "not all",
	       now() - start);
	if (o.failed) {
		printf("explore: %s: FAILED: %s\n", s->name, o.why);
		if (getenv("EXPLORE_LOG"))
			machine_print_log();
	}
	fflush(stdout);
	return o;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	uint64_t executions = 0;

	start_watchdog();
	for (unsigned i = 0; i < nr_scenarios; i++) {
		struct outcome o;

		if (argc > 2 && strncmp(scenarios[i].name, argv[2], strlen(argv[2])) != 0)
			continue;
		o = run(&scenarios[i], argc > 1 && *argv[1] ? argv[1] : NULL);
		passed += !o.failed;
		failed += o.failed;
		executions += o.executions;
	}
	printf("explore: %llu executions\nexplore: %u passed, %u failed\n",
	       (unsigned long long)executions, passed, failed);
	return failed != 0;
}
