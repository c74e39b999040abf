// SPDX-License-Identifier: GPL-2.0-or-later
// What an interrupt to another CPU of the guest costs, from the write of ICR until the sender sees
// that the other one's handler has run: to a CPU that runs, to one that sleeps in HLT, and between
// two that both sleep while they wait for the other (half of a round). Lines as those of exit.c;
// with one=1, for a machine with a single CPU, the last only.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "ipi-cost";

#define BATCHES 21
#define REPEAT  50
#define PING    0x61
#define PONG    0x62

static volatile uint64_t pings, pongs;
static volatile bool over;

static void on_ping(struct frame *frame)
{
	(void)frame;
	pings++;
	lapic_eoi();
}

static void on_pong(struct frame *frame)
{
	(void)frame;
	pongs++;
	lapic_eoi();
}

static void send(unsigned cpu, uint8_t vector)
{
	lapic_ipi(cpus[cpu].apic_id, ICR_FIXED | ICR_ASSERT | vector);
}

/* ---- what the other CPU does ---- */

static void run(void *arg)
{
	(void)arg;
	sti();
	while (!over)
		cpu_pause();
	cli();
}

static void sleep(void *arg)
{
	(void)arg;
	while (!over)
		wait_for_interrupt();
}

static void sleep_and_answer(void *arg)
{
	uint64_t seen = pings;

	(void)arg;
	while (!over) {
		wait_for_interrupt();
		if (pings != seen) {
			seen = pings;
			send(0, PONG);
		}
	}
}

/* ---- batches ---- */

/* `rest`: ticks before each, in which the other CPU falls asleep. */
static uint64_t until_seen(uint64_t rest)
{
	uint64_t sum = 0;

	for (unsigned i = REPEAT; i; i--) {
		uint64_t n = pings, start = rdtsc();

		while (rdtsc() - start < rest)
			cpu_pause();
		start = rdtsc();
		send(1, PING);
		while (pings == n)
			cpu_pause();
		sum += rdtsc() - start;
	}
	return sum / REPEAT;
}

static uint64_t batch_running(void)
{
	return until_seen(0);
}

static uint64_t batch_halted(void)
{
	return until_seen(1000000);
}

static uint64_t batch_both_halted(void)
{
	uint64_t start = rdtsc();

	for (unsigned i = REPEAT; i; i--) {
		uint64_t n = pongs;

		send(1, PING);
		while (pongs == n)
			wait_for_interrupt();
	}
	return (rdtsc() - start) / (2 * REPEAT);
}

static const struct op {
	const char *name;
	void (*other)(void *arg);
	uint64_t (*batch)(void);
} ops[] = {
	{ "ipi-running", run, batch_running },
	{ "ipi-halted", sleep, batch_halted },
	{ "ipi-both-halted", sleep_and_answer, batch_both_halted },
};

static uint64_t sample[ARRAY_SIZE(ops)][BATCHES]; /* rising */

static void insert(uint64_t *sorted, unsigned count, uint64_t value)
{
	for (; count && sorted[count - 1] > value; count--)
		sorted[count] = sorted[count - 1];
	sorted[count] = value;
}

static void measure(unsigned i)
{
	over = false;
	cpu_run(1, ops[i].other, NULL);
	for (unsigned n = 0; n < BATCHES; n++)
		insert(sample[i], n, ops[i].batch());
	over = true;
	send(1, PING);
	cpu_wait(1);
}

void guest_main(void)
{
	unsigned first = option("one", 0) ? ARRAY_SIZE(ops) - 1 : 0;

	set_handler(PING, on_ping);
	set_handler(PONG, on_pong);
	if (smp_start(2) != 2) {
		print("FAIL ipi-cost: no second CPU\n");
		guest_exit(GUEST_FAILED);
	}
	for (unsigned i = first; i < ARRAY_SIZE(ops); i++)
		measure(i);
	print("exit-cost: begin\n");
	for (unsigned i = first; i < ARRAY_SIZE(ops); i++)
		print("%s %lu %lu %lu\n", ops[i].name, sample[i][BATCHES / 2], sample[i][0],
		      sample[i][BATCHES - 1]);
	print("exit-cost: end\n");
	guest_exit(GUEST_OK);
}
