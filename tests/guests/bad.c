// SPDX-License-Identifier: GPL-2.0-or-later
// What a hostile or broken guest may do that ends it, or that never ends. case=NAME chooses a row
// of the table; docs/guests.md says of each what becomes of the VM, tests/test_bad_guests.py checks
// it. What a guest may do and go on is in odd.c.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "bad";

#define NOWHERE       0xd0000000ull /* no memory, no device */
#define LAPIC_PAGE    0xfee00000ull
#define PT_PRESENT_RW 3ull

extern uint64_t page_root[], page_pointers[], page_directories[];

struct table {
	uint16_t limit;
	uint64_t base;
} __packed;
static const struct table empty_table, table_nowhere = { 0xfff, NOWHERE };

/* ---- ends ---- */

static void triple_fault(void)
{
	__asm__ volatile("lidt %0; ud2" ::"m"(empty_table));
}

static void idt_nowhere(void)
{
	__asm__ volatile("lidt %0; ud2" ::"m"(table_nowhere));
}

static void stack_nowhere(void)
{
	__asm__ volatile("movq %0, %%rsp; ud2" ::"r"(NOWHERE + 0x800));
}

static void run_nowhere(void)
{
	__asm__ volatile("jmp *%0" ::"r"(NOWHERE));
}

static void run_lapic(void)
{
	lapic_use_x2(false);
	__asm__ volatile("jmp *%0" ::"r"(LAPIC_PAGE));
}

static void tables_nowhere(void)
{
	write_cr3(NOWHERE);
}

/* All of the directory beyond memory: what runs has its translations there at once. */
static void tables_high(void)
{
	page_pointers[0] = (1ull << 39) | PT_PRESENT_RW;
	write_cr3(read_cr3());
}

static void tables_garbage(void)
{
	uint64_t x = 0x5eed;

	for (unsigned i = 0; i < 512; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page_root[i] = x | BITS(51, 47) | 1; /* bits that are reserved everywhere */
	}
	write_cr3(read_cr3());
}

static void lapic_no_mov(void)
{
	lapic_use_x2(false);
	__asm__ volatile("addl $1, 0x80(%0)" ::"r"(LAPIC_PAGE) : "memory");
}

static void ioapic_no_mov(void)
{
	__asm__ volatile("lock xaddl %%eax, (%0)" ::"r"(0xfec00000ull) : "memory", "eax");
}

static void device_sse(void)
{
	write_cr0(read_cr0() & ~BIT(2));
	__asm__ volatile("movaps (%0), %%xmm0" ::"r"(NOWHERE));
}

static void init_boot_cpu(void)
{
	lapic_ipi(lapic_id(), ICR_INIT | ICR_ASSERT);
	for (;;)
		cpu_pause();
}

static void keyboard_reset(void)
{
	outb(0x64, 0xfe);
	for (;;)
		cpu_pause();
}

/* ---- never ends ---- */

static void sleep_for_ever(void)
{
	cli();
	for (;;)
		__asm__ volatile("hlt");
}

static void spin(void)
{
	cli();
	for (;;)
		cpu_pause();
}

/* The breakpoint is on the handler's own first instruction: #DB delivers #DB. */
extern const uint8_t db_handler[];
static void db_loop(void)
{
	static uint64_t idt[512] __aligned(16);
	struct table at = { sizeof(idt) - 1, (uintptr_t)idt };
	uint64_t handler = (uintptr_t)db_handler;

	idt[2] = (handler & 0xffff) | (uint64_t)SEL_CODE64 << 16 | 0x8e01ull << 32 |
		 (handler >> 16) << 48;
	idt[3] = handler >> 32;
	tss[0].ist[0] = (uintptr_t)tss + sizeof(tss[0]) * CPUS_MAX; /* the same frame each time */
	__asm__ volatile("lidt %0\n"
			 "movq %1, %%db0\n"
			 "movq %2, %%db7\n"
			 "jmp db_handler\n"
			 ".globl db_handler\n"
			 "db_handler: nop\n"
			 "jmp db_handler" ::"m"(at),
			 "r"(handler), "r"(0x402ull));
}

