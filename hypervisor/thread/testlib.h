/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the self-tests of thread/ share. Debug image only. */
#pragma once

#include "cpu/msr.h"
#include "cpu/selftest.h"
#include "cpu/time.h"
#include "thread/thread.h"

/* A started thread with a reference for the caller; test_end joins and drops it. */
static inline struct thread *test_start(const char *name, void (*entry)(void *), void *arg,
					cpu_id_t cpu, bool pinned)
{
	const struct thread_args args = {
		.name = name,
		.entry = entry,
		.arg = arg,
		.container = kernel_container,
		.cpu = cpu,
		.pinned = pinned,
	};
	struct thread *t = thread_create(&args);

	ASSERT(t);
	thread_start(t);
	return t;
}

static inline void test_end(struct thread *t)
{
	thread_join(t);
	thread_put(t);
}

/* Works for ns of real time without giving way. */
static inline void test_burn(uint64_t ns)
{
	uint64_t end = time_now() + ns;

	while (time_now() < end)
		cpu_relax();
}

static inline uint64_t test_msr(uint32_t msr)
{
	return msr_read(msr);
}

/* The last CPU: another one where there are two. */
static inline cpu_id_t test_far_cpu(void)
{
	return CPU_ID(cpu_count() - 1);
}
