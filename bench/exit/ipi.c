// SPDX-License-Identifier: GPL-2.0-or-later
// What an interrupt to another CPU of the guest costs, from the write of ICR until the sender sees
// that the other one's handler has run: to a CPU that runs, to one that sleeps in HLT, and between
// two that both sleep while they wait for the other (half of a round). Lines as those of exit.c;
// with one=1, for a machine with a single CPU, the last only.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "ipi-cost";

/* Each a single interrupt: a mean would have the few in it that met a timer of the hypervisor's. */
#define SAMPLES 201
#define PING    0x61
#define PONG    0x62

static volatile uint64_t pings, pongs;
static volatile bool ready, over; /* the other CPU's; what it is told */

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
	ready = true;
	sti();
	while (!over)
		cpu_pause();
	cli();
}

static void sleep(void *arg)
{
	(void)arg;
	ready = true;
	while (!over)
		wait_for_interrupt();
}

static void sleep_and_answer(void *arg)
{
	uint64_t seen = pings;

	(void)arg;
	ready = true;
	while (!over) {
		wait_for_interrupt();
		if (pings != seen) {
			seen = pings;
			send(0, PONG);
		}
	}
}

/* ---- samples ---- */

/* Ticks in which the other CPU falls asleep. Where CPUs take turns each PAUSE gives one away, which
 * takes the emulator long. */
static void rest(uint64_t ticks)
{
	for (uint64_t start = rdtsc(); rdtsc() - start < ticks; cpu_pause()) {
		for (unsigned i = 0; i < 300; i++)
			(void)rdtsc();
	}
}

static uint64_t until_seen(uint64_t ticks)
{
	uint64_t n = pings, start;

	rest(ticks);
	start = rdtsc();
	send(1, PING);
	while (pings == n)
		cpu_pause();
	return rdtsc() - start;
}

static uint64_t to_running(void)
{
	return until_seen(0);
}

static uint64_t to_halted(void)
{
	return until_seen(1000000);
}

static uint64_t both_halted(void)
{
	uint64_t n = pongs, start = rdtsc();

	send(1, PING);
	while (pongs == n)
		wait_for_interrupt();
	return (rdtsc() - start) / 2;
}

static const struct op {
	const char *name;
	void (*other)(void *arg);
	uint64_t (*sample)(void);
} ops[] = {
	{ "ipi-running", run, to_running },
	{ "ipi-halted", sleep, to_halted },
	{ "ipi-both-halted", sleep_and_answer, both_halted },
};

static uint64_t sample[ARRAY_SIZE(ops)][SAMPLES]; /* rising */

static void insert(uint64_t *sorted, unsigned count, uint64_t value)
{
	for (; count && sorted[count - 1] > value; count--)
		sorted[count] = sorted[count - 1];
	sorted[count] = value;
}

static void measure(unsigned i)
{
	ready = over = false;
	cpu_run(1, ops[i].other, NULL);
	while (!ready)
		cpu_pause();
	for (unsigned n = 0; n < SAMPLES; n++)
		insert(sample[i], n, ops[i].sample());
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
		print("%s %lu %lu %lu\n", ops[i].name, sample[i][SAMPLES / 2], sample[i][0],
		      sample[i][SAMPLES - 1]);
	print("exit-cost: end\n");
	guest_exit(GUEST_OK);
}
