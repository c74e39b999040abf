// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: cpu/mitigations.c lib/fmt.c lib/string.c
// One row for each kind of machine: what is used and what is said. Then all machines that could be:
// the text fits, and it claims nothing that no flag stands for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "cpu/mitigations.h"
#include "tests/host/rand.h"

#define IBRS_INTEL (1u << 26)
#define RSB        (MIT_RSB_ON_EXIT | MIT_RSB_ON_AS_SWITCH)
#define V2_ENTRY   (MIT_SPEC_CTRL_RING3 | MIT_SPEC_CTRL_GUEST | RSB)
#define IBPB       (MIT_IBPB_ON_VCPU_SWITCH | MIT_IBPB_ON_AS_SWITCH)

static const struct {
	const char *name;
	struct cpu_facts facts;
	uint32_t use, spec_ctrl, spec_ctrl_ring3;
	const char *text;
} rows[] = {
	{ "QEMU's EPYC",
	  { .vendor = CPU_VENDOR_AMD, .family = 0x17, .model = 1 },
	  0,
	  0,
	  0,
	  "v2: open; retbleed: open; ssb: open; vmscape: open" },
	{ "Zen 2 with microcode",
	  { .vendor = CPU_VENDOR_AMD,
	    .family = 0x17,
	    .model = 0x31,
	    .ext8_ebx = 0xd000,
	    .smt = true },
	  V2_ENTRY | IBPB | MIT_IBPB_ON_EXIT,
	  SPEC_CTRL_IBRS | SPEC_CTRL_STIBP,
	  SPEC_CTRL_STIBP,
	  "v2: IBRS+IBPB; retbleed: IBPB on exit; srso: IBPB on exit; ssb: open; vmscape: IBPB on "
	  "exit" },
	{ "Zen 4",
	  { .vendor = CPU_VENDOR_AMD,
	    .family = 0x19,
	    .model = 0x11,
	    .ext8_ebx = 0x2100d000,
	    .ext21_eax = 1u << 8 | 1u << 5,
	    .smt = true },
	  MIT_AUTO_IBRS | RSB | IBPB | MIT_IBPB_ON_EXIT | MIT_VERW_RING3 | MIT_VERW_GUEST,
	  0,
	  0,
	  "tsa: verw; v2: autoIBRS+IBPB; srso: IBPB on exit; ssb: open; vmscape: IBPB on exit" },
	{ "Zen 5",
	  { .vendor = CPU_VENDOR_AMD,
	    .family = 0x1a,
	    .model = 2,
	    .ext8_ebx = 0x3500d000,
	    .ext21_eax = 1u << 8 | 1u << 29,
	    .smt = true },
	  MIT_AUTO_IBRS | RSB | IBPB | MIT_IBPB_TO_VMM,
	  0,
	  0,
	  "v2: autoIBRS+IBPB; vmscape: IBPB to VMM" },
	{ "Zen 5, the reduction against SRSO",
	  { .vendor = CPU_VENDOR_AMD,
	    .family = 0x1a,
	    .model = 2,
	    .ext8_ebx = 0x3500d000,
	    .ext21_eax = 1u << 8 | 1u << 31 },
	  MIT_AUTO_IBRS | RSB | IBPB | MIT_BP_SPEC_REDUCE | MIT_IBPB_TO_VMM,
	  0,
	  0,
	  "v2: autoIBRS+IBPB; srso: BP_SPEC_REDUCE; vmscape: IBPB to VMM" },
	{ "Zen, IBPB alone",
	  { .vendor = CPU_VENDOR_AMD, .family = 0x17, .model = 1, .ext8_ebx = 1u << 12 },
	  RSB | IBPB | MIT_IBPB_ON_EXIT,
	  0,
	  0,
	  "v2: IBPB only; retbleed: IBPB on exit; ssb: open; vmscape: IBPB on exit" },
	{ "Bulldozer",
	  { .vendor = CPU_VENDOR_AMD, .family = 0x15, .model = 2, .ext8_ebx = 1u << 12 },
	  RSB | IBPB | MIT_IBPB_ON_EXIT,
	  0,
	  0,
	  "v2: IBPB only; retbleed: IBPB on exit; ssb: open" },
	{ "K10", { .vendor = CPU_VENDOR_AMD, .family = 0x10 }, 0, 0, 0, "v2: open; ssb: open" },
	{ "Skylake with microcode",
	  { .vendor = CPU_VENDOR_INTEL,
	    .family = 6,
	    .model = 0x5e,
	    .leaf7_edx = IBRS_INTEL | 1u << 27 | 1u << 28 | 1u << 31 | 1u << 10 },
	  V2_ENTRY | IBPB | MIT_L1D_FLUSH_GUEST | MIT_VERW_RING3 | MIT_VERW_GUEST | MIT_IBPB_TO_VMM,
	  SPEC_CTRL_IBRS,
	  0,
	  "meltdown: open; l1tf: flush; mds: verw; v2: IBRS+IBPB; retbleed: IBRS; ssb: open; "
	  "vmscape: IBPB to VMM" },
	{ "Ice Lake server",
	  { .vendor = CPU_VENDOR_INTEL,
	    .family = 6,
	    .model = 0x6a,
	    .leaf7_edx = IBRS_INTEL | 1u << 27 | 1u << 28 | 1u << 31 | 1u << 10,
	    .leaf7_2_edx = 1u << 4,
	    .arch_cap = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 5 | 1u << 8 | 1u << 17 },
	  MIT_SPEC_CTRL | MIT_SPEC_CTRL_GUEST | RSB | IBPB | MIT_VERW_RING3 | MIT_VERW_GUEST |
		  MIT_IBPB_TO_VMM,
	  SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S,
	  SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S,
	  "mds: verw; v2: eIBRS+IBPB; bhi: BHI_DIS; ssb: open; vmscape: IBPB to VMM" },
	{ "an in-order Atom",
	  { .vendor = CPU_VENDOR_INTEL, .family = 6, .model = 0x36 },
	  0,
	  0,
	  0,
	  "not needed" },
	{ "old Intel without microcode",
	  { .vendor = CPU_VENDOR_INTEL, .family = 6, .model = 0x2a },
	  0,
	  0,
	  0,
	  "meltdown: open; l1tf: open; mds: open; v2: open; ssb: open; vmscape: open" },
	{ "unknown",
	  { .family = 7 },
	  0,
	  0,
	  0,
	  "meltdown: open; l1tf: open; mds: open; v2: open; ssb: open; vmscape: open" },
};

