// SPDX-License-Identifier: GPL-2.0-or-later
// Small measures of the kernel. What needs threads on chosen CPUs the kernel does itself (the call
// `bench`); the system call is measured from here. Times are the machine's own: under QEMU's
// -icount with shift=0 a nanosecond is an instruction.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

struct row {
	const char *verb, *name;
	enum bench_what what;
	uint64_t arg;
	unsigned rounds;
	unsigned per_round; /* operations */
	unsigned cpus;      /* so many must be there */
};

#define FAIR_MS 96  /* that each thread runs: 24 slices */
#define NAPS    100 /* of the thread that is late */

static const struct row rows[] = {
	{ "lock", "ticket lock, 1 CPU", BENCH_TICKET_LOCK, 1, 10000, 1, 1 },
	{ "lock", "ticket lock, 2 CPUs", BENCH_TICKET_LOCK, 2, 2000, 2, 2 },
	{ "lock", "ticket lock, 4 CPUs", BENCH_TICKET_LOCK, 4, 1000, 4, 4 },
	{ "lock", "ticket lock, 8 CPUs", BENCH_TICKET_LOCK, 8, 500, 8, 8 },
	{ "lock", "MCS lock, 1 CPU", BENCH_MCS_LOCK, 1, 10000, 1, 1 },
	{ "lock", "MCS lock, 2 CPUs", BENCH_MCS_LOCK, 2, 2000, 2, 2 },
	{ "lock", "MCS lock, 4 CPUs", BENCH_MCS_LOCK, 4, 1000, 4, 4 },
	{ "lock", "MCS lock, 8 CPUs", BENCH_MCS_LOCK, 8, 500, 8, 8 },
	{ "ipc", "channel round trip, same CPU", BENCH_CHANNEL, 0, 2000, 1, 1 },
	{ "ipc", "channel round trip, other CPU", BENCH_CHANNEL, 1, 500, 1, 2 },
	{ "switch", "context switch", BENCH_SWITCH, 0, 5000, 2, 1 },
	{ "wakeup", "wakeup, same CPU", BENCH_WAKEUP, 0, 2000, 2, 1 },
	{ "wakeup", "wakeup, other CPU", BENCH_WAKEUP, 1, 500, 2, 2 },
	{ "pagealloc", "4 KiB page, allocate and free", BENCH_PAGE, 0, 10000, 1, 1 },
	{ "pagealloc", "2 MiB block, allocate and free", BENCH_PAGE, 9, 1000, 1, 1 },
	{ "fair", "fairness, 1 thread", BENCH_FAIR, 1, FAIR_MS, 1, 1 },
	{ "fair", "fairness, 2 threads", BENCH_FAIR, 2, FAIR_MS, 1, 1 },
	{ "fair", "fairness, 4 threads", BENCH_FAIR, 4, FAIR_MS, 1, 1 },
	{ "fair", "fairness, 8 threads", BENCH_FAIR, 8, FAIR_MS, 1, 1 },
	{ "fair", "fairness, 16 threads", BENCH_FAIR, 16, FAIR_MS, 1, 1 },
	{ "fair", "fairness, 64 threads", BENCH_FAIR, 64, FAIR_MS, 1, 1 },
	{ "fair", "by weight, 16 threads", BENCH_FAIR_WEIGHTS, 16, FAIR_MS, 1, 1 },
	{ "late", "woken late, 1 thread", BENCH_LATENCY, 1, NAPS, 1, 1 },
	{ "late", "woken late, 2 threads", BENCH_LATENCY, 2, NAPS, 1, 1 },
	{ "late", "woken late, 4 threads", BENCH_LATENCY, 4, NAPS, 1, 1 },
	{ "late", "woken late, 8 threads", BENCH_LATENCY, 8, NAPS, 1, 1 },
	{ "late", "woken late, 16 threads", BENCH_LATENCY, 16, NAPS, 1, 1 },
	{ "late", "woken late, 64 threads", BENCH_LATENCY, 64, NAPS, 1, 1 },
};

#define NULL_CALLS 10000u

static void print(const struct session *s, const char *name, double ns,
		  const struct bench_result *r)
{
	if (s->json)
		shell_print_json(json_pack("{s:s,s:f,s:I,s:i,s:I,s:I,s:i}", "measure", name, "ns",
					   ns, "rounds", (json_int_t)r->rounds, "threads",
					   (int)r->threads, "least_ns", (json_int_t)r->least_ns,
					   "most_ns", (json_int_t)r->most_ns, "behind",
					   (int)r->behind));
	else
		printf("%-32s %10.1f ns\n", name, ns);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void bench_syscall(const struct session *s)
{
	struct bench_result r = { .rounds = NULL_CALLS, .threads = 1 };
	uint64_t start = now();

	for (unsigned i = 0; i < NULL_CALLS; i++)
		syscall(SYS_getpid);
	r.least_ns = r.most_ns = r.sum_ns = now() - start;
	print(s, "null system call", (double)r.most_ns / NULL_CALLS, &r);
}

/* How long the threads ran beside each other, not how long something took. */
static void print_shares(const struct session *s, const char *name, const struct bench_result *r)
{
	double equal = (double)r->sum_ns / r->threads;

	if (s->json)
		print(s, name, equal, r);
	else
		printf("%-32s %5.1f to %5.1f %% of an equal share\n", name,
		       100 * (double)r->least_ns / equal, 100 * (double)r->most_ns / equal);
}

static void print_late(const struct session *s, const char *name, const struct bench_result *r)
{
	double mean = (double)r->sum_ns / (double)r->rounds;

	if (s->json)
		print(s, name, mean, r);
	else
		printf("%-32s %10.1f ns, at most %" PRIu64 " ns\n", name, mean, r->most_ns);
}

static int run(const struct session *s, const struct row *row)
{
	struct bench_result r;
	int err = strata_bench(row->what, row->arg, row->rounds, &r);

	if (err < 0)
		return shell_fail(s, "%s: %s", row->name, strerror(-err));
	if (row->what == BENCH_FAIR || row->what == BENCH_FAIR_WEIGHTS)
		print_shares(s, row->name, &r);
	else if (row->what == BENCH_LATENCY)
		print_late(s, row->name, &r);
	else
		print(s, row->name, (double)r.most_ns / ((double)r.rounds * row->per_round), &r);
	return STATUS_OK;
}

static unsigned count_cpus(void)
{
	struct sys_host h;

	return strata_sys_info(SYS_TOPIC_HOST, 0, &h, sizeof(h)) < 0 ? 1 : h.nr_cpus;
}

static bool is_wanted(const char *verb, int argc, char **argv)
{
	return argc == 0 || strcmp(argv[0], verb) == 0;
}

int cmd_bench(struct session *s, int argc, char **argv)
{
	unsigned cpus = count_cpus(), n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!is_wanted(rows[i].verb, argc, argv))
			continue;
		n++;
		if (rows[i].cpus <= cpus && run(s, &rows[i]) != STATUS_OK)
			return STATUS_FAIL;
	}
	if (is_wanted("syscall", argc, argv)) {
		n++;
		bench_syscall(s);
	}
	return n ? STATUS_OK : STATUS_USAGE;
}
