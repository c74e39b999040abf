/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What test guests share: start, output, exceptions, interrupt controllers, other CPUs, clocks.
 *
 * Contract: a guest defines guest_name and guest_main(), which runs on the boot CPU in long mode at
 * CPL 0, interrupts off, all interrupt lines masked, the first 4 GiB mapped one to one. It says
 * what it found with check(), and ends with the exit code (port 0xf4): GUEST_OK when all checks
 * passed, GUEST_FAILED when one did not, GUEST_DIED after an exception nobody caught. No locks:
 * only the boot CPU prints and checks.
 */
#pragma once

#include "lib/types.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "tests/guests/rt/layout.h"

#define GUEST_OK     0
#define GUEST_FAILED 1
#define GUEST_DIED   2

extern const char guest_name[];
void guest_main(void);

/* ---- output and end ---- */

void serial_init(void); /* COM1, also after something else was done to it */
void print(const char *format, ...) __printf_like(1, 2);
/* `PASS name`, or `FAIL name: why`; returns `ok`. */
bool check(bool ok, const char *name, const char *why, ...) __printf_like(3, 4);
#define CHECK_EQ(name, got, want)                                            \
	({                                                                   \
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);   \
		check(got_ == want_, name, "0x%lx, not 0x%lx", got_, want_); \
	})
void __noreturn guest_exit(uint32_t code);

/* ---- what the loader and fw_cfg say ---- */

struct memory_range {
	uint64_t start, size;
	uint32_t type; /* 1: RAM */
};
struct machine {
	char cmdline[1024];
	struct memory_range ranges[32];
	unsigned nr_ranges;
	unsigned nr_cpus;  /* fw_cfg; 1 without it */
	uint64_t ram_size; /* fw_cfg; 0 without it */
	bool has_fw_cfg, has_fw_cfg_dma;
};
extern struct machine machine;
/* The value of WORD=number on the command line, or `otherwise`. */
uint64_t option(const char *word, uint64_t otherwise);
/* Whether WORD=text is there. */
bool option_is(const char *word, const char *text);
bool fw_cfg_read(uint16_t item, void *to, uint32_t size);     /* through the port */
bool fw_cfg_read_dma(uint16_t item, void *to, uint32_t size); /* by DMA; false: refused */

/* ---- the CPU ---- */

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port) : "memory");
}
static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port) : "memory");
}
static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port) : "memory");
}
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline uint16_t inw(uint16_t port)
{
	uint16_t v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;
	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf)
			 : "memory");
	return r;
}
/* Whether the CPU is a hypervisor's that offers KVM's leaves; *base is their first. */
bool kvm_leaves(uint32_t *base);

#define CR_ACCESSORS(cr)                                                   \
	static inline uint64_t read_##cr(void)                             \
	{                                                                  \
		uint64_t v;                                                \
		__asm__ volatile("mov %%" #cr ", %0" : "=r"(v)::"memory"); \
		return v;                                                  \
	}                                                                  \
	static inline void write_##cr(uint64_t v)                          \
	{                                                                  \
		__asm__ volatile("mov %0, %%" #cr ::"r"(v) : "memory");    \
	}
CR_ACCESSORS(cr0)
CR_ACCESSORS(cr2)
CR_ACCESSORS(cr3)
CR_ACCESSORS(cr4)
CR_ACCESSORS(cr8)

static inline void sti(void)
{
	__asm__ volatile("sti" ::: "memory");
}
static inline void cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}
/* Interrupts on, sleep until one has come, interrupts off. */
static inline void wait_for_interrupt(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}
static inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}
static inline void invlpg(const void *p)
{
	__asm__ volatile("invlpg (%0)" ::"r"(p) : "memory");
}
static inline uint64_t read_flags(void)
{
	uint64_t v;
	__asm__ volatile("pushfq; popq %0" : "=r"(v)::"memory");
	return v;
}

#define MSR_TSC          0x10
#define MSR_APIC_BASE    0x1b
#define MSR_TSC_ADJUST   0x3b
#define MSR_PAT          0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800
#define MSR_EFER         0xc0000080
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_SFMASK       0xc0000084
#define MSR_FS_BASE      0xc0000100
#define MSR_GS_BASE      0xc0000101
#define MSR_KERNEL_GS    0xc0000102

#define EFER_SCE  BIT(0)
#define EFER_LME  BIT(8)
#define EFER_LMA  BIT(10)
#define EFER_NXE  BIT(11)
#define EFER_SVME BIT(12)
#define CR0_PG    BIT(31)
#define CR0_WP    BIT(16)
#define FLAG_TF   BIT(8)
#define FLAG_IF   BIT(9)

/* ---- exceptions and interrupts ---- */

#define EXC_DE   0
#define EXC_DB   1
#define EXC_NMI  2
#define EXC_BP   3
#define EXC_UD   6
#define EXC_NM   7
#define EXC_DF   8
#define EXC_TS   10
#define EXC_NP   11
#define EXC_SS   12
#define EXC_GP   13
#define EXC_PF   14
#define EXC_NONE (-1)

struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
typedef void (*trap_fn)(struct frame *frame);

/* Handle `vector` on all CPUs; NULL: exceptions end the guest, interrupts are counted only. */
void set_handler(uint8_t vector, trap_fn fn);
/* How often each vector came, on all CPUs. */
extern volatile uint32_t vector_count[256];

struct fault {
	uint64_t error, cr2, rip;
};
/*
 * Call fn(arg). EXC_NONE, or the vector of the first exception that it ran into; then *fault (may
 * be NULL) has the details, and the flags of fn's caller are in force.
 */
