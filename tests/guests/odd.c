// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest may do and go on, sane or not: sweeps of MSRs, ports and device memory, reserved
// bits in control registers, instructions it does not have, hypercalls and paravirtual pages with
// garbage, storms with an end, odd accesses to interrupt controllers, code that changes around
// exits. What ends a guest is in bad.c.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "odd";

#define EXC_NONE_OR_GP(v) ((v) == EXC_NONE || (v) == EXC_GP)
#define LAPIC_PAGE        0xfee00000ull
#define IOAPIC_PAGE       0xfec00000ull

extern uint64_t page_root[], page_pointers[], page_directories[];

static uint64_t random_state = 0x5eed;
static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void window(void)
{
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

/* ---- MSRs ---- */

static const struct {
	uint32_t first, count;
} msr_ranges[] = {
	{ 0, 0x1000 },         { 0x40000000, 0x100 }, { 0x4b564d00, 0x100 }, { 0xc0000000, 0x200 },
	{ 0xc0010000, 0x200 }, { 0xc0011000, 0x100 }, { 0xffffff00, 0x100 },
};

/* What this program itself stands on; the rest takes anything. */
static bool msr_is_needed(uint32_t msr)
{
	return msr == MSR_APIC_BASE || msr == MSR_EFER || msr == MSR_FS_BASE || msr == MSR_GS_BASE;
}

static void test_msrs(void)
{
	unsigned readable = 0, taken = 0, odd = 0;
	uint64_t value;

	for (unsigned r = 0; r < ARRAY_SIZE(msr_ranges); r++) {
		for (uint32_t i = 0; i < msr_ranges[r].count; i++) {
			uint32_t msr = msr_ranges[r].first + i;
			int read = catch_rdmsr(msr, &value), written = EXC_GP, back = EXC_NONE;

			if (!msr_is_needed(msr))
				written = catch_wrmsr(msr, ~0ull);
			if (read == EXC_NONE)
				back = catch_wrmsr(msr, value);
			readable += read == EXC_NONE;
			taken += written == EXC_NONE;
			odd += !EXC_NONE_OR_GP(read) || !EXC_NONE_OR_GP(written) ||
			       !EXC_NONE_OR_GP(back);
		}
	}
	check(readable > 50 && taken > 5 && odd == 0, "msr-sweep",
	      "%u readable, %u take ones, %u odd", readable, taken, odd);
	lapic_use_x2(true);
	lapic_init();
}

/* ---- control registers ---- */

static void load_cr0(void *v)
{
	write_cr0(*(uint64_t *)v);
}
static void load_cr3(void *v)
{
	write_cr3(*(uint64_t *)v);
}
static void load_cr4(void *v)
{
	write_cr4(*(uint64_t *)v);
}

static unsigned maxphyaddr(void)
{
	return cpuid(0x80000008, 0).eax & 0xff;
}

static int load(void (*fn)(void *), uint64_t value)
{
	return catch (fn, &value, NULL);
}

static void test_control_registers(void)
{
	static const uint8_t cr4_reserved[] = { 12, 13, 14, 15, 23, 24, 25, 32, 40, 63 };
	uint64_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();

	/* QEMU drops a high bit by itself; beside another change it is seen. */
	CHECK_EQ("cr0-high", load(load_cr0, (cr0 ^ BIT(5)) | BIT(40)), EXC_GP);
	CHECK_EQ("cr0-nw-without-cd", load(load_cr0, cr0 | BIT(29)), EXC_GP);
	CHECK_EQ("cr0-pg-without-pe", load(load_cr0, cr0 & ~1ull), EXC_GP);
	CHECK_EQ("cr3-high", load(load_cr3, cr3 | BIT(maxphyaddr())), EXC_GP);
	CHECK_EQ("cr3-62", load(load_cr3, cr3 | BIT(62)), EXC_GP);
	for (unsigned i = 0; i < ARRAY_SIZE(cr4_reserved); i++)
		if (load(load_cr4, cr4 | BIT(cr4_reserved[i])) != EXC_GP)
			check(false, "cr4-reserved", "bit %u was taken", cr4_reserved[i]);
	check(read_cr0() == cr0 && read_cr3() == cr3 && read_cr4() == cr4, "control-registers-kept",
	      "they changed");
}

/* ---- instructions ---- */

#define INSTRUCTION(name, text)                                                         \
	static void name(void *arg)                                                     \
	{                                                                               \
		(void)arg;                                                              \
		__asm__ volatile(text ::"a"(0x1000), "c"(0), "d"(0) : "memory", "rbx"); \
	}
INSTRUCTION(do_vmrun, "vmrun")
INSTRUCTION(do_vmload, "vmload")
INSTRUCTION(do_vmsave, "vmsave")
INSTRUCTION(do_stgi, "stgi")
INSTRUCTION(do_clgi, "clgi")
INSTRUCTION(do_skinit, "skinit")
INSTRUCTION(do_invlpga, "invlpga")
INSTRUCTION(do_vmcall, ".byte 0x0f, 0x01, 0xc1")
INSTRUCTION(do_vmxoff, ".byte 0x0f, 0x01, 0xc4")
INSTRUCTION(do_rsm, "rsm")
INSTRUCTION(do_monitor, "monitor")
INSTRUCTION(do_mwait, "mwait")
INSTRUCTION(do_rdpru, ".byte 0x0f, 0x01, 0xfd")
INSTRUCTION(do_rdpmc, "rdpmc")
INSTRUCTION(do_caches, "wbinvd; invd")
INSTRUCTION(do_task_jump, "ljmpl *task_pointer")
INSTRUCTION(do_task_gate, "int $0x90")

/* A far jump to a task. */
__asm__(".pushsection .data; .globl task_pointer; task_pointer: .long 0; .word 0x40; .popsection");

static const struct {
	const char *name;
	void (*run)(void *);
	int vector;
} instructions[] = {
	{ "vmrun", do_vmrun, EXC_UD },
	{ "vmload", do_vmload, EXC_UD },
	{ "vmsave", do_vmsave, EXC_UD },
	{ "stgi", do_stgi, EXC_UD },
	{ "clgi", do_clgi, EXC_UD },
	{ "skinit", do_skinit, EXC_UD },
	{ "invlpga", do_invlpga, EXC_UD },
	{ "vmcall", do_vmcall, EXC_UD },
	{ "vmxoff", do_vmxoff, EXC_UD },
	{ "rsm", do_rsm, EXC_UD },
	{ "monitor", do_monitor, EXC_UD },
	{ "mwait", do_mwait, EXC_UD },
	{ "rdpru", do_rdpru, EXC_UD },
	{ "rdpmc", do_rdpmc, EXC_GP },
	{ "wbinvd-invd", do_caches, EXC_NONE },
	{ "task-jump", do_task_jump, EXC_GP },
};

static void test_instructions(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++)
		CHECK_EQ(instructions[i].name, catch (instructions[i].run, NULL, NULL),
			 instructions[i].vector);
}

