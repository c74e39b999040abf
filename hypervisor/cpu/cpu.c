// SPDX-License-Identifier: GPL-2.0-or-later
// Brings a CPU into the state that the kernel runs in: its area behind GS, its own GDT and TSS with
// stacks for NMI, #DF and #MC, the common IDT, and every protection that the CPU offers. WRGSBASE
// is on for the world switch, and so in ring 3, whose GS base therefore says nothing: entry.S.
#include "cpu/cpu.h"

#include "cpu/fpu.h"
#include "cpu/identify.h"
#include "cpu/intr.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/segment.h"
#include "lib/string.h"

#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)

#define CR4_MCE      (1ull << 6)
#define CR4_UMIP     (1ull << 11)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_SMEP     (1ull << 20)
#define CR4_SMAP     (1ull << 21)

#define CPUID_7_EBX_FSGSBASE (1u << 0)
#define CPUID_7_EBX_SMEP     (1u << 7)
#define CPUID_7_EBX_SMAP     (1u << 20)
#define CPUID_7_ECX_UMIP     (1u << 2)

/* The boot CPU's area is the place that the linker gave the per-CPU variables. */
extern char __percpu_end[];
static struct cpu boot_head __attribute__((section(".percpu.head"), used));
static struct cpu *cpus[CPU_MAX]; /* [I] set by each CPU before it counts */
static uint32_t nodes[CPU_MAX];   /* [I] set by boot before a CPU starts */
static uint32_t online;           /* [a] */
bool cpu_has_smap;                /* immutable after start */

unsigned cpu_count(void)
{
	return __atomic_load_n(&online, __ATOMIC_ACQUIRE);
}

struct cpu *cpu_get(cpu_id_t id)
{
	DEBUG_ASSERT(id.n < cpu_count());
	return cpus[id.n];
}

size_t cpu_area_size(void)
{
	return (size_t)(__percpu_end - __percpu_start);
}

void cpu_set_node(cpu_id_t id, uint32_t node)
{
	nodes[id.n] = node;
	if (id.n < cpu_count())
		cpus[id.n]->node = node;
}

static uint64_t offered(void)
{
	uint64_t cr4 = 0;

	if (cpuid(0, 0).eax < 7)
		return 0;
	struct cpuid f = cpuid(7, 0);
	cr4 |= f.ebx & CPUID_7_EBX_SMEP ? CR4_SMEP : 0;
	cr4 |= f.ebx & CPUID_7_EBX_SMAP ? CR4_SMAP : 0;
	cr4 |= f.ecx & CPUID_7_ECX_UMIP ? CR4_UMIP : 0;
	cr4 |= f.ebx & CPUID_7_EBX_FSGSBASE ? CR4_FSGSBASE : 0;
	return cr4;
}

static void set_control_registers(void)
{
	uint64_t cr0, cr4;

	__asm__ volatile("movq %%cr0, %0; movq %%cr4, %1" : "=r"(cr0), "=r"(cr4));
	cr0 = (cr0 | CR0_WP | CR0_NE | CR0_MP) & ~(CR0_EM | CR0_TS);
	cr4 |= offered() | CR4_MCE;
	cpu_has_smap = cr4 & CR4_SMAP;
	__asm__ volatile("movq %0, %%cr0; movq %1, %%cr4" : : "r"(cr0), "r"(cr4) : "memory");
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE);
}

static void init_on(struct cpu *c, uint32_t apic_id, cpu_id_t id)
{
	struct cpu_id_bits bits = cpu_id_bits(cpuid);

	c->self = c;
	c->id = id;
	c->apic_id = apic_id;
	c->core = apic_id >> bits.thread;
	c->package = apic_id >> bits.package;
	c->node = nodes[id.n];
	c->online = true;
	msr_write(MSR_GS_BASE, (uint64_t)c);
	segment_init();
	msr_write(MSR_GS_BASE, (uint64_t)c); /* loading selectors has cleared it */
	set_control_registers();
	intr_init_cpu();
	fpu_init_cpu();
	cpus[id.n] = c;
	__atomic_store_n(&online, id.n + 1u, __ATOMIC_RELEASE);
}

void cpu_init_boot(uint32_t apic_id)
{
	idt_init(false);
	init_on(&boot_head, apic_id, CPU_ID(0));
}

/* CPUs start one after the other, so the next number is the count. */
void cpu_init_secondary(void *area, uint32_t apic_id)
{
	init_on(area, apic_id, CPU_ID(cpu_count()));
}

void cpu_irq_window(void)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

void cpu_idle(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
