// SPDX-License-Identifier: GPL-2.0-or-later
// Physical memory for host tests: a large reservation of address space, of which only RAM (and the
// page structs of sections with RAM) can be accessed, so that a touch of anything else ends the
// test.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "cpu/log.h"
#include "mem/page_struct.h"
#include "tests/host/host.h"

uintptr_t host_direct_map_base;
uintptr_t host_page_structs_base;

static uintptr_t reserve(uint64_t size)
{
	void *p = mmap(NULL, size + GiB(1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return ALIGN_UP((uintptr_t)p, GiB(1));
}

static void make_accessible(uintptr_t address, uint64_t size)
{
	if (mprotect((void *)address, size, PROT_READ | PROT_WRITE) != 0) {
		perror("mprotect");
		abort();
	}
}

static void add_structs(phys_t base, uint64_t size)
{
	for (phys_t pa = ALIGN_DOWN(base, SECTION_SIZE); pa < base + size; pa += SECTION_SIZE) {
		make_accessible((uintptr_t)page_of(pa), MiB(2));
		zone_add_section(pa);
	}
}

void host_memory_init(const struct mem_range *ram, unsigned nr)
{
	phys_t end = 0;
	uint64_t total = 0;

	for (unsigned i = 0; i < nr; i++) {
		end = MAX(end, ram[i].base + ram[i].size);
		total += ram[i].size;
	}
	host_direct_map_base = reserve(end);
	host_page_structs_base = reserve(ALIGN_UP(end, GiB(1)) / PAGE_SIZE * sizeof(struct page));
	container_set_root_limit(total);
	page_set_fixed(total, 0, 0, 0);
	for (unsigned i = 0; i < nr; i++) {
		make_accessible(host_direct_map_base + ram[i].base, ram[i].size);
		add_structs(ram[i].base, ram[i].size);
	}
	for (unsigned i = 0; i < nr; i++)
		zone_add(ram[i].base, ram[i].size, ram[i].node < 0 ? 0 : (unsigned)ram[i].node);
}

void host_machine_init(void)
{
	static const struct mem_range ram[] = {
		{ KiB(64), KiB(572), 0 },
		{ MiB(1), MiB(700), 0 },
		{ GiB(4), GiB(3), 0 },
		{ GiB(7), GiB(2) + MiB(6), 1 },
		{ GiB(12) + SECTION_SIZE, SECTION_SIZE, 0 }, /* its buddy has no page structs */
	};

	host_cpu_init(4);
	host_cpu_set_node(2, 1);
	host_cpu_set_node(3, 1);
	host_memory_init(ram, ARRAY_SIZE(ram));
}

static void drain(void *arg)
{
	(void)arg;
	page_drain_cache();
}

struct mem_stats host_memory_stats(void)
{
	struct mem_stats s;
	uint64_t used = 0;

	host_run_on_cpus(cpu_count(), drain, NULL);
	mem_get_stats(&s);
	for (unsigned use = 0; use < PAGE_USE_COUNT; use++)
		used += s.use[use];
	ASSERT(s.cached == 0 && s.use[PAGE_FREE] == 0);
	ASSERT(s.total == s.free + used + s.page_structs + s.reserved);
	ASSERT(zone_check());
	return s;
}
