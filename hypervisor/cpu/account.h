/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each CPU spends its time on. Whoever crosses a boundary says what begins; the time since the
 * last boundary goes to what was before. Cheap enough for every entry from ring 3.
 */
#pragma once

#include "cpu/cpu.h"

enum cpu_time {
	CPU_TIME_IDLE,
	CPU_TIME_KERNEL,
	CPU_TIME_USER,
	CPU_TIME_GUEST,
	CPU_TIME_COUNT
};

/* Each CPU, once, before anything else here: its time begins now, in the kernel. */
void cpu_account_start(void);

/* Own CPU, interrupts off: from now on its time is of this kind. Now. */
static inline uint64_t cpu_account_enter(enum cpu_time kind)
{
	struct cpu_account_state *a = &this_cpu()->account;
	uint64_t now = __builtin_ia32_rdtsc();

	WRITE_ONCE(a->tsc[a->kind], a->tsc[a->kind] + now);
	WRITE_ONCE(a->tsc[kind], a->tsc[kind] - now);
	WRITE_ONCE(a->kind, kind);
	WRITE_ONCE(a->since, now);
	return now;
}

#define ACCOUNT_OFFSET(field) __builtin_offsetof(struct cpu, account.field)

/* The same for constants, where it is certain what the time was spent on until now: on the way of
 * every system call and exit, so in as few instructions as can be. */
#define cpu_account_switch(from, to)                                                        \
	({                                                                                  \
		uint64_t account_now = __builtin_ia32_rdtsc();                              \
                                                                                            \
		__asm__ volatile("addq %0, %%gs:%c1\n\t"                                    \
				 "subq %0, %%gs:%c2\n\t"                                    \
				 "movl %3, %%gs:%c4\n\t"                                    \
				 "movq %0, %%gs:%c5"                                        \
				 :                                                          \
				 : "r"(account_now), "i"(ACCOUNT_OFFSET(tsc) + 8 * (from)), \
				   "i"(ACCOUNT_OFFSET(tsc) + 8 * (to)), "i"(to),            \
				   "i"(ACCOUNT_OFFSET(kind)), "i"(ACCOUNT_OFFSET(since))    \
				 : "cc", "memory");                                         \
		account_now;                                                                \
	})

/* When the current kind of time began, on this CPU. */
static inline uint64_t cpu_account_since(void)
{
	uint64_t since;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(since) : "i"(ACCOUNT_OFFSET(since)));
	return since;
}

/* What a CPU does now, and since which TSC value; racy. Any context. */
static inline enum cpu_time cpu_account_kind(cpu_id_t cpu, uint64_t *since)
{
	const struct cpu_account_state *a = &cpu_get(cpu)->account;

	*since = __atomic_load_n(&a->since, __ATOMIC_ACQUIRE);
	return (enum cpu_time)__atomic_load_n(&a->kind, __ATOMIC_RELAXED);
}

/* TSC ticks of each kind up to now, of any CPU, any context. */
void cpu_account_read(cpu_id_t cpu, uint64_t tsc[CPU_TIME_COUNT]);