int catch (void (*fn)(void *arg), void *arg, struct fault *fault);
/* One instruction that may fault. */
int catch_rdmsr(uint32_t msr, uint64_t *value);
int catch_wrmsr(uint32_t msr, uint64_t value);
int catch_read(const volatile void *address);
int catch_write(volatile void *address);
int catch_run(const void *code); /* calls it */

/* Load this CPU's task register with a TSS of its own; *ist0 of it may be set before use. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, io_map;
} __packed;
extern struct tss tss[CPUS_MAX];
void set_gate_ist(uint8_t vector, unsigned ist);
void set_gate_user(uint8_t vector);

/* ---- ring 3, on the boot CPU ---- */

/* 2 MiB that are ring 3's: code from its start, stack below 4 KiB. */
#define USER_PAGE  0x200000ull
#define USER_LEAVE 0x78 /* INT of it ends user_run */
void user_init(void);
/* The 2 MiB around an address below 4 GiB become ring 3's too. */
void user_map(uint64_t address);
/*
 * Run a copy of `code` at CPL 3 with RFLAGS `flags`. EXC_NONE: it has left, with its registers in
 * *end; else the vector of the exception that ended it, details in *fault (may be NULL). Interrupts
 * are off then.
 */
int user_run(const void *code, size_t size, uint64_t flags, struct frame *end, struct fault *fault);

/* ---- interrupt controllers ---- */

#define PIC_BASE 0x20 /* vectors of the PICs' 16 lines */

void pic_init(void); /* vectors from PIC_BASE, all lines masked */
void pic_mask(unsigned irq, bool masked);
void pic_eoi(unsigned irq);

#define LAPIC_ID    0x020
#define LAPIC_VER   0x030
#define LAPIC_TPR   0x080
#define LAPIC_PPR   0x0a0
#define LAPIC_EOI   0x0b0
#define LAPIC_LDR   0x0d0
#define LAPIC_DFR   0x0e0
#define LAPIC_SVR   0x0f0
#define LAPIC_ISR   0x100
#define LAPIC_TMR   0x180
#define LAPIC_IRR   0x200
#define LAPIC_ESR   0x280
#define LAPIC_ICR   0x300
#define LAPIC_ICR2  0x310
#define LAPIC_TIMER 0x320
#define LAPIC_LINT0 0x350
#define LAPIC_LINT1 0x360
#define LAPIC_TMICT 0x380
#define LAPIC_TMCCT 0x390
#define LAPIC_TDCR  0x3e0

#define ICR_FIXED   0x000
#define ICR_NMI     0x400
#define ICR_INIT    0x500
#define ICR_SIPI    0x600
#define ICR_LOGICAL 0x800
#define ICR_ASSERT  0x4000
#define ICR_SELF    0x40000
#define ICR_ALL     0x80000
#define ICR_OTHERS  0xc0000

#define TIMER_PERIODIC BIT(17)
#define TIMER_DEADLINE BIT(18)
#define LVT_MASKED     BIT(16)
#define LVT_EXTINT     0x700
#define SPURIOUS       0xff

void lapic_init(void); /* this CPU's: software-enabled, LVT masked; LINT0 of the boot CPU: ExtINT */
void lapic_use_x2(bool); /* xAPIC or x2APIC from now on, on this CPU and on those started later */
bool lapic_is_x2(void);
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t v);
void lapic_eoi(void);
void lapic_ipi(uint32_t apic_id, uint32_t command);
uint32_t lapic_id(void);

#define IOAPIC_PINS 24
uint32_t ioapic_read(unsigned reg);
void ioapic_write(unsigned reg, uint32_t v);
void ioapic_route(unsigned pin, uint64_t entry); /* the whole redirection entry */
#define IOAPIC_MASKED BIT(16)
#define IOAPIC_LEVEL  BIT(15)
#define IOAPIC_LOW    BIT(13)

/* ---- other CPUs ---- */

/* Per CPU, reached through GS; private to the CPU except where it says otherwise. */
struct cpu {
	struct cpu *self;
	unsigned id;
	uint32_t apic_id;
	uint64_t *catching; /* where catch() saved RSP; NULL: nobody catches */
	struct fault *fault;
	void (*volatile work)(void *); /* given by the boot CPU; NULL: idle */
	void *volatile work_arg;
	volatile bool online;
	volatile uint64_t counter; /* for guests */
};
extern struct cpu cpus[CPUS_MAX];
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;
	__asm__("movq %%gs:0, %0" : "=r"(c));
	return c;
}
/* Start up to `count` CPUs in all (the boot CPU is one); how many are online. */
unsigned smp_start(unsigned count);
/* INIT and start-up to one that is online, whatever it does; its work is forgotten. */
void cpu_restart(unsigned cpu);
/* Run fn(arg) on a CPU; cpu_wait until it has ended. */
void cpu_run(unsigned cpu, void (*fn)(void *arg), void *arg);
void cpu_wait(unsigned cpu);

/* ---- time ---- */

#define PIT_HZ      1193182u
#define PM_TIMER    0x608
#define PM_TIMER_HZ 3579545u

uint64_t tsc_hz(void); /* measured against the PM timer, once */
/* A clock's value and the TSC of the same moment, to half a millisecond where the host lets us. */
struct moment {
	uint64_t tsc;
	uint32_t value;
};
struct moment moment_of(uint32_t (*read)(void));
uint32_t pm_ticks(void); /* 24 bits */
void delay_us(uint64_t us);
void pit_periodic(uint16_t count); /* channel 0, mode 2 */
void pit_oneshot(uint16_t count);  /* channel 0, mode 0 */
uint16_t pit_read(void);
/*
 * Wait until *counter >= want, with interrupts on. Without a limit, as cpu_wait, since no time is
 * right for every host: what never comes is for whoever watches the guest to give up on. A wait
 * that takes long says on the console what it is for.
 */
void wait_count(const char *name, const volatile uint32_t *counter, uint32_t want);
