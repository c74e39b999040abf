// SPDX-License-Identifier: GPL-2.0-or-later
// CPUs are started one by one: INIT, two start-up IPIs, and each, when online, spins (then halts)
// for work that the boot CPU gives it and wakes it for.

#include "tests/guests/rt/private.h"

#define WAKE_VECTOR 0xf0
#define STACK_SIZE  16384

struct cpu cpus[CPUS_MAX];
struct tss tss[CPUS_MAX];
static uint8_t stacks[CPUS_MAX][STACK_SIZE] __aligned(16);
static unsigned nr_online = 1;

static void load_task_register(unsigned id)
{
	uint64_t base = (uintptr_t)&tss[id];
	unsigned slot = (SEL_TSS + 16 * id) / 8;

	tss[id].io_map = sizeof(struct tss);
	gdt[slot] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		    (base >> 24 & 0xff) << 56;
	gdt[slot + 1] = base >> 32;
	__asm__ volatile("ltr %w0" ::"r"(SEL_TSS + 16 * id));
}

static void load_cpu(unsigned id)
{
	cpus[id].self = &cpus[id];
	cpus[id].id = id;
	wrmsr(MSR_GS_BASE, (uintptr_t)&cpus[id]);
	load_task_register(id);
}

void cpu_init_boot(void)
{
	load_cpu(0);
	cpus[0].online = true;
}

static volatile unsigned starting; /* the id for the CPU that starts now */

void rt_ap_start(void)
{
	struct cpu *cpu = &cpus[starting];

	trap_load();
	load_cpu(starting);
	lapic_use_x2(lapic_is_x2());
	lapic_init();
	cpu->apic_id = lapic_id();
	__atomic_store_n(&cpu->online, true, __ATOMIC_SEQ_CST);
	for (;;) {
		cli();
		if (!cpu->work) {
			__asm__ volatile("sti; hlt" ::: "memory");
			continue;
		}
		cpu->work(cpu->work_arg);
		__atomic_store_n(&cpu->work, NULL, __ATOMIC_SEQ_CST);
	}
}

/* APIC ids are taken to be 0..count-1, as QEMU's and our own VMs have them. The second start-up
 * IPI is for a CPU that missed the first. */
static void start_one(unsigned id)
{
	struct wait wait = { 0 };

	starting = id;
	ap_stack = (uintptr_t)stacks[id] + STACK_SIZE;
	lapic_ipi(id, ICR_INIT | ICR_ASSERT);
	delay_us(10000);
	lapic_ipi(id, ICR_SIPI | ICR_ASSERT | AP_START >> 12);
	delay_us(200);
	if (!cpus[id].online)
		lapic_ipi(id, ICR_SIPI | ICR_ASSERT | AP_START >> 12);
	while (!cpus[id].online)
		wait_more(&wait, "start of a CPU");
}

unsigned smp_start(unsigned count)
{
	memcpy((void *)AP_START, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	cpus[0].apic_id = lapic_id();
	while (nr_online < MIN(count, (unsigned)CPUS_MAX))
		start_one(nr_online++);
	return nr_online;
}

void cpu_restart(unsigned id)
{
	__atomic_store_n(&cpus[id].online, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpus[id].work, NULL, __ATOMIC_SEQ_CST);
	start_one(id);
}

void cpu_run(unsigned id, void (*fn)(void *arg), void *arg)
{
	cpus[id].work_arg = arg;
	__atomic_store_n(&cpus[id].work, fn, __ATOMIC_SEQ_CST);
	lapic_ipi(cpus[id].apic_id, ICR_FIXED | ICR_ASSERT | WAKE_VECTOR);
}

void cpu_wait(unsigned id)
{
	struct wait wait = { 0 };

	while (cpus[id].work)
		wait_more(&wait, "a CPU's end");
}