/* A task gate is no gate in long mode. */
static void test_task_gate(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed idt;
	uint64_t *gate, saved;

	__asm__ volatile("sidt %0" : "=m"(idt));
	gate = (uint64_t *)idt.base + 0x90 * 2;
	saved = *gate;
	*gate = 0x40ull << 16 | 0xe500ull << 32;
	CHECK_EQ("task-gate", catch (do_task_gate, NULL, NULL), EXC_GP);
	*gate = saved;
}

/* ---- hypercalls and paravirtual pages ---- */

static int64_t hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	int64_t ret;

	__asm__ volatile("vmmcall"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory");
	return ret;
}

#define KVM_ENOSYS 1000

static void test_hypercalls(void)
{
	bool known[16] = { [1] = true, [5] = true, [10] = true };
	unsigned wrong = 0;

	for (uint64_t nr = 0; nr < 16; nr++)
		if (!known[nr])
			wrong += hypercall(nr, random64(), random64(), random64(), random64()) !=
				 -KVM_ENOSYS;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t nr = random64();

		wrong += nr > 16 && hypercall(nr, random64(), random64(), random64(), random64()) !=
					    -KVM_ENOSYS;
		hypercall(5, random64(), random64(), random64(), random64());
		hypercall(10, random64(), random64(), random64(), random64());
	}
	CHECK_EQ("hypercalls-unknown", wrong, 0);
	/* Whatever IPIs that made. */
	window();
	sti();
	for (unsigned i = 0; i < 1000; i++)
		cpu_pause();
	cli();
}