static void test_machines(void **state)
{
	struct mitigations m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		mitigations_decide(&rows[i].facts, false, &m);
		if (m.use != rows[i].use || m.spec_ctrl != rows[i].spec_ctrl ||
		    m.spec_ctrl_ring3 != rows[i].spec_ctrl_ring3 ||
		    strcmp(m.text, rows[i].text) != 0)
			fail_msg("%s: use %x, SPEC_CTRL %x, in ring 3 %x, '%s'", rows[i].name,
				 m.use, m.spec_ctrl, m.spec_ctrl_ring3, m.text);
	}
}

static void test_off(void **state)
{
	struct mitigations m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		mitigations_decide(&rows[i].facts, true, &m);
		assert_int_equal(m.use, 0);
		assert_int_equal(m.spec_ctrl, 0);
		assert_string_equal(m.text, "off");
	}
}

/* What a text claims and the flags that must stand behind it. */
static const struct {
	const char *claim;
	uint32_t any;
} claims[] = {
	{ "verw", MIT_VERW_RING3 },
	{ "flush", MIT_L1D_FLUSH_GUEST },
	{ "autoIBRS", MIT_AUTO_IBRS },
	{ "eIBRS", MIT_SPEC_CTRL },
	{ " IBRS", MIT_SPEC_CTRL_RING3 },
	{ "BHI_DIS", MIT_SPEC_CTRL },
	{ "+IBPB", IBPB },
	{ "on exit", MIT_IBPB_ON_EXIT },
	{ "to VMM", MIT_IBPB_TO_VMM },
	{ "REDUCE", MIT_BP_SPEC_REDUCE },
};

static void check_random(const struct cpu_facts *f)
{
	struct mitigations m;

	mitigations_decide(f, false, &m);
	assert_true(strlen(m.text) > 0 && strlen(m.text) < sizeof(m.text) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		if (strstr(m.text, claims[i].claim) && !(m.use & claims[i].any))
			fail_msg("'%s' claims %s, use is %x", m.text, claims[i].claim, m.use);
	}
	/* SPEC_CTRL is written only where it is. */
	if (m.use & (MIT_SPEC_CTRL | MIT_SPEC_CTRL_RING3 | MIT_SPEC_CTRL_GUEST))
		assert_true((f->leaf7_edx & IBRS_INTEL) || (f->ext8_ebx & 1u << 14));
	if (m.use & (IBPB | MIT_IBPB_ON_EXIT | MIT_IBPB_TO_VMM))
		assert_true((f->leaf7_edx & IBRS_INTEL) || (f->ext8_ebx & 1u << 12));
	assert_false((m.use & MIT_SPEC_CTRL) && (m.use & MIT_SPEC_CTRL_RING3));
}

static void test_all_machines(void **state)
{
	static const unsigned families[] = { 6, 0x0f, 0x15, 0x17, 0x18, 0x19, 0x1a, 0x60 };
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		const struct cpu_facts f = {
			.vendor = host_rand_below(&seed, 3),
			.family = families[host_rand_below(&seed, ARRAY_SIZE(families))],
			.model = host_rand(&seed) & 0xff,
			.leaf7_ebx = (uint32_t)host_rand(&seed),
			.leaf7_edx = (uint32_t)host_rand(&seed),
			.leaf7_2_edx = (uint32_t)host_rand(&seed),
			.ext8_ebx = (uint32_t)host_rand(&seed),
			.ext21_eax = (uint32_t)host_rand(&seed),
			.ext21_ecx = (uint32_t)host_rand(&seed),
			.arch_cap = host_rand(&seed) & host_rand(&seed),
			.smt = host_rand(&seed) & 1,
		};

		check_random(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_all_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
