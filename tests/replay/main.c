// SPDX-License-Identifier: GPL-2.0-or-later
// Takes the logical log off a running machine and replays it. The machine's memory is a file
// (QEMU: memory-backend-file); its kernel prints where the rings are. Of the rings that have events
// the one with the oldest is read, which keeps few events waiting for earlier ones; right it is in
// any order.
//
//     replay MEMORY ADDRESS [--live]    until the log's end or the end of standard input
//
// Standard input is held by the test: when it closes, the machine has ended. --live: the machine
// was stopped in the middle, so threads may be under way.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "thread/spec/thread_spec.h"

static struct llog_ring *rings[LLOG_CPUS];
static bool ended[LLOG_CPUS];
static unsigned nr_ended, nr_cpus = LLOG_CPUS;

static int usage(void)
{
	fprintf(stderr, "usage: replay MEMORY ADDRESS [--live]\n");
	return 2;
}

static bool map_rings(const char *path, uint64_t address)
{
	int fd = open(path, O_RDWR);
	char *p;

	if (fd < 0) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return false;
	}
	p = mmap(NULL, LLOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)address);
	if (p == MAP_FAILED) {
		fprintf(stderr, "replay: %s at %#llx: %s\n", path, (unsigned long long)address,
			strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < LLOG_CPUS; i++)
		rings[i] = (struct llog_ring *)(p + i * LLOG_RING_BYTES);
	return true;
}

static const struct llog_entry *oldest_of(const struct llog_ring *r)
{
	if (__atomic_load_n(&r->head, __ATOMIC_ACQUIRE) == r->tail)
		return NULL;
	return &r->entries[r->tail % LLOG_RING_ENTRIES];
}

static unsigned choose(void)
{
	unsigned best = LLOG_CPUS;
	uint64_t tsc = UINT64_MAX;

	for (unsigned i = 0; i < LLOG_CPUS; i++) {
		const struct llog_entry *e = ended[i] ? NULL : oldest_of(rings[i]);

		if (e && e->tsc < tsc) {
			tsc = e->tsc;
			best = i;
		}
	}
	return best;
}

static void note_end(unsigned cpu, uint64_t cpus)
{
	ended[cpu] = true;
	nr_ended++;
	nr_cpus = (unsigned)MIN(cpus, (uint64_t)LLOG_CPUS);
}

/* False: there is nothing to read now. */
static bool read_one(void)
{
	unsigned cpu = choose();
	struct llog_entry e;

	if (cpu == LLOG_CPUS)
		return false;
	e = rings[cpu]->entries[rings[cpu]->tail % LLOG_RING_ENTRIES];
	__atomic_store_n(&rings[cpu]->tail, rings[cpu]->tail + 1, __ATOMIC_RELEASE);
	if (e.op == LLOG_END)
		note_end(cpu, e.arg);
	else
		spec_feed(cpu, &e);
	return true;
}

static bool all_ended(void)
{
	return nr_ended == nr_cpus;
}

static bool machine_is_gone(int wait_ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char byte;

	return poll(&in, 1, wait_ms) == 1 && read(0, &byte, 1) <= 0;
}

static void read_all(void)
{
	bool gone = false;

	for (unsigned n = 1; !all_ended(); n++) {
		if (read_one()) {
			if (!gone && n % 65536 == 0)
				gone = machine_is_gone(0);
			continue;
		}
		if (gone)
			return;
		gone = machine_is_gone(1);
	}
}

static void report(void)
{
	const struct spec_totals *t = &spec_totals;
	uint64_t passed = 0;

	for (unsigned i = 0; i < LLOG_CPUS; i++)
		passed = MAX(passed, spec_threads_of(spec_cpu(i))->max_passed);
	printf("replay: %llu events of %u CPUs, %llu locks, %llu acquires, %llu of them waited "
	       "(at most %llu ahead), %llu threads (%llu gone), at most %llu ran before a ready "
	       "one\n",
	       (unsigned long long)t->events, spec_cpus_seen(), (unsigned long long)t->objects,
	       (unsigned long long)t->acquires, (unsigned long long)t->waits,
	       (unsigned long long)t->max_distance, (unsigned long long)t->threads,
	       (unsigned long long)t->threads_at[AT_GONE], (unsigned long long)passed);
	for (unsigned op = LLOG_LOCK_WAITS; op < LLOG_OPS; op++)
		printf("replay: %-16s %llu\n", spec_rows[op].name, (unsigned long long)t->of[op]);
	printf("replay: %s, %llu violations\n",
	       all_ended() ? "the log has ended" : "the log was cut off",
	       (unsigned long long)t->violations);
}

int main(int argc, char **argv)
{
	bool live = argc == 4 && strcmp(argv[3], "--live") == 0;

	if (argc != 3 && !live)
		return usage();
	if (!map_rings(argv[1], strtoull(argv[2], NULL, 0)))
		return 2;
	spec_reset();
	read_all();
	spec_end(!live);
	if (!live) {
		spec_inbox_end();
		spec_ready_end();
	}
	report();
	return spec_totals.violations != 0;
}