#define MSR_WALL_CLOCK  0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01
#define MSR_PV_EOI      0x4b564d04

static void test_pv_pages(void)
{
	static const uint64_t bad[] = { 0xd0000000, LAPIC_PAGE, 0x7ffffffffffff000,
					0xfffffffffffff000, (64ull << 20) - 4 };
	static uint32_t clock[8] __aligned(32);
	uint32_t base, eoi = 0;

	if (!kvm_leaves(&base))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		catch_wrmsr(MSR_WALL_CLOCK, bad[i]);
		catch_wrmsr(MSR_SYSTEM_TIME, bad[i] | 1);
		cpuid(0, 0);
		catch_wrmsr(MSR_PV_EOI, bad[i] | 1);
		vector_count[0x80] = 0;
		lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | 0x80);
		window();
		eoi += vector_count[0x80];
		lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | 0x80);
		window();
		eoi += vector_count[0x80];
	}
	CHECK_EQ("pv-eoi-nowhere", eoi, 3 * ARRAY_SIZE(bad));
	wrmsr(MSR_PV_EOI, 0);
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)clock | 1);
	cpuid(0, 0);
	check(clock[0] && !(clock[0] & 1) && clock[6], "pv-clock-after", "version %u", clock[0]);
	wrmsr(MSR_SYSTEM_TIME, 0);
}

/* ---- XCR0 and debug registers ---- */

struct xcr {
	uint32_t index;
	uint64_t value;
};
static void load_xcr(void *arg)
{
	struct xcr *x = arg;

	__asm__ volatile("xsetbv" ::"c"(x->index), "a"((uint32_t)x->value),
			 "d"((uint32_t)(x->value >> 32)));
}

static void test_xcr0(void)
{
	static const struct xcr bad[] = { { 0, 0 },           { 0, 2 }, { 0, 5 },
					  { 0, BIT(63) | 1 }, { 1, 1 }, { 7, 3 } };
	struct xcr x;
	unsigned wrong = 0;

	if (!(cpuid(1, 0).ecx & BIT(26)))
		return;
	write_cr4(read_cr4() | BIT(18));
	for (unsigned i = 0; i < 5000; i++) {
		x = (struct xcr){ 0, i % 2 ? 3 : 1 };
		wrong += catch (load_xcr, &x, NULL) != EXC_NONE;
		if (i % 16 == 0)
			wrong += cpuid(0xd, 0).ebx < 576;
		x = bad[i % ARRAY_SIZE(bad)];
		if (i % 50 == 0)
			wrong += catch (load_xcr, &x, NULL) != EXC_GP;
	}
	CHECK_EQ("xcr0", wrong, 0);
	write_cr4(read_cr4() & ~BIT(18));
}

static void load_dr7(void *v)
{
	__asm__ volatile("movq %0, %%db7" ::"r"(*(uint64_t *)v));
}
static void load_dr6(void *v)
{
	__asm__ volatile("movq %0, %%db6" ::"r"(*(uint64_t *)v));
}

static void test_debug_registers(void)
{
	unsigned wrong = 0;
	uint64_t value, got;
	int vector;

	for (unsigned i = 0; i < 1000; i++) {
		value = random64();
		__asm__ volatile("movq %0, %%db1" ::"r"(value));
		if (i % 8 == 0)
			cpuid(0, 0);
		__asm__ volatile("movq %%db1, %0" : "=r"(got));
		wrong += got != value;
	}
	CHECK_EQ("debug-registers", wrong, 0);
	CHECK_EQ("dr6-high", load(load_dr6, BIT(32)), EXC_GP);
	CHECK_EQ("dr7-high", load(load_dr7, BIT(32)), EXC_GP);
	CHECK_EQ("dr7-gd", load(load_dr7, BIT(13)), EXC_NONE);
	vector = load(load_dr7, 0);
	/* QEMU does not know the bit. */
	check(vector == EXC_DB || vector == EXC_NONE, "dr7-gd-catches", "exception %d", vector);
	load(load_dr7, 0x400);
	load(load_dr6, 0xffff0ff0);
}

/* ---- ports ---- */

