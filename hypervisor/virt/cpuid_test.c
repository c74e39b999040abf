// SPDX-License-Identifier: GPL-2.0-or-later
// The CPUID policy on made-up hosts: nothing that is not allowed shows, topology is consistent.
// TEST-WITH: virt/cpuid.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/bits.h"
#include "virt/cpuid.h"

enum vendor {
	AMD,
	INTEL
};

/* The host: every bit of every leaf is `fill`, but for what must make sense. */
static struct {
	enum vendor vendor;
	uint32_t fill, max, ext_max;
} host;

static struct cpuid host_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid v = { host.fill, host.fill, host.fill, host.fill };

	switch (leaf) {
	case 0:
		v.eax = host.max;
		memcpy(&v.ebx, host.vendor == AMD ? "Auth" : "Genu", 4);
		memcpy(&v.edx, host.vendor == AMD ? "enti" : "ineI", 4);
		memcpy(&v.ecx, host.vendor == AMD ? "cAMD" : "ntel", 4);
		return v;
	case 4:
	case 0x8000001d:
		if (subleaf > 3)
			return (struct cpuid){ 0 };
		v.eax = (host.fill & ~0xffu) | (subleaf < 2 ? 1 : subleaf) << 5 | 1;
		return v;
	case 0xd:
		if (subleaf == 2)
			return (struct cpuid){ .eax = 256, .ebx = 576 };
		if (subleaf >= 5 && subleaf <= 7)
			return (struct cpuid){ .eax = subleaf == 5   ? 64
						      : subleaf == 6 ? 512
								     : 1024,
					       .ebx = subleaf == 5   ? 1088
						      : subleaf == 6 ? 1152
								     : 1664 };
		return v;
	case 0x80000000: v.eax = host.ext_max; return v;
	case 0x80000008: v.eax = 0x3030; return v;
	default: return v;
	}
}

static struct vm_cpuid c;

static void make(enum vendor vendor, uint32_t fill, unsigned nr_vcpus, uint64_t xcr0, bool stable)
{
	struct cpuid_policy p = { .host = host_cpuid,
				  .host_xcr0 = xcr0,
				  .nr_vcpus = nr_vcpus,
				  .tsc_khz = 2500000,
				  .kvm_pv = true,
				  .tsc_stable = stable,
				  .clock_stable = stable };

	host.vendor = vendor;
	host.fill = fill;
	host.max = 0x20;
	host.ext_max = 0x80000022;
	cpuid_init(&c, &p);
	assert_true(c.nr_rows < CPUID_ROWS_MAX);
}

static struct cpuid get(uint32_t leaf, uint32_t subleaf, unsigned id)
{
	const struct cpuid_row *row = cpuid_lookup(&c, leaf, subleaf);
	struct cpuid_vcpu v = { .apic_id = id, .apic_enabled = true, .osxsave = true, .xcr0 = 7 };
	struct cpuid out = row->value;

	if (row->dynamic)
		cpuid_adjust(&c, row, &v, &out);
	return out;
}

static void test_hidden(void **state)
{
	(void)state;
	make(AMD, ~0u, 2, 0xe7, true);
	/* MONITOR VMX SMX EST TM2 SDBG PDCM DCA */
	assert_int_equal(get(1, 0, 0).ecx & (BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) |
					     BIT(15) | BIT(18)),
			 0);
	assert_int_equal(get(7, 0, 0).ebx & (BIT(2) | BIT(4) | BIT(6) | BIT(11) | BIT(12)), 0);
	assert_int_equal(get(7, 0, 0).ecx & (BIT(3) | BIT(4) | BIT(7) | BIT(16)), 0);
	assert_int_equal(get(0xd, 1, 0).eax, 5);
	/* SVM EXTAPIC OSVW IBS SKINIT WDT LWP PERFCTR MWAITX */
	assert_int_equal(get(0x80000001, 0, 0).ecx &
				 (BIT(2) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(13) | BIT(15) |
				  BIT(23) | BIT(24) | BIT(28) | BIT(29)),
			 0);
	assert_int_equal(get(0x80000007, 0, 0).edx, BIT(8));
	assert_int_equal(get(0x80000008, 0, 0).ebx &
				 (BIT(12) | BIT(14) | BIT(15) | BIT(24) | BIT(25)),
			 BIT(12));
	assert_int_equal(c.spec_ctrl, 0);
	assert_true(c.pred_cmd);
	static const uint32_t empty[] = { 3,          5,          8,          9,
					  0xa,        0xc,        0xf,        0x10,
					  0x14,       0x1f,       0x20,       0x20000000,
					  0x40000002, 0x4000001f, 0x40000100, 0x8000000a,
					  0x8000001b, 0x8000001c, 0x8000001f, 0x80000020,
					  0xc0000000, 0xffffffff };
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++) {
		struct cpuid v = get(empty[i], 0, 1);

		assert_int_equal(v.eax | v.ebx | v.ecx | v.edx, 0);
	}
}

