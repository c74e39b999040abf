/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs: identity, per-CPU data and the few instructions that everything needs.
 *
 * Per-CPU data is declared by the layer that owns it, in one of two kinds. Private data is touched
 * by its own CPU alone and needs no lock: cpu_private(name) has no CPU argument, so that nobody can
 * reach another CPU's. Public data may be touched by all, under the lock or with the atomics that
 * its own legend names.
 *
 * The kernel runs with interrupts off. They are taken in ring 3, in guest mode, in cpu_idle() and
 * in cpu_irq_window().
 */
#pragma once

#include "lib/types.h"

#define CPU_MAX 256

/* A physical CPU's number, 0..cpu_count()-1, 0 the boot CPU. A struct, so that it never mixes with
 * a vCPU's number. */
typedef struct cpu_id {
	uint16_t n;
} cpu_id_t;

#define CPU_ID(i)   ((cpu_id_t){ .n = (uint16_t)(i) })
#define CPU_ID_NONE CPU_ID(0xffff)

static inline bool cpu_id_eq(cpu_id_t a, cpu_id_t b)
{
	return a.n == b.n;
}

struct thread;

/* Of cpu/account.h. Locks: [o] owner CPU, read by all */
struct cpu_account_state {
	uint64_t start;  /* [I] TSC; with all of tsc[] it makes 0 */
	uint64_t since;  /* [o] TSC: when this kind began */
	uint64_t tsc[4]; /* [o] ticks by kind; of the one that runs less the TSC when it began */
	uint32_t kind;   /* [o] enum cpu_time: which that is */
};

/*
 * The head of every CPU's area; GS base points here in the kernel.
 * Locks: [I] immutable after start   [o] owner CPU only   [s] known offset, used by entry code
 */
struct cpu {
	struct cpu *self;       /* [I] [s] offset 0 */
	struct thread *current; /* [o] [s] offset 8: the running thread */
	uint64_t kernel_rsp;    /* [o] [s] offset 16: stack top for entries from ring 3 */
	uint64_t user_rsp;      /* [o] [s] offset 24: scratch of the SYSCALL entry */
	cpu_id_t id;            /* [I] */
	uint32_t apic_id;       /* [I] */
	uint32_t node;          /* [I] NUMA node number, dense */
	bool online;            /* [I] */
	uint32_t resched;       /* [o] [s] offset 48: set by thread/, not 0: see to threads before
				   going on in ring 3 or in a guest */
	struct cpu_account_state account; /* [o] */
	uint32_t core;                    /* [I] the same number: threads of one core */
	uint32_t package;                 /* [I] the same number: cores of one package */
	uint64_t exits;                   /* [o] of guests; read by all */
};

/* Own CPU's area. Any context. Volatile: a thread may be on another CPU after it has slept. */
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;
	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}

static inline cpu_id_t this_cpu_id(void)
{
	return this_cpu()->id;
}

/* Own CPU: a guest's exit has been taken. Once for each, where it is dispatched; one instruction.
 */
static inline void cpu_count_exit(void)
{
	__asm__ volatile("incq %%gs:%c0"
			 :
			 : "i"(__builtin_offsetof(struct cpu, exits))
			 : "cc", "memory");
}

unsigned cpu_count(void);         /* CPUs that are online, numbered densely from 0 */
struct cpu *cpu_get(cpu_id_t id); /* id must be below cpu_count() */

#define cpu_for_each(id) for (cpu_id_t id = CPU_ID(0); (id).n < cpu_count(); (id).n++)

/*
 * Per-CPU variables: `DEFINE_CPU_PRIVATE(struct runqueue, runqueue);` in one .c file. They start as
 * zeros on each CPU. The addresses are offsets into an area that is copied for each CPU, so never
 * touch the variable by its bare name.
 */
#define DEFINE_CPU_PRIVATE(type, name) \
	static __attribute__((section(".percpu"), used, aligned(64))) type percpu_##name
#define DEFINE_CPU_PUBLIC(type, name) DEFINE_CPU_PRIVATE(type, name)
extern char __percpu_start[];
#define cpu_offset_of(name) ((uintptr_t)&percpu_##name - (uintptr_t)__percpu_start)
#define cpu_private(name)   ((__typeof__(percpu_##name) *)((char *)this_cpu() + cpu_offset_of(name)))
#define cpu_public(name, cpu) \
	((__typeof__(percpu_##name) *)((char *)cpu_get(cpu) + cpu_offset_of(name)))

/* Bytes of one CPU's area (struct cpu and all per-CPU variables), a multiple of 4096. */
size_t cpu_area_size(void);

/*
 * Sets up CPU `id` on itself: per-CPU area at `area` (cpu_area_size() bytes, zeroed, never freed;
 * the boot CPU's is static), GDT, TSS with own stacks for NMI, double fault and machine check, IDT,
 * SYSCALL MSRs, CR0/CR4/EFER with every protection the CPU offers (NX, SMEP, SMAP, UMIP), XCR0,
 * PAT. Interrupts off. Called by boot, once per CPU.
 */
void cpu_init_boot(uint32_t apic_id);
void cpu_init_secondary(void *area, uint32_t apic_id);

/* Where entries from ring 3 on this CPU put their frame: a stack's top, 16-byte aligned. Called by
 * the thread switch. */
void cpu_set_kernel_stack(void *top);

/* Reserves a number for a CPU that boot is about to start; called by boot on the boot CPU. */
void cpu_set_node(cpu_id_t id, uint32_t node);

extern bool cpu_has_smap; /* SMAP is on: STAC and CLAC exist */

/* ---- interrupt state ---- */

static inline bool cpu_irqs_on(void)
{
	uint64_t flags;
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags & (1u << 9);
}

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/* Takes what interrupts are pending: sti; nop; cli. Only with no lock held, in thread context. */
void cpu_irq_window(void);

/* Halts with interrupts on until one comes (sti; hlt; cli). Only the idle thread, with its checks
 * done before. */
void cpu_idle(void);

/* Stops this CPU for good, interrupts off. */
__noreturn void cpu_halt(void);
