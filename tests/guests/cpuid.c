// SPDX-License-Identifier: GPL-2.0-or-later
// CPUID leaves agree with each other, with the registers that enable what they offer, and with what
// the instructions do; MSRs keep what they are given; under a hypervisor its leaves are well
// formed.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "cpuid";

#define CR4_OSXSAVE   BIT(18)
#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define NO_FAULT      ((uint64_t)EXC_NONE)

static void test_basic(void)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0), ext = cpuid(0x80000000, 0);

	check(zero.eax >= 0xd && zero.eax < 0x100, "max-leaf", "0x%x", zero.eax);
	check(ext.eax >= 0x80000008 && ext.eax < 0x80000100, "max-extended-leaf", "0x%x", ext.eax);
	CHECK_EQ("vendor-twice", zero.ebx ^ ext.ebx, 0);
	CHECK_EQ("leaf-1-apic", one.edx & BIT(9), BIT(9));
	CHECK_EQ("leaf-1-long-mode-parts", one.edx & (BIT(3) | BIT(4) | BIT(5) | BIT(6)),
		 BIT(3) | BIT(4) | BIT(5) | BIT(6));
	CHECK_EQ("long-mode", cpuid(0x80000001, 0).edx & (BIT(29) | BIT(20) | BIT(11)),
		 BIT(29) | BIT(20) | BIT(11));
	CHECK_EQ("repeats", cpuid(1, 0).eax, one.eax);
	/* The upper halves of the registers are cleared. */
	uint64_t rax = 0xffffffff00000001ull, rbx = ~0ull, rcx = 0xffffffff00000000ull, rdx = ~0ull;
	__asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
	CHECK_EQ("upper-halves", (rax | rbx | rcx | rdx) >> 32, 0);
}

static void test_osxsave(void)
{
	if (!(cpuid(1, 0).ecx & BIT(26)))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	CHECK_EQ("osxsave-set", cpuid(1, 0).ecx & BIT(27), BIT(27));
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	CHECK_EQ("osxsave-clear", cpuid(1, 0).ecx & BIT(27), 0);
}

static void test_xsave_leaf(void)
{
	struct cpuid d = cpuid(0xd, 0), avx = cpuid(0xd, 2);

	CHECK_EQ("xsave-x87-sse", d.eax & 3, 3);
	check(d.ecx >= 576 && d.ecx <= 4096 && d.ebx <= d.ecx, "xsave-sizes", "ebx %u ecx %u",
	      d.ebx, d.ecx);
	if (d.eax & 4)
		check(avx.eax == 256 && avx.ebx + avx.eax <= d.ecx, "xsave-avx",
		      "size %u offset %u of %u", avx.eax, avx.ebx, d.ecx);
	CHECK_EQ("avx-agrees", !!(cpuid(1, 0).ecx & BIT(28)), !!(d.eax & 4));
}

static void test_address_widths(void)
{
	struct cpuid r = cpuid(0x80000008, 0);

	check((r.eax & 0xff) >= 36 && (r.eax & 0xff) <= 52, "physical-width", "%u", r.eax & 0xff);
	CHECK_EQ("linear-width", r.eax >> 8 & 0xff, 48);
}

static void test_brand(void)
{
	char text[49] = "";

	for (unsigned i = 0; i < 3; i++) {
		struct cpuid r = cpuid(0x80000002 + i, 0);

		memcpy(text + i * 16, &r, 16);
	}
	check(strlen(text) > 0 && strlen(text) < 48, "brand", "'%s'", text);
}

static void test_topology(void)
{
	uint32_t logical = cpuid(1, 0).ebx >> 16 & 0xff;

	check(logical == 0 || logical >= machine.nr_cpus || !(cpuid(1, 0).edx & BIT(28)),
	      "logical-cpus", "%u, fw_cfg says %u", logical, machine.nr_cpus);
	if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx)
		CHECK_EQ("leaf-b-apic-id", cpuid(0xb, 0).edx, lapic_id());
}

/* ---- MSRs ---- */

static void test_msr_round_trips(void)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
		const char *name;
	} rows[] = {
		{ MSR_LSTAR, 0xffffffff81234567ull, "msr-lstar" },
		{ MSR_STAR, 0x0023001000000000ull, "msr-star" },
		{ MSR_SFMASK, 0x47700, "msr-sfmask" },
		{ MSR_KERNEL_GS, 0x123456789abcull, "msr-kernel-gs" },
		{ MSR_FS_BASE, 0x7fff12345678ull, "msr-fs-base" },
		{ MSR_PAT, 0x0007010600070106ull, "msr-pat" },
		{ 0x174, 0x10, "msr-sysenter-cs" },
		{ 0x175, 0xffffffff80001234ull, "msr-sysenter-esp" },
		{ 0x176, 0xffffffff80004321ull, "msr-sysenter-eip" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = rdmsr(rows[i].msr), after;

		wrmsr(rows[i].msr, rows[i].value);
		cpuid(0, 0);
		inb(0x71);
		after = rdmsr(rows[i].msr);
		wrmsr(rows[i].msr, before);
		CHECK_EQ(rows[i].name, after, rows[i].value);
	}
}

