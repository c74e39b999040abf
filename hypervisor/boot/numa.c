// SPDX-License-Identifier: GPL-2.0-or-later
// Firmware numbers domains as it likes, with gaps; the kernel wants small dense numbers. A piece of
// RAM ends where the map's entry ends or where the next affinity range begins or ends.
#include "boot/numa.h"

static uint32_t domains[NUMA_NODES];
static unsigned int nr_domains;

static void add_domain(uint32_t domain)
{
	for (unsigned int i = 0; i < nr_domains; i++)
		if (domains[i] == domain)
			return;
	if (nr_domains < NUMA_NODES)
		domains[nr_domains++] = domain;
}

void numa_number(const struct acpi_info *acpi)
{
	nr_domains = 0;
	for (unsigned int i = 0; i < acpi->nr_cpus; i++)
		if (acpi->cpus[i].enabled)
			add_domain(acpi->cpus[i].domain);
	for (unsigned int i = 0; i < acpi->nr_memory; i++)
		add_domain(acpi->memory[i].domain);
}

uint32_t numa_node(uint32_t domain)
{
	for (unsigned int i = 0; i < nr_domains; i++)
		if (domains[i] == domain)
			return i;
	return 0;
}

unsigned int numa_nr_nodes(void)
{
	return MAX(nr_domains, 1u);
}

/* The node of `at`, and in *end where the answer changes at the latest (no later than it was). */
static uint32_t node_at(const struct acpi_info *acpi, phys_t at, phys_t *end)
{
	uint32_t node = 0;
	bool found = false;
	for (unsigned int i = 0; i < acpi->nr_memory; i++) {
		const struct acpi_memory *m = &acpi->memory[i];
		phys_t m_end = m->base + m->size;
		if (at < m->base) {
			*end = MIN(*end, m->base);
		} else if (at < m_end) {
			*end = MIN(*end, m_end);
			if (!found)
				node = numa_node(m->domain);
			found = true;
		}
	}
	return node;
}

unsigned int numa_split(const struct boot_mem *mem, unsigned int nr, const struct acpi_info *acpi,
			struct mem_range *out, unsigned int max, uint64_t *lost)
{
	unsigned int n = 0;
	*lost = 0;
	for (unsigned int i = 0; i < nr; i++) {
		phys_t mem_end = mem[i].base + mem[i].size;
		if (mem[i].type != BOOT_MEM_RAM)
			continue;
		for (phys_t at = mem[i].base; at < mem_end;) {
			phys_t end = mem_end;
			int node = (int)node_at(acpi, at, &end);
			struct mem_range *last = n > 0 ? &out[n - 1] : NULL;
			if (last && last->node == node && last->base + last->size == at)
				last->size += end - at;
			else if (n < max)
				out[n++] = (struct mem_range){ at, end - at, node };
			else
				*lost += end - at;
			at = end;
		}
	}
	return n;
}
