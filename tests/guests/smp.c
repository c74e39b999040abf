// SPDX-License-Identifier: GPL-2.0-or-later
// Other CPUs: INIT and start-up IPIs, locked counters, IPIs by each kind of destination, ping-pong
// between each CPU and the boot CPU, two interrupts of one vector, stores seen in order.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "smp";

#define ADDS      20000
#define PINGS     200
#define IPI       0x60
#define PING      0x61
#define PONG      0x62
#define BROADCAST 0x63
#define LOGICAL   0x64
#define TWICE     0x65
#define ROUNDS    20

static uint64_t locked, plain_sum;
static volatile uint32_t ready;

static void add(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (ready < machine.nr_cpus)
		cpu_pause();
	for (unsigned i = 0; i < ADDS; i++) {
		__atomic_add_fetch(&locked, 1, __ATOMIC_SEQ_CST);
		this_cpu()->counter++;
	}
}

static void on_all(void (*fn)(void *), void *arg)
{
	for (unsigned i = 1; i < machine.nr_cpus; i++)
		cpu_run(i, fn, arg);
	fn(arg);
	for (unsigned i = 1; i < machine.nr_cpus; i++)
		cpu_wait(i);
}

static void test_counters(void)
{
	on_all(add, NULL);
	CHECK_EQ("counters-locked", locked, (uint64_t)ADDS * machine.nr_cpus);
	for (unsigned i = 0; i < machine.nr_cpus; i++)
		plain_sum += cpus[i].counter;
	CHECK_EQ("counters-own", plain_sum, (uint64_t)ADDS * machine.nr_cpus);
}

static void check_identity(void *arg)
{
	uint64_t *mask = arg;

	__atomic_or_fetch(mask, BIT(lapic_id()), __ATOMIC_SEQ_CST);
	/* CPUID tells each CPU its own APIC id. */
	if (cpuid(1, 0).ebx >> 24 != lapic_id())
		__atomic_or_fetch(mask, BIT(63), __ATOMIC_SEQ_CST);
}

static void test_identity(void)
{
	uint64_t mask = 0;

	on_all(check_identity, &mask);
	CHECK_EQ("identity", mask, BIT(machine.nr_cpus) - 1);
}

static void on_ping(struct frame *f)
{
	(void)f;
	lapic_eoi();
	lapic_ipi(cpus[0].apic_id, ICR_FIXED | ICR_ASSERT | PONG);
}

/* An idle CPU answers out of HLT. */
static void test_ping(void)
{
	set_handler(PING, on_ping);
	vector_count[PONG] = 0;
	for (unsigned cpu = 1; cpu < machine.nr_cpus; cpu++) {
		uint32_t base = vector_count[PONG];

		for (unsigned i = 1; i <= PINGS; i++) {
			lapic_ipi(cpus[cpu].apic_id, ICR_FIXED | ICR_ASSERT | PING);
			wait_count("ping-pong", &vector_count[PONG], base + i);
		}
	}
	CHECK_EQ("ping-pong", vector_count[PONG], PINGS * (machine.nr_cpus - 1));
}

static void wait_broadcast(const char *name, uint32_t want)
{
	wait_count(name, &vector_count[BROADCAST], want);
	CHECK_EQ(name, vector_count[BROADCAST], want);
}

static void test_broadcast(void)
{
	uint32_t others = machine.nr_cpus - 1;

	vector_count[BROADCAST] = 0;
	lapic_ipi(0, ICR_OTHERS | ICR_ASSERT | BROADCAST);
	wait_broadcast("ipi-all-others", others);
	lapic_ipi(0, ICR_ALL | ICR_ASSERT | BROADCAST);
	wait_broadcast("ipi-all", 2 * others + 1);
	lapic_ipi(0, ICR_SELF | ICR_ASSERT | BROADCAST);
	wait_broadcast("ipi-self", 2 * others + 2);
}