/* On a machine with one CPU kvmclock is stable, whatever the TSC is. */
static void test_clock_of_one_cpu(void **state)
{
	struct cpuid_policy p = { .host = host_cpuid,
				  .nr_vcpus = 2,
				  .tsc_khz = 1,
				  .kvm_pv = true,
				  .clock_stable = true };

	(void)state;
	make(AMD, ~0u, 2, 0, false);
	assert_false(c.clock_stable);
	cpuid_init(&c, &p);
	assert_true(c.clock_stable);
	assert_int_equal(get(0x80000007, 0, 0).edx, 0);
	assert_int_equal(get(0x40000001, 0, 0).eax & KVM_FEATURE_STABLE, KVM_FEATURE_STABLE);
}

static void test_forced_on_a_poor_host(void **state)
{
	struct cpuid v;

	(void)state;
	make(AMD, 0, 1, 0, false);
	v = get(1, 0, 0);
	assert_int_equal(v.ecx & ~BIT(27), BIT(21) | BIT(24) | BIT(31));
	assert_int_equal(get(7, 0, 0).ebx, BIT(1));
	assert_int_equal(get(0, 0, 0).eax, 0xb);
	assert_int_equal(get(0xd, 0, 0).eax, 0);
	assert_int_equal(c.xcr0, 0);
	assert_false(c.tsc_aux);
	assert_int_equal(c.efer, EFER_SCE);
	assert_false(c.cr4 & BIT(18));
	assert_int_equal(get(0x80000007, 0, 0).edx, 0);
	assert_int_equal(get(0x40000001, 0, 0).eax & KVM_FEATURE_STABLE, 0);
	assert_false(cpuid_xcr0_valid(&c, 1));
}

static void test_topology(void **state)
{
	(void)state;
	for (unsigned nr = 1; nr <= 64; nr++) {
		unsigned bits = log2_up(nr);
		struct cpuid v;

		make(AMD, 0xff00ff00 | BIT(22), nr, 3, true);
		for (unsigned id = 0; id < nr; id++) {
			v = get(1, 0, id);
			assert_int_equal(v.ebx >> 24, id);
			assert_int_equal(v.ebx >> 16 & 0xff, nr);
			assert_int_equal(!!(v.edx & BIT(28)), nr > 1);
			v = get(0xb, 0, id);
			assert_int_equal(v.eax, 0);
			assert_int_equal(v.ebx, 1);
			assert_int_equal(v.ecx, 0x100);
			assert_int_equal(v.edx, id);
			v = get(0xb, 1, id);
			assert_int_equal(v.eax, bits);
			assert_int_equal(v.ebx, nr);
			assert_int_equal(v.ecx, 0x201);
			assert_int_equal(v.edx, id);
			assert_true(id >> v.eax == 0); /* one socket */
			assert_int_equal(get(0xb, 2, id).ecx & 0xff00, 0);
			v = get(0x8000001e, 0, id);
			assert_int_equal(v.eax, id);
			assert_int_equal(v.ebx, id);
			assert_int_equal(v.ecx, 0);
		}
		v = get(0x80000008, 0, 0);
		assert_int_equal(v.ecx, bits << 12 | (nr - 1));
		assert_int_equal(v.eax, 0x3030);
		assert_int_equal(get(0x8000001d, 0, 0).eax >> 14, 0);
		assert_int_equal(get(0x8000001d, 3, 0).eax >> 14, nr - 1);
		assert_int_equal(get(0x8000001d, 4, 0).eax, 0);
		make(INTEL, 0xff00ff00, nr, 3, true);
		assert_int_equal(get(4, 3, 0).eax >> 26, nr - 1);
		assert_int_equal(get(4, 3, 0).eax >> 14 & 0xfff, nr - 1);
		assert_int_equal(get(4, 1, 0).eax >> 14 & 0xfff, 0);
		assert_int_equal(get(0x8000001e, 0, 0).ebx, 0);
	}
}

static void test_dynamic(void **state)
{
	const struct cpuid_row *row;
	struct cpuid_vcpu v = { .apic_id = 3 };
	struct cpuid out;

	(void)state;
	make(AMD, ~0u, 4, 7, true);
	row = cpuid_lookup(&c, 1, 77);
	cpuid_adjust(&c, row, &v, &out);
	assert_false(out.ecx & BIT(27));
	assert_false(out.edx & BIT(9));
	row = cpuid_lookup(&c, 0x80000001, 0);
	cpuid_adjust(&c, row, &v, &out);
	assert_false(out.edx & BIT(9));
	v.osxsave = v.apic_enabled = true;
	cpuid_adjust(&c, row, &v, &out);
	assert_true(out.edx & BIT(9));
	row = cpuid_lookup(&c, 1, 0);
	cpuid_adjust(&c, row, &v, &out);
	assert_true(out.ecx & BIT(27));
	assert_true(out.edx & BIT(9));
	assert_int_equal(out.ebx >> 24, 3);
}