/* Those whose write ends or resets the machine, or moves memory; the PIC. */
static bool port_is_needed(unsigned port)
{
	return (port >= 0x60 && port <= 0x64) || port == 0x92 || (port >= 0xcf8 && port <= 0xcff) ||
	       port == 0x505 || (port >= 0xf4 && port <= 0xf7) ||
	       (port >= 0x510 && port <= 0x51b) || (port >= 0x600 && port < 0x640) ||
	       (port & ~0x81u) == 0x20;
}

static bool ports_are_needed(unsigned port, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if (port_is_needed(port + i))
			return true;
	return false;
}

static void test_ports(void)
{
	uint32_t ones = 0;

	for (unsigned port = 0; port < 0x10000; port += 4)
		ones += inl((uint16_t)port) == 0xffffffff;
	for (unsigned port = 0; port < 0x1000; port++)
		(void)inb((uint16_t)port), (void)inw((uint16_t)port);
	check(ones > 15000, "port-sweep", "%u of 16384 read ones", ones);
	for (unsigned port = 0; port < 0x10000; port += port < 0x1000 ? 1 : 61) {
		if (ports_are_needed(port, 4))
			continue;
		outb((uint16_t)port, (uint8_t)port);
		outl((uint16_t)port, (uint32_t)random64());
	}
	(void)inl(0xffff);
	outl(0xffff, 0);
	pic_init();
	serial_init();
	check(true, "port-writes", " ");
}

/* ---- device memory ---- */

/* Maps 2 MiB of any address, at 512 GiB. */
static volatile uint8_t *high(uint64_t pa)
{
	static uint64_t pdpt[512] __aligned(4096), pd[512] __aligned(4096);
	uint64_t va = 512ull << 30;

	pd[0] = (pa & ~0x1fffffull) | 0x83;
	pdpt[0] = (uintptr_t)pd | 3;
	page_root[1] = (uintptr_t)pdpt | 3;
	invlpg((void *)va);
	return (volatile uint8_t *)(va + (pa & 0x1fffff));
}

static void poke(volatile uint8_t *p)
{
	*p = *p;
	*(volatile uint16_t *)(p + 2) = *(volatile uint16_t *)(p + 2);
	*(volatile uint32_t *)(p + 4) = *(volatile uint32_t *)(p + 4);
	*(volatile uint64_t *)(p + 5) = *(volatile uint64_t *)(p + 5);
}

static void test_device_memory(void)
{
	unsigned bits = maxphyaddr(), ones = 0;

	for (uint64_t pa = 0xc0000000; pa < 0x100000000ull; pa += 0x700000) {
		if (pa - (LAPIC_PAGE & ~0xfffffull) < 0x100000 ||
		    pa - (IOAPIC_PAGE & ~0xfffffull) < 0x100000)
			continue;
		ones += *(volatile uint64_t *)(uintptr_t)pa == ~0ull;
		poke((volatile uint8_t *)(uintptr_t)(pa + 0x1000));
	}
	check(ones > 100, "mmio-sweep", "%u read ones", ones);
	for (unsigned bit = 32; bit < bits; bit++)
		poke(high(BIT(bit) | 0x10000));
	poke(high(BIT(bits) - 0x1000));
	check(true, "mmio-high", " ");
}

/* MOVs of every width at every offset; what comes back matters only where the register is whole. */
static void test_odd_apic(void)
{
	uint32_t lapic_version, ioapic_version = ioapic_read(1);

	lapic_use_x2(false);
	lapic_init();
	lapic_version = lapic_read(LAPIC_VER);
	for (unsigned offset = 0; offset < 0xff0; offset += 3) {
		volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)(LAPIC_PAGE + offset);

		(void)*p;
		(void)*(volatile uint16_t *)p;
		(void)*(volatile uint64_t *)p;
		if (offset % 16 == 0)
			continue; /* whole registers have their meaning */
		*p = 0xff;
		*(volatile uint16_t *)p = 0xffff;
		*(volatile uint32_t *)p = 0xffffffff;
		*(volatile uint64_t *)p = ~0ull;
	}
	for (unsigned offset = 0x14; offset < 0xff0; offset += 7) {
		volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)(IOAPIC_PAGE + offset);

		*p = (uint8_t) * (volatile uint16_t *)p;
		*(volatile uint64_t *)p = *(volatile uint64_t *)p;
	}
	CHECK_EQ("lapic-after-odd", lapic_read(LAPIC_VER), lapic_version);
	CHECK_EQ("ioapic-after-odd", ioapic_read(1), ioapic_version);
	lapic_use_x2(true);
	lapic_init();
}

