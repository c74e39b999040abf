// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/numa.c
// Node numbers and the cutting of RAM at the nodes' borders.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "boot/numa.h"

static struct acpi_info acpi;
static struct mem_range out[8];
static uint64_t lost;

static void expect(unsigned int i, phys_t base, uint64_t size, int node)
{
	assert_int_equal(out[i].base, base);
	assert_int_equal(out[i].size, size);
	assert_int_equal(out[i].node, node);
}

static void test_without_srat(void **state)
{
	(void)state;
	static const struct boot_mem mem[] = { { 0x1000, 0x9e000, BOOT_MEM_RAM },
					       { 0x9f000, 0x1000, BOOT_MEM_RESERVED },
					       { 0x100000, MiB(64), BOOT_MEM_RAM } };
	acpi = (struct acpi_info){ .nr_cpus = 1, .cpus = { { .enabled = true } } };
	numa_number(&acpi);
	assert_int_equal(numa_nr_nodes(), 1);
	assert_int_equal(numa_split(mem, 3, &acpi, out, 8, &lost), 2);
	expect(0, 0x1000, 0x9e000, 0);
	expect(1, 0x100000, MiB(64), 0);
	assert_int_equal(lost, 0);
}

static void setup_two_nodes(void)
{
	acpi = (struct acpi_info){
		.nr_cpus = 3,
		.cpus = { { .enabled = true, .domain = 7 },
			  { .enabled = false, .domain = 9 },
			  { .enabled = true, .domain = 3 } },
		.nr_memory = 4,
		.memory = { { MiB(512), MiB(512), 3 },
			    { 0, MiB(512), 7 },
			    { GiB(4), GiB(1), 20 },
			    { MiB(1024), MiB(256), 3 } },
	};
	numa_number(&acpi);
}

static void test_nodes(void **state)
{
	(void)state;
	static const struct boot_mem mem[] = { { 0, MiB(1280), BOOT_MEM_RAM },
					       { GiB(4) - MiB(16), GiB(2), BOOT_MEM_RAM } };
	setup_two_nodes();
	assert_int_equal(numa_nr_nodes(), 3);
	assert_int_equal(numa_node(7), 0);
	assert_int_equal(numa_node(3), 1);
	assert_int_equal(numa_node(20), 2);
	assert_int_equal(numa_node(9), 0);
	assert_int_equal(numa_split(mem, 2, &acpi, out, 8, &lost), 5);
	expect(0, 0, MiB(512), 0);
	expect(1, MiB(512), MiB(768), 1);
	expect(2, GiB(4) - MiB(16), MiB(16), 0);
	expect(3, GiB(4), GiB(1), 2);
	expect(4, GiB(5), GiB(1) - MiB(16), 0);
	/* Too few places: what is lost is counted. */
	assert_int_equal(numa_split(mem, 2, &acpi, out, 3, &lost), 3);
	assert_int_equal(lost, GiB(2) - MiB(16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_srat),
		cmocka_unit_test(test_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
