// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/vm_sched.c mgmt/lib/vm_config.c mgmt/lib/vm_config_keys.c mgmt/lib/cpu_list.c
// TEST-LIBS: -linih
// Every key of a configuration that the scheduler knows reaches the kernel's structure.

#include "mgmt/lib/vm_sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct sched_params params_of(const char *text)
{
	char error[VM_CONFIG_ERROR_MAX];
	struct sched_params p;
	struct vm_config c;

	assert_int_equal(vm_config_parse(&c, "/vms/x.conf", text, strlen(text), error), 0);
	p = vm_sched_params(&c);
	vm_config_free(&c);
	return p;
}

static void all_keys(void **state)
{
	struct sched_params p = params_of("[vm]\nkernel = /k\nvcpus = 2\nweight = 250\ncap = 150\n"
					  "pool = 3\ncpus = 2,64-65\n");

	(void)state;
	assert_int_equal(p.set, SCHED_SET_WEIGHT | SCHED_SET_CAP | SCHED_SET_POOL | SCHED_SET_CPUS |
					SCHED_SET_DEDICATED);
	assert_int_equal(p.weight, 250);
	assert_int_equal(p.cap, 150);
	assert_int_equal(p.pool, 3);
	assert_int_equal(p.cpus[0], 4);
	assert_int_equal(p.cpus[1], 3);
	assert_int_equal(p.dedicated, 0);
	assert_int_equal(p.reserved, 0);
	assert_int_equal(params_of("[vm]\nkernel = /k\ncpus = dedicated\n").dedicated, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_keys) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
