// SPDX-License-Identifier: GPL-2.0-or-later
// The logical log of the debug image (lock/llog.h): memory for its rings, and its end, at which all
// CPUs stand still together, so that no event has a cause that is behind the end.
#include "boot/init.h"
#include "boot/words.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "lock/llog.h"
#include "mem/page.h"
#include "thread/thread.h"

#ifdef CONFIG_LLOG

_Static_assert(LLOG_BYTES == PAGE_SIZE << LLOG_ORDER, "the rings are one block");

void boot_init_llog(const struct boot_info *info)
{
	phys_t pa;

	if (!boot_word_find(info->cmdline, "llog", NULL))
		return;
	pa = page_alloc(kernel_container, LLOG_ORDER, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	if (!pa)
		fatal("no memory for the rings of the logical log");
	log_info("llog: rings at %#llx", (unsigned long long)pa);
	llog_start(phys_to_virt(pa));
}

static void nothing(void *arg)
{
	(void)arg;
}

/* What is on its way to a CPU arrives before the end of a thread that is sent there now. */
static void flush_inbox(cpu_id_t cpu)
{
	const struct thread_args args = {
		.name = "llog",
		.entry = nothing,
		.container = kernel_container,
		.cpu = cpu,
		.pinned = true,
	};
	struct thread *t = thread_create(&args);

	if (!t)
		return;
	thread_start(t);
	thread_join(t);
	thread_put(t);
}

static void end_here(void *arrived)
{
	llog_write(LLOG_END, 0, 0, cpu_count(), 0, 0);
	__atomic_fetch_add((unsigned *)arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n((unsigned *)arrived, __ATOMIC_SEQ_CST) < cpu_count())
		cpu_relax();
}

void boot_end_llog(void)
{
	static unsigned arrived; /* [a] CPUs that have written their last event */
	struct cpu_set all = { 0 };

	if (!llog_on)
		return;
	cpu_for_each (id)
		flush_inbox(id);
	cpu_for_each (id)
		cpu_set_add(&all, id);
	ipi_call(&all, end_here, &arrived);
	llog_on = false;
}

#else

void boot_init_llog(const struct boot_info *info)
{
	(void)info;
}

void boot_end_llog(void)
{
}

#endif