static void again(struct frame *f)
{
	lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | (uint32_t)f->vector);
	lapic_eoi();
}

static void self_ipi_storm(void)
{
	set_handler(0x70, again);
	lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | 0x70);
	sti();
	for (;;)
		cpu_pause();
}

static void timer_storm(void)
{
	lapic_write(LAPIC_TDCR, 0xb); /* by 1 */
	lapic_write(LAPIC_TIMER, TIMER_PERIODIC | 0x71);
	lapic_write(LAPIC_TMICT, 1);
	pic_mask(0, false);
	pit_periodic(2);
	sti();
	for (;;)
		__asm__ volatile("hlt");
}

static void deadline_storm(void)
{
	lapic_write(LAPIC_TIMER, TIMER_DEADLINE | 0x71);
	sti();
	for (;;)
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1);
}

static void to_all_others(void *command)
{
	for (;;)
		lapic_ipi(0, ICR_OTHERS | ICR_ASSERT | (uint32_t)(uintptr_t)command);
}

/* Every CPU sends to all others for ever. */
static void storm(uint32_t command)
{
	unsigned n = smp_start(machine.nr_cpus);

	for (unsigned i = 1; i < n; i++)
		cpu_run(i, to_all_others, (void *)(uintptr_t)command);
	sti();
	to_all_others((void *)(uintptr_t)command);
}

static void ipi_storm(void)
{
	storm(ICR_FIXED | 0x72);
}

static void nmi_storm(void)
{
	storm(ICR_NMI);
}

/* The boot CPU alone: whoever gets an INIT sends no more. */
static void init_storm(void)
{
	smp_start(machine.nr_cpus);
	for (uint32_t page = 0;; page++) {
		lapic_ipi(0, ICR_OTHERS | ICR_ASSERT | ICR_INIT);
		lapic_ipi(0, ICR_OTHERS | ICR_ASSERT | ICR_SIPI | (page & 0xff));
	}
}

static void xsetbv_storm(void)
{
	write_cr4(read_cr4() | BIT(18));
	for (;;) {
		__asm__ volatile("xsetbv" ::"c"(0), "a"(3), "d"(0));
		__asm__ volatile("xsetbv" ::"c"(0), "a"(1), "d"(0));
		cpuid(0xd, 0);
	}
}

static void hypercall_storm(void)
{
	for (uint64_t nr = 0;; nr++)
		__asm__ volatile("vmmcall" ::"a"(nr % 16), "b"(nr * 0x9e3779b97f4a7c15ull), "c"(nr),
				 "d"(~nr), "S"(nr << 7)
				 : "memory");
}

static void output_storm(void)
{
	for (;;)
		outb(0x3f8, 'x');
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "triple-fault", triple_fault },
	{ "idt-nowhere", idt_nowhere },
	{ "stack-nowhere", stack_nowhere },
	{ "run-nowhere", run_nowhere },
	{ "run-lapic", run_lapic },
	{ "tables-nowhere", tables_nowhere },
	{ "tables-high", tables_high },
	{ "tables-garbage", tables_garbage },
	{ "lapic-no-mov", lapic_no_mov },
	{ "ioapic-no-mov", ioapic_no_mov },
	{ "device-sse", device_sse },
	{ "init-boot-cpu", init_boot_cpu },
	{ "keyboard-reset", keyboard_reset },
	{ "sleep-for-ever", sleep_for_ever },
	{ "spin", spin },
	{ "db-loop", db_loop },
	{ "self-ipi-storm", self_ipi_storm },
	{ "timer-storm", timer_storm },
	{ "deadline-storm", deadline_storm },
	{ "ipi-storm", ipi_storm },
	{ "nmi-storm", nmi_storm },
	{ "init-storm", init_storm },
	{ "xsetbv-storm", xsetbv_storm },
	{ "hypercall-storm", hypercall_storm },
	{ "output-storm", output_storm },
};

void guest_main(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!option_is("case", cases[i].name))
			continue;
		print("%s\n", cases[i].name);
		cases[i].run();
	}
	/* A case that came back, or one that is not in the table. */
	check(false, "case", "'%s' has not ended this guest", machine.cmdline);
}
