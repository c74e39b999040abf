// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: cpu/identify.c lib/string.c
#include "cpu/identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct answer {
	uint32_t leaf, subleaf;
	struct cpuid regs;
} machine[16];

/* Asked for nothing that the ranges' first leaves do not say is there. */
static struct cpuid query(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid none = { 0 }, top = { 0 };

	for (unsigned i = 0; i < 16; i++) {
		if (machine[i].leaf == leaf && machine[i].subleaf == subleaf)
			return machine[i].regs;
		if (machine[i].leaf == (leaf & 0x80000000u))
			top = machine[i].regs;
	}
	assert_true(top.eax >= leaf);
	return none;
}

static void set(const struct answer *answers, size_t n)
{
	memset(machine, 0xff, sizeof(machine));
	memcpy(machine, answers, n * sizeof(*answers));
}
#define SET(...)                                            \
	do {                                                \
		const struct answer a_[] = { __VA_ARGS__ }; \
		set(a_, sizeof(a_) / sizeof(a_[0]));        \
	} while (0)

static void expect_bits(unsigned thread, unsigned package)
{
	struct cpu_id_bits bits = cpu_id_bits(query);

	assert_int_equal(bits.thread, thread);
	assert_int_equal(bits.package, package);
}

static void test_topology(void **state)
{
	(void)state;
	/* Leaf 0xb: two threads a core, 8 ids a package. */
	SET({ 0, 0, { .eax = 0xd } }, { 0xb, 0, { .eax = 1, .ecx = 0x100 } },
	    { 0xb, 1, { .eax = 3, .ecx = 0x201 } }, { 0x80000000u, 0, { .eax = 0x80000008u } });
	expect_bits(1, 3);
	/* AMD without it: threads by 0x8000001e, the package by the size of its ids. */
	SET({ 0, 0, { .eax = 7 } }, { 0x80000000u, 0, { .eax = 0x8000001eu } },
	    { 0x8000001eu, 0, { .ebx = 0x100 } }, { 0x80000008u, 0, { .ecx = 0x4005 } });
	expect_bits(1, 4);
	/* Older: by the number of cores. */
	SET({ 0, 0, { .eax = 1 } }, { 0x80000000u, 0, { .eax = 0x80000008u } },
	    { 0x80000008u, 0, { .ecx = 5 } });
	expect_bits(0, 3);
	/* Leaf 1 alone. */
	SET({ 0, 0, { .eax = 1 } }, { 1, 0, { .ebx = 4 << 16, .edx = 1u << 28 } },
	    { 0x80000000u, 0, { .eax = 0 } });
	expect_bits(0, 2);
	/* One CPU that says nothing. */
	SET({ 0, 0, { .eax = 1 } }, { 0x80000000u, 0, { .eax = 0 } });
	expect_bits(0, 0);
	/* A package is never less than a core. */
	SET({ 0, 0, { .eax = 0xb } }, { 0xb, 0, { .eax = 1, .ecx = 0x100 } },
	    { 0x80000000u, 0, { .eax = 0 } });
	expect_bits(1, 1);
}

static void test_features(void **state)
{
	char text[256], small[8];

	(void)state;
	SET({ 0, 0, { .eax = 7 } }, { 1, 0, { .ecx = 1u << 21 | 1u << 5 } },
	    { 7, 0, { .ebx = 1u << 7 } }, { 0x80000000u, 0, { .eax = 0x8000000au } },
	    { 0x80000001u, 0, { .ecx = 4, .edx = 1u << 20 } }, { 0x8000000au, 0, { .edx = 9 } });
	cpu_feature_names(query, text, sizeof(text));
	assert_string_equal(text, "nx x2apic smep vmx svm npt nrip-save");
	/* No half names. */
	cpu_feature_names(query, small, sizeof(small));
	assert_string_equal(small, "nx smep");
	cpu_feature_names(query, small, 1);
	assert_string_equal(small, "");
	/* Without SVM its leaf is not looked at. */
	machine[4].regs.ecx = 0;
	cpu_feature_names(query, text, sizeof(text));
	assert_string_equal(text, "nx x2apic smep vmx");
}

/* All of them have a place in what sys_info gives. */
static struct cpuid everything(uint32_t leaf, uint32_t subleaf)
{
	(void)leaf, (void)subleaf;
	return (struct cpuid){
		.eax = UINT32_MAX, .ebx = UINT32_MAX, .ecx = UINT32_MAX, .edx = UINT32_MAX
	};
}

static void test_all_fit(void **state)
{
	char text[256];

	(void)state;
	cpu_feature_names(everything, text, sizeof(text));
	assert_non_null(strstr(text, " vgif"));
	assert_non_null(strstr(text, "nx 1gb-pages"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_topology),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_all_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