static void test_msr_faults(void)
{
	/* Beyond what QEMU as the bare machine checks (it lets noncanonical addresses through,
	 * too). */
	CHECK_EQ("msr-pat-type", catch_wrmsr(MSR_PAT, 0x0007010600070102ull), EXC_GP);
	CHECK_EQ("msr-efer-reserved", catch_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(1)), EXC_GP);
	CHECK_EQ("msr-efer-svme", catch_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME), EXC_GP);
	CHECK_EQ("msr-unknown", catch_wrmsr(0x12345678, 0), EXC_GP);
	CHECK_EQ("no-svm", cpuid(0x80000001, 0).ecx & BIT(2), 0);
}

static void test_tsc_adjust(void)
{
	uint64_t before, adjust;

	if (!(cpuid(7, 0).ebx & BIT(1)))
		return;
	adjust = rdmsr(MSR_TSC_ADJUST);
	before = rdtsc();
	wrmsr(MSR_TSC_ADJUST, adjust + 1000000000000ull);
	check(rdtsc() - before >= 1000000000000ull, "tsc-adjust", "moved by %lu", rdtsc() - before);
	CHECK_EQ("tsc-adjust-reads", rdmsr(MSR_TSC_ADJUST), adjust + 1000000000000ull);
	wrmsr(MSR_TSC_ADJUST, adjust);
	check(rdtsc() - before < 1000000000000ull, "tsc-adjust-back", "still moved");
}

/* SPEC_CTRL keeps the bits that CPUID offers and refuses the others; PRED_CMD is written only. */
static void test_speculation(void)
{
	uint32_t ebx = cpuid(0x80000008, 0).ebx;
	uint64_t bits = (ebx & BIT(14) ? 1 : 0) | (ebx & BIT(15) ? 2 : 0) | (ebx & BIT(24) ? 4 : 0);

	CHECK_EQ("spec-ctrl-offered", bits, option("spec-ctrl", 0));
	CHECK_EQ("ibpb-offered", !!(ebx & BIT(12)), option("ibpb", 0));
	for (uint64_t v = 1; v <= 8; v <<= 1) {
		bool there = bits && !(v & ~bits);

		CHECK_EQ("spec-ctrl-write", (uint64_t)catch_wrmsr(MSR_SPEC_CTRL, v),
			 there ? NO_FAULT : EXC_GP);
		cpuid(0, 0);
		if (there)
			CHECK_EQ("spec-ctrl-kept", rdmsr(MSR_SPEC_CTRL), v);
	}
	CHECK_EQ("pred-cmd", (uint64_t)catch_wrmsr(MSR_PRED_CMD, 1),
		 ebx & BIT(12) ? NO_FAULT : EXC_GP);
	CHECK_EQ("pred-cmd-reserved", catch_wrmsr(MSR_PRED_CMD, 2), EXC_GP);
	if (bits)
		wrmsr(MSR_SPEC_CTRL, bits); /* and all that follows runs with it */
}

/* ---- the hypervisor's leaves ---- */

static void test_kvm(void)
{
	uint32_t base;
	struct cpuid top;

	if (!option("hypervisor", 0))
		return;
	if (!check(kvm_leaves(&base), "kvm-signature", "not found"))
		return;
	top = cpuid(base, 0);
	check(top.eax == 0 || (top.eax >= base + 1 && top.eax < base + 0x100), "kvm-max-leaf",
	      "0x%x", top.eax);
	check(cpuid(base + 1, 0).eax & BIT(3), "kvm-clocksource2", "features 0x%x",
	      cpuid(base + 1, 0).eax);
	CHECK_EQ("x2apic-offered", cpuid(1, 0).ecx & BIT(21), BIT(21));
	CHECK_EQ("tsc-deadline-offered", cpuid(1, 0).ecx & BIT(24), BIT(24));
	test_msr_faults();
	test_speculation();
}

void guest_main(void)
{
	test_basic();
	test_osxsave();
	test_xsave_leaf();
	test_address_widths();
	test_brand();
	test_topology();
	test_msr_round_trips();
	test_tsc_adjust();
	test_kvm();
}
