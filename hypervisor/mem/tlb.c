// SPDX-License-Identifier: GPL-2.0-or-later
// A flush runs a function on the CPUs concerned and waits for them. Few pages are invalidated one
// by one; for more it is cheaper to drop everything: reloading CR3 for user addresses, toggling
// CR4.PGE for the kernel's global ones.
#include "mem/tlb.h"

#include "cpu/msr.h"
#include "lib/types.h"
#include "lock/lock.h"
#include "mem/page.h"

#define CR4_PGE    (1ull << 7)
#define SINGLE_MAX (32 * PAGE_SIZE)

struct flush {
	uint64_t root; /* 0: kernel addresses */
	uint64_t va, size;
};

static void flush_user(void)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(read_cr3()) : "memory");
}

static void flush_all(void)
{
	uint64_t cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4 & ~CR4_PGE) : "memory");
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
	if (!(cr4 & CR4_PGE))
		flush_user();
}

static void flush_pages(uint64_t va, uint64_t size)
{
	for (uint64_t at = va; at < va + size; at += PAGE_SIZE)
		__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
}

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	/* A CPU that left the address space since has flushed it by loading another CR3. */
	if (f->root && f->root != (read_cr3() & PAGE_MASK))
		return;
	if (f->size <= SINGLE_MAX)
		flush_pages(f->va, f->size);
	else if (f->root)
		flush_user();
	else
		flush_all();
}

void tlb_flush_set(const struct cpu_set *cpus, uint64_t root, uint64_t va, uint64_t size)
{
	struct flush f = { .root = root, .va = va, .size = size };

	lock_assert_none();
	ipi_call(cpus, flush_here, &f);
}

void tlb_flush_kernel(uint64_t va, uint64_t size)
{
	struct cpu_set all = { 0 };

	cpu_for_each (cpu)
		cpu_set_add(&all, cpu);
	tlb_flush_set(&all, 0, va, size);
}
