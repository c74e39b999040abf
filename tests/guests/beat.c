// SPDX-License-Identifier: GPL-2.0-or-later
// A guest that lives until it is told to end: all CPUs take a timer tick, the boot CPU keeps a
// pattern in memory right and prints a line now and then. For tests of what is done to a VM from
// outside. Keys: `q` ends it, `n` prints how many NMIs came, everything else comes back in
// capitals. fill=N: so many words of memory from FILL_FROM on hold what their address says.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "beat";

#define TICK        0x70
#define DIVIDE_BY_1 0xb
#define COM1        0x3f8
#define COM1_LSR    (COM1 + 5)
#define LSR_DATA    1
#define PATTERN     4096
#define PRINT_EVERY 20
#define FILL_FROM   (8ull << 20)

static volatile uint32_t ticks, nmis;
static uint64_t pattern[PATTERN];

static void on_tick(struct frame *frame)
{
	(void)frame;
	this_cpu()->counter++;
	lapic_eoi();
}

static void on_nmi(struct frame *frame)
{
	(void)frame;
	__atomic_add_fetch(&nmis, 1, __ATOMIC_SEQ_CST);
}

static void start_ticks(void)
{
	lapic_write(LAPIC_SVR, 0x100 | SPURIOUS);
	lapic_write(LAPIC_TDCR, DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER, TIMER_PERIODIC | TICK);
	lapic_write(LAPIC_TMICT, (uint32_t)option("period", 20000000)); /* 1 GHz: 20 ms */
}

static void live(void *arg)
{
	(void)arg;
	start_ticks();
	for (;;)
		wait_for_interrupt();
}

/* Each round goes over all of it: a page that is lost or another VM's shows. */
static bool check_pattern(uint64_t round)
{
	for (unsigned i = 0; i < PATTERN; i++) {
		if (pattern[i] != (round ? (round - 1) * 0x9e3779b97f4a7c15 + i : 0))
			return false;
		pattern[i] = round * 0x9e3779b97f4a7c15 + i;
	}
	return true;
}

static void fill(uint64_t words)
{
	uint64_t *to = (uint64_t *)FILL_FROM;

	for (uint64_t i = 0; i < words; i++)
		to[i] = (FILL_FROM + 8 * i) * 0x9e3779b97f4a7c15;
}

static void take_key(void)
{
	uint8_t key;

	if (!(inb(COM1_LSR) & LSR_DATA))
		return;
	key = inb(COM1);
	if (key == 'q')
		guest_exit(GUEST_OK);
	else if (key == 'n')
		print("beat: %u NMIs\n", nmis);
	else
		print("%c", key >= 'a' && key <= 'z' ? key - 32 : key);
}

void guest_main(void)
{
	unsigned online = smp_start(machine.nr_cpus);

	set_handler(TICK, on_tick);
	set_handler(EXC_NMI, on_nmi);
	for (unsigned i = 1; i < online; i++)
		cpu_run(i, live, NULL);
	start_ticks();
	fill(option("fill", 0));
	print("beat: up, %u CPUs\n", online);
	for (uint64_t round = 0;; round++) {
		wait_for_interrupt();
		if (!check_pattern(round)) {
			print("beat: memory is wrong in round %lu\n", round);
			guest_exit(GUEST_FAILED);
		}
		take_key();
		if (++ticks % PRINT_EVERY == 0)
			print("beat: %u\n", ticks / PRINT_EVERY);
	}
}
