/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC (xAPIC or x2APIC, chosen at boot) and inter-processor interrupts.
 *
 * ipi_call() runs a function on other CPUs and waits until all have run it. It may wait only with
 * no lock held; while it waits it serves calls that others sent to this CPU, so two callers never
 * wait for each other.
 */
#pragma once

#include "cpu/cpu.h"

/*
 * Boot CPU, once: decides between xAPIC and x2APIC. Returns the physical address of the xAPIC's
 * register page, which must then be given to lapic_set_registers as device memory; 0: x2APIC.
 */
phys_t lapic_choose(void);
void lapic_set_registers(volatile void *page);

/* Each CPU, after lapic_choose and, on the boot CPU, time_init. */
void lapic_init(void);

uint32_t lapic_id(void); /* of this CPU, by CPUID; any time */
/* Can IPIs be sent to this id? The xAPIC has 8 bits. */
bool lapic_reaches(uint32_t apic_id);
void lapic_eoi(void);
bool lapic_is_x2apic(void);
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
void lapic_send_nmi(uint32_t apic_id);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t page);
/* NMI to all other CPUs, for a panic: their handler finds panic_in_progress(). */
void lapic_stop_others(void);

/* A set of CPUs. */
struct cpu_set {
	uint64_t bits[CPU_MAX / 64];
};

static inline void cpu_set_add(struct cpu_set *s, cpu_id_t id)
{
	__atomic_fetch_or(&s->bits[id.n / 64], 1ull << (id.n % 64), __ATOMIC_SEQ_CST);
}

static inline void cpu_set_remove(struct cpu_set *s, cpu_id_t id)
{
	__atomic_fetch_and(&s->bits[id.n / 64], ~(1ull << (id.n % 64)), __ATOMIC_SEQ_CST);
}

static inline bool cpu_set_has(const struct cpu_set *s, cpu_id_t id)
{
	return (__atomic_load_n(&s->bits[id.n / 64], __ATOMIC_SEQ_CST) >> (id.n % 64)) & 1;
}

/*
 * Runs fn(arg) on every CPU of the set (this one too if it is in it), in interrupt context; returns
 * when all have. No lock held; fn makes no such call itself.
 */
void ipi_call(const struct cpu_set *cpus, void (*fn)(void *arg), void *arg);

/* Makes the CPU look at its inbox and its reschedule request: leaves guest mode, HLT and ring 3.
 * Any context. */
void ipi_wake(cpu_id_t cpu);
/* The same for this CPU: it leaves a guest that it enters. */
void ipi_wake_self(void);

/* Serves the calls that wait for this CPU: called by the IPI handler and by whoever spins for
 * another CPU. */
void ipi_serve(void);
