// SPDX-License-Identifier: GPL-2.0-or-later
// One pair of accessors hides the two register files: a page of device memory (xAPIC) or MSRs
// (x2APIC). The mode is decided once, on the boot CPU; every CPU then enters the same one. Manual:
// AMD APM 2, "Advanced Programmable Interrupt Controller".
#include "cpu/lapic.h"

#include "cpu/intr.h"
#include "cpu/lapic_timer.h"
#include "cpu/log.h"
#include "cpu/msr.h"

#define APIC_BASE_X2APIC (1ull << 10)
#define APIC_BASE_ENABLE (1ull << 11)
#define APIC_BASE_PAGE   0x000ffffffffff000ull

#define REG_ID        0x020
#define REG_TPR       0x080
#define REG_EOI       0x0b0
#define REG_SVR       0x0f0
#define REG_ESR       0x280
#define REG_ICR       0x300
#define REG_ICR_HI    0x310
#define REG_LVT_LINT0 0x350
#define REG_LVT_LINT1 0x360
#define REG_LVT_ERROR 0x370

#define SVR_ENABLE  (1u << 8)
#define LVT_MASKED  (1u << 16)
#define MODE_NMI    (4u << 8)
#define MODE_INIT   (5u << 8)
#define MODE_START  (6u << 8)
#define ICR_PENDING (1u << 12)
#define ICR_ASSERT  (1u << 14)
#define ICR_SPINS   1000000u

#define MSR_X2APIC(reg) (0x800 + (reg) / 16)

#define CPUID_1_ECX_X2APIC (1u << 21)

static bool x2apic;                 /* [I] */
static bool started;                /* [I] the boot CPU's is in use */
static volatile uint8_t *registers; /* [I] xAPIC */

uint32_t lapic_read(uint32_t reg)
{
	if (x2apic)
		return (uint32_t)msr_read(MSR_X2APIC(reg));
	return *(volatile uint32_t *)(registers + reg);
}

void lapic_write(uint32_t reg, uint32_t value)
{
	if (x2apic)
		msr_write(MSR_X2APIC(reg), value);
	else
		*(volatile uint32_t *)(registers + reg) = value;
}

phys_t lapic_choose(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	x2apic = (base & APIC_BASE_X2APIC) || (cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC);
	return x2apic ? 0 : base & APIC_BASE_PAGE;
}

void lapic_set_registers(volatile void *page)
{
	registers = page;
}

static void enter_mode(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	/* Off to x2APIC takes two steps: APM 2, "x2APIC Mode Initialization". */
	if (!(base & APIC_BASE_ENABLE)) {
		base |= APIC_BASE_ENABLE;
		msr_write(MSR_APIC_BASE, base);
	}
	if (x2apic && !(base & APIC_BASE_X2APIC))
		msr_write(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

void lapic_init(void)
{
	ASSERT(x2apic || registers);
	enter_mode();
	lapic_write(REG_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(REG_TPR, 0);
	lapic_write(REG_LVT_LINT0, LVT_MASKED);
	lapic_write(REG_LVT_LINT1, MODE_NMI);
	lapic_write(REG_LVT_ERROR, LVT_MASKED);
	lapic_timer_init();
	started = true;
}

uint32_t lapic_id(void)
{
	struct cpuid basic = cpuid(0, 0), topology;

	/* Leaf 0xb has all 32 bits, if it is filled in. */
	if (basic.eax >= 0xb) {
		topology = cpuid(0xb, 0);
		if (topology.ebx)
			return topology.edx;
	}
	return cpuid(1, 0).ebx >> 24;
}

bool lapic_is_x2apic(void)
{
	return x2apic;
}

bool lapic_reaches(uint32_t apic_id)
{
	return x2apic ? apic_id != UINT32_MAX : apic_id < 255;
}

void lapic_eoi(void)
{
	lapic_write(REG_EOI, 0);
}

/* The xAPIC's ICR takes the next command when it has sent the last. */
static void wait_idle(void)
{
	for (unsigned i = 0; lapic_read(REG_ICR) & ICR_PENDING; i++) {
		ASSERT(i < ICR_SPINS);
		cpu_relax();
	}
}

static void send(uint32_t apic_id, uint32_t command)
{
	/* What the receiver is to see must be visible before: the MSR write does not order it. */
	__asm__ volatile("mfence; lfence" : : : "memory");
	if (x2apic) {
		msr_write(MSR_X2APIC(REG_ICR), (uint64_t)apic_id << 32 | command);
		return;
	}
	wait_idle();
	lapic_write(REG_ICR_HI, apic_id << 24);
	lapic_write(REG_ICR, command);
}

void lapic_send_ipi(uint32_t apic_id, uint8_t vector)
{
	send(apic_id, ICR_ASSERT | vector);
}

void lapic_send_nmi(uint32_t apic_id)
{
	send(apic_id, ICR_ASSERT | MODE_NMI);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_ASSERT | MODE_INIT);
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
	send(apic_id, ICR_ASSERT | MODE_START | page);
}

void lapic_stop_others(void)
{
	if (!started)
		return;
	cpu_for_each (id) {
		if (!cpu_id_eq(id, this_cpu_id()))
			lapic_send_nmi(cpu_get(id)->apic_id);
	}
}
