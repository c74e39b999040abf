/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system-call table. Layers register const rows at start: proc its Linux and native calls,
 * virt/ the VM calls. A call runs on the caller's kernel stack with no lock held, may sleep, and
 * returns a value or -errno. trap/ has the entry lead to syscall_enter.
 */
#pragma once

#include "cpu/intr.h"
#include "lib/types.h"

/* Where the entry has saved them, in the frame. */
struct syscall_args {
	uint64_t arg[6];
};

static inline struct trap_frame *syscall_frame(const struct syscall_args *a)
{
	return container_of(a, struct trap_frame, rdi);
}

typedef int64_t (*syscall_fn)(const struct syscall_args *a);

struct syscall_row {
	uint32_t nr; /* below SYSCALL_LINUX_END, or STRATA_SYS_BASE.. */
	const char *name;
	syscall_fn call;
};

struct syscall_table {
	const struct syscall_row *rows;
	unsigned int count;
};

/* Start only. A number that is taken already is a bug (asserted). */
void syscall_register(const struct syscall_table *table);

/* Performs the call that *frame asks for and puts its result into frame->rax. */
void syscall_dispatch(struct trap_frame *frame);
/* The same, as the entry from ring 3 does it. */
void syscall_enter(struct trap_frame *frame);
/* Whether calls go into the CPUs' rings when they return (cpu/tracing.h, which has them then):
 * another function is entered for that. Any context. */
void syscall_trace(bool on);

/* The registered call number `index` counting from 0, with how often it was made on all CPUs. False
 * past the last. */
bool syscall_stat(unsigned int index, const char **name, uint64_t *count);