static void test_xsave(void **state)
{
	struct cpuid_vcpu v = { .xcr0 = 1 };
	struct cpuid out;

	(void)state;
	make(AMD, ~0u, 1, 0xe7, true);
	assert_int_equal(c.xcr0, 0xe7);
	assert_int_equal(get(0xd, 0, 0).eax, 0xe7);
	assert_int_equal(get(0xd, 0, 0).ecx, 2688);
	assert_int_equal(get(0xd, 0, 0).ebx, 832);
	cpuid_adjust(&c, cpuid_lookup(&c, 0xd, 0), &v, &out);
	assert_int_equal(out.ebx, 576);
	assert_int_equal(get(0xd, 2, 0).eax, 256);
	assert_int_equal(get(0xd, 3, 0).eax, 0);
	assert_int_equal(get(0xd, 9, 0).eax, 0);
	assert_true(get(7, 0, 0).ebx & BIT(16));
	for (uint64_t x = 0; x < 0x400; x++) {
		bool avx512 = (x & 0xe0) == 0xe0;
		bool want = (x & 1) && !(x & ~0xe7ull) && (!(x & 4) || (x & 2)) &&
			    (!(x & 0xe0) || (avx512 && (x & 4)));

		assert_int_equal(cpuid_xcr0_valid(&c, x), want);
	}
	make(AMD, ~0u, 1, 3, true); /* the kernel saves no AVX: its instructions are not offered */
	assert_int_equal(get(1, 0, 0).ecx & (BIT(12) | BIT(28) | BIT(29)), 0);
	assert_int_equal(get(7, 0, 0).ebx & (BIT(5) | BIT(16)), 0);
	make(AMD, ~0u, 1, 0x27, true); /* one part of AVX-512 alone */
	assert_int_equal(c.xcr0, 7);
}

static void test_kvm_leaves(void **state)
{
	struct cpuid_policy p = { .host = host_cpuid, .nr_vcpus = 1 };
	struct cpuid v;

	(void)state;
	make(AMD, ~0u, 1, 7, true);
	v = get(0x40000000, 0, 0);
	assert_int_equal(v.eax, 0x40000010);
	assert_memory_equal(&v.ebx, "KVMKVMKVM\0\0\0", 12);
	assert_int_equal(get(0x40000001, 0, 0).eax, 0x010088cb);
	assert_int_equal(get(0x40000010, 0, 0).eax, 2500000);
	assert_int_equal(get(0x40000010, 0, 0).ebx, 1000000);
	cpuid_init(&c, &p);
	assert_int_equal(get(0x40000000, 0, 0).eax, 0);
	assert_true(get(1, 0, 0).ecx & BIT(31));
}

static void test_speculation(void **state)
{
	struct cpuid_policy p = { .host = host_cpuid, .nr_vcpus = 1, .spec_ctrl_host = true };

	(void)state;
	host.vendor = AMD;
	host.fill = ~0u;
	cpuid_init(&c, &p);
	assert_int_equal(c.spec_ctrl, 7);
	assert_true(c.pred_cmd);
	p.spec_ctrl_host = false;
	cpuid_init(&c, &p);
	assert_int_equal(c.spec_ctrl, 0);
	assert_true(c.pred_cmd);
	host.fill = 0;
	cpuid_init(&c, &p);
	assert_false(c.spec_ctrl || c.pred_cmd);
}

/* A host with few leaves: none is read beyond its maximum. */
static void test_old_host(void **state)
{
	struct cpuid_policy p = { .host = host_cpuid, .host_xcr0 = 7, .nr_vcpus = 2 };

	(void)state;
	host.vendor = AMD;
	host.fill = ~0u;
	host.max = 1;
	host.ext_max = 0;
	cpuid_init(&c, &p);
	assert_int_equal(get(7, 0, 0).ebx, BIT(1));
	assert_int_equal(c.xcr0, 0);
	assert_int_equal(get(0x80000008, 0, 0).eax & 0xff, 36);
	assert_int_equal(get(0x80000002, 0, 0).eax, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_forced_on_a_poor_host),
		cmocka_unit_test(test_topology),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_xsave),
		cmocka_unit_test(test_kvm_leaves),
		cmocka_unit_test(test_speculation),
		cmocka_unit_test(test_old_host),
		cmocka_unit_test(test_clock_of_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