/* The first eight CPUs by their bits: flat xAPIC ids, or cluster 0 of x2APIC. */
static void test_logical(void)
{
	unsigned n = MIN(machine.nr_cpus, 8u);
	uint32_t mask = (1u << n) - 1;

	vector_count[LOGICAL] = 0;
	lapic_ipi(mask, ICR_LOGICAL | ICR_ASSERT | LOGICAL);
	wait_count("ipi-logical", &vector_count[LOGICAL], n);
	CHECK_EQ("ipi-logical", vector_count[LOGICAL], n);
}

static volatile bool busy_stop;
static void be_busy(void *arg)
{
	(void)arg;
	sti();
	while (!busy_stop)
		this_cpu()->counter++;
	cli();
}

/* A CPU that computes takes interrupts and an NMI as well as one that sleeps. */
static void test_busy(void)
{
	unsigned last = machine.nr_cpus - 1;

	busy_stop = false;
	cpu_run(last, be_busy, NULL);
	vector_count[IPI] = 0;
	vector_count[EXC_NMI] = 0;
	for (unsigned i = 1; i <= 20; i++) {
		lapic_ipi(cpus[last].apic_id, ICR_FIXED | ICR_ASSERT | IPI);
		wait_count("ipi-busy", &vector_count[IPI], i);
	}
	CHECK_EQ("ipi-busy", vector_count[IPI], 20);
	lapic_ipi(cpus[last].apic_id, ICR_NMI | ICR_ASSERT);
	wait_count("nmi-busy", &vector_count[EXC_NMI], 1);
	CHECK_EQ("nmi-busy", vector_count[EXC_NMI], 1);
	busy_stop = true;
	cpu_wait(last);
}

/*
 * Two of one vector: the first is the CPU's own and waits while interrupts are off; the second is
 * sent while the first one's handler runs, which does nothing before that but write to memory. A
 * hypervisor may learn of the first one's delivery only then.
 */
static volatile uint32_t twice_inside, twice_sent;
static void on_twice(struct frame *f)
{
	(void)f;
	if (vector_count[TWICE] & 1) {
		twice_inside = vector_count[TWICE];
		while (twice_sent != twice_inside)
			barrier();
	}
	lapic_eoi();
}

static void take_twice(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | TWICE);
		wait_count("ipi-twice", &vector_count[TWICE], 2 * i);
	}
}

static void test_twice(void)
{
	unsigned last = machine.nr_cpus - 1;

	vector_count[TWICE] = 0;
	set_handler(TWICE, on_twice);
	cpu_run(last, take_twice, NULL);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		while (twice_inside != 2 * i - 1)
			cpu_pause();
		lapic_ipi(cpus[last].apic_id, ICR_FIXED | ICR_ASSERT | TWICE);
		twice_sent = 2 * i - 1;
	}
	cpu_wait(last);
	CHECK_EQ("ipi-twice", vector_count[TWICE], 2 * ROUNDS);
	set_handler(TWICE, NULL);
}

/* Message passing: data, then a flag; the reader must never see the flag without the data. */
static uint64_t messages;
static volatile uint64_t message_data, message_flag, message_ack;
static void read_messages(void *arg)
{
	uint64_t *wrong = arg;

	for (uint64_t i = 1; i <= messages; i++) {
		while (message_flag != i)
			cpu_pause();
		*wrong += message_data != i * 3;
		message_ack = i;
	}
}

static void test_order(void)
{
	uint64_t wrong = 0;

	messages = option("messages", 5000);
	cpu_run(1, read_messages, &wrong);
	for (uint64_t i = 1; i <= messages; i++) {
		message_data = i * 3;
		barrier();
		message_flag = i;
		while (message_ack != i)
			cpu_pause();
	}
	cpu_wait(1);
	CHECK_EQ("order", wrong, 0);
}

void guest_main(void)
{
	unsigned online;

	online = smp_start(machine.nr_cpus);
	CHECK_EQ("start", online, machine.nr_cpus);
	if (online != machine.nr_cpus)
		return;
	test_counters();
	test_identity();
	test_broadcast();
	test_logical();
	if (online == 1)
		return;
	test_ping();
	test_busy();
	test_twice();
	test_order();
}
