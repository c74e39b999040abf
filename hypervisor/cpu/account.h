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

	/* In this order: see cpu_account_read. */
	WRITE_ONCE(a->tsc[a->kind], a->tsc[a->kind] + now - a->since);
	WRITE_ONCE(a->kind, kind);
	WRITE_ONCE(a->since, now);
	return now;
}

/* The same, where it is certain what the time was spent on until now. */
static inline uint64_t cpu_account_switch(enum cpu_time from, enum cpu_time to)
{
	struct cpu_account_state *a = &this_cpu()->account;
	uint64_t now = __builtin_ia32_rdtsc();

	WRITE_ONCE(a->tsc[from], a->tsc[from] + now - a->since);
	WRITE_ONCE(a->kind, to);
	WRITE_ONCE(a->since, now);
	return now;
}

/* When the current kind of time began, on this CPU. */
static inline uint64_t cpu_account_since(void)
{
	return this_cpu()->account.since;
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
