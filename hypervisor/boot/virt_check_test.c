// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: boot/virt_check.c
// One row for each machine: what it has and what is said of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "boot/virt_check.h"

static const struct {
	struct virt_facts facts;
	const char *said; /* NULL: fit; else part of it */
} rows[] = {
	{ { .ext_max = 0x8000001f, .ext_ecx = 4, .svm_edx = 1 }, NULL },
	{ { .ext_max = 0x8000001f, .ext_ecx = 4, .svm_edx = 1, .vm_cr = 0x08 }, NULL },
	{ { .ext_max = 0x8000001f, .ext_ecx = 4, .svm_edx = 1, .vm_cr = 0x10 }, NULL },
	{ { .ext_max = 0x8000001f, .ext_ecx = 4, .svm_edx = 1, .vm_cr = 0x18 }, "switched off" },
	{ { .ext_max = 0x8000001f, .ext_ecx = 4, .svm_edx = 0x4f0 }, "no nested paging" },
	{ { .ext_max = 0x8000001f, .ext_ecx = ~4u, .svm_edx = 1 }, "no AMD SVM" },
	{ { .ext_max = 0x80000008, .ext_ecx = 4, .svm_edx = 1 }, "no AMD SVM" },
	{ { .ext_max = 0x80000008, .leaf1_ecx = 1u << 5 }, "Intel VMX" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *said = virt_missing(&rows[i].facts);
		if (!said != !rows[i].said || (said && !strstr(said, rows[i].said)))
			fail_msg("row %zu: %s", i, said ? said : "fit");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