/* ---- strings ---- */

static void test_strings(void)
{
	static uint8_t buffer[65536];
	uint8_t *to = buffer;
	const uint8_t *from = buffer;
	uint64_t count = sizeof(buffer);

	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0x3ff) : "memory");
	CHECK_EQ("ins-huge", to, buffer + sizeof(buffer));
	count = sizeof(buffer);
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x80) : "memory");
	CHECK_EQ("outs-huge", from, buffer + sizeof(buffer));
}

/* ---- code that changes around exits ---- */

static void test_changing_code(void)
{
	/* push %rbx; xor %eax, %eax; cpuid; mov $imm, %eax; pop %rbx; ret */
	static uint8_t code[] __aligned(64) = { 0x53, 0x31, 0xc0, 0x0f, 0xa2, 0xb8,
						0,    0,    0,    0,    0x5b, 0xc3 };
	/* insb, then the byte that it wrote: nop or ret */
	static uint8_t own[] __aligned(64) = { 0x6c, 0xf4, 0xc3 };
	unsigned wrong = 0;
	uint32_t got;
	uint8_t *to = own + 1;

	for (uint32_t i = 0; i < 1000; i++) {
		*(volatile uint32_t *)(code + 6) = i;
		__asm__ volatile("call *%1" : "=a"(got) : "r"(code) : "rcx", "rdx", "memory");
		wrong += got != i;
	}
	CHECK_EQ("changing-code", wrong, 0);
	/* The scratch register of COM1 holds a NOP: INS writes it over the HLT behind itself. */
	outb(0x3ff, 0x90);
	__asm__ volatile("call *%1" : "+D"(to) : "r"(own), "d"(0x3ff) : "memory");
	CHECK_EQ("code-by-ins", own[1], 0x90);
}

/* ---- storms with an end ---- */

static void test_storms(void)
{
	unsigned nmis;

	for (unsigned vector = 0x20; vector < 0x100; vector++)
		vector_count[vector] = 0;
	for (unsigned i = 0; i < 4000; i++) {
		lapic_ipi(lapic_id(), ICR_FIXED | ICR_ASSERT | (0x30 + random64() % 0xc0));
		if (i % 7 == 0)
			window();
	}
	sti();
	for (unsigned i = 0; i < 1000; i++)
		cpu_pause();
	cli();
	for (unsigned vector = 0x30; vector < 0xf0; vector++)
		if (!vector_count[vector])
			check(false, "self-ipi-storm", "vector 0x%x never came", vector);
	vector_count[EXC_NMI] = 0;
	for (unsigned i = 0; i < 2000; i++)
		lapic_ipi(lapic_id(), ICR_NMI | ICR_ASSERT);
	cpuid(0, 0);
	nmis = vector_count[EXC_NMI];
	check(nmis > 100 && nmis <= 2000, "nmi-storm", "%u NMIs", nmis);
}

static volatile bool stop;
static void count_up(void *arg)
{
	(void)arg;
	sti();
	while (!stop)
		this_cpu()->counter++;
	cli();
}

/* INITs and start-ups to a CPU at any moment; in the end it starts as ever. */
static void test_restarts(void)
{
	if (machine.nr_cpus < 2)
		return;
	CHECK_EQ("start", smp_start(2), 2);
	cpu_run(1, count_up, NULL);
	for (unsigned i = 0; i < 500; i++) {
		lapic_ipi(1, ICR_INIT | ICR_ASSERT);
		if (i % 3)
			lapic_ipi(1, ICR_SIPI | ICR_ASSERT | 0xff);
	}
	lapic_ipi(1, ICR_INIT | ICR_ASSERT);
	check(true, "restarts", " ");
}

void guest_main(void)
{
	test_msrs();
	test_control_registers();
	test_instructions();
	test_task_gate();
	test_hypercalls();
	test_pv_pages();
	test_xcr0();
	test_debug_registers();
	test_ports();
	test_device_memory();
	test_odd_apic();
	test_strings();
	test_changing_code();
	test_storms();
	test_restarts();
}
