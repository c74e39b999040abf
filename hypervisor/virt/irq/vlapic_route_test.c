// SPDX-License-Identifier: GPL-2.0-or-later
// The local APIC's messages: IPIs in both modes, by hypercall and to itself, claims, MSIs.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

#define X(offset) (MSR_X2APIC_FIRST + ((offset) >> 4))

static uint32_t takers(unsigned nr, int vector)
{
	uint32_t who = 0;

	for (unsigned i = 0; i < nr; i++) {
		int got = test_take(i);

		if (got < 0)
			continue;
		assert_int_equal(got, vector);
		who |= 1u << i;
		vlapic_eoi(lapic(i));
	}
	return who;
}

static void ipi(unsigned from, uint32_t high, uint32_t low)
{
	wr(from, APIC_ICR_HIGH, high);
	wr(from, APIC_ICR, low);
}

static void test_ipi_xapic(void **state)
{
	(void)state;
	test_machine_start(NULL, 8);
	ipi(0, 3u << 24, 0x4071);
	assert_int_equal(takers(8, 0x71), 1u << 3);
	ipi(0, 0xffu << 24, 0x4072);
	assert_int_equal(takers(8, 0x72), 0xff);
	ipi(2, 0, 0x44073); /* self */
	assert_int_equal(takers(8, 0x73), 4);
	ipi(2, 0, 0x84074); /* all */
	assert_int_equal(takers(8, 0x74), 0xff);
	ipi(2, 0, 0xc4075); /* others */
	assert_int_equal(takers(8, 0x75), 0xfb);
	for (unsigned i = 0; i < 8; i++)
		wr(i, APIC_LDR, 1u << (24 + i));
	ipi(0, 0x90u << 24, 0x4876); /* logical, flat */
	assert_int_equal(takers(8, 0x76), 0x90);
	for (unsigned i = 0; i < 8; i++) {
		wr(i, APIC_DFR, 0x0fffffff);
		wr(i, APIC_LDR, (i / 4) << 28 | 1u << (24 + i % 4));
	}
	ipi(0, 0x15u << 24, 0x4877); /* logical, cluster 1, members 0 and 2 */
	assert_int_equal(takers(8, 0x77), 0x50);
	assert_int_equal(rd(0, APIC_ICR), 0x4877);
	ipi(0, 9u << 24, 0x4078); /* nobody */
	assert_int_equal(takers(8, 0x78), 0);
	assert_int_equal(machine.set->nr_dropped, 1);
}

static void test_ipi_x2apic(void **state)
{
	(void)state;
	test_machine_start(NULL, 20);
	for (unsigned i = 0; i < 20; i++)
		to_x2apic(i);
	assert_int_equal(vlapic_msr_write(lapic(0), X(APIC_ICR), 19ull << 32 | 0x4081), 0);
	assert_int_equal(takers(20, 0x81), 1u << 19);
	assert_int_equal(vlapic_msr_write(lapic(0), X(APIC_ICR), 0xffffffffull << 32 | 0x4082), 0);
	assert_int_equal(takers(20, 0x82), 0xfffff);
	/* logical: cluster 1, members 0 and 3 */
	assert_int_equal(vlapic_msr_write(lapic(0), X(APIC_ICR), 0x10009ull << 32 | 0x4883), 0);
	assert_int_equal(takers(20, 0x83), 0x9u << 16);
	/* 0xff is an id in a wide message */
	assert_int_equal(vlapic_msr_write(lapic(0), X(APIC_ICR), 0xffull << 32 | 0x4084), 0);
	assert_int_equal(takers(20, 0x84), 0);
}

/* The short way does what the long one does, or nothing. */
static void test_icr_to_self(void **state)
{
	static const struct {
		uint64_t icr;
		bool done;
	} values[] = {
		{ 0x40061, true }, /* self, fixed */
		{ 0x4c861, true }, /* level, assert, logical: no difference */
		{ 0x40010, true },
		{ 5ull << 32 | 0x400ff, true }, /* a destination that the shorthand overrules */
		{ 0x4000f, false },             /* no such vector */
		{ 0x40161, false },             /* lowest priority */
		{ 0x40400, false },             /* NMI */
		{ 0x41061, false },             /* reserved bits */
		{ 0x50061, false },
		{ 0x00061, false },
		{ 0x80061, false }, /* other shorthands */
		{ 0xc0061, false },
	};

	(void)state;
	test_machine_start(NULL, 2);
	assert_false(vlapic_icr_to_self(lapic(0), 0x40061)); /* xAPIC mode */
	to_x2apic(0);
	to_x2apic(1);
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t long_way = 0, icr = values[i].icr, short_way;

		assert_int_equal(vlapic_msr_read(lapic(0), X(APIC_ICR), &short_way), 0);
		assert_int_equal(vlapic_icr_to_self(lapic(0), icr), values[i].done);
		if (!values[i].done) {
			assert_int_equal(vlapic_msr_read(lapic(0), X(APIC_ICR), &long_way), 0);
			assert_int_equal(long_way, short_way);
			assert_int_equal(test_take(0), -1);
			continue;
		}
		vlapic_post_self(lapic(0), (uint8_t)icr);
		assert_int_equal(vlapic_msr_write(lapic(1), X(APIC_ICR), icr), 0);
		assert_int_equal(vlapic_msr_read(lapic(0), X(APIC_ICR), &short_way), 0);
		assert_int_equal(vlapic_msr_read(lapic(1), X(APIC_ICR), &long_way), 0);
		assert_int_equal(short_way, long_way);
		assert_int_equal(test_take(0), test_take(1));
		vlapic_eoi(lapic(0));
		vlapic_eoi(lapic(1));
	}
	assert_int_equal(vlapic_msr_write(lapic(0), X(APIC_SVR), 0xff), 0);
	assert_false(vlapic_icr_to_self(lapic(0), 0x40061)); /* switched off by software */
}

/* A vector that nothing is before may go to the guest without having been in IRR. */
static void test_claim(void **state)
{
	struct vlapic *l = lapic(0);

	(void)state;
	test_machine_start(NULL, 1);
	vlapic_accept(l, 0x61, true);
	assert_false(vlapic_claim(l, 0x71)); /* another waits */
	assert_int_equal(test_take(0), 0x61);
	vlapic_eoi(l);
	assert_int_equal(machine.vcpu[0].eois, 1);
	vlapic_set_cr8(l, 6);
	assert_false(vlapic_claim(l, 0x6f)); /* TPR forbids it */
	assert_true(vlapic_claim(l, 0x70));
	vlapic_in_service(l, 0x70);
	assert_int_equal(rd(0, APIC_PPR), 0x70);
	vlapic_set_cr8(l, 0);
	assert_false(vlapic_claim(l, 0x71)); /* of the class in service */
	vlapic_eoi(l);
	assert_int_equal(rd(0, APIC_PPR), 0);
	/* It was level-triggered once, now it is not. */
	assert_true(vlapic_claim(l, 0x61));
	vlapic_in_service(l, 0x61);
	vlapic_eoi(l);
	assert_int_equal(machine.vcpu[0].eois, 1);
	assert_int_equal(test_take(0), -1);
}

static void test_special_messages(void **state)
{
	(void)state;
	test_machine_start(NULL, 3);
	ipi(0, 1u << 24, 0x4500);
	assert_int_equal(machine.vcpu[1].inits, 1);
	ipi(0, 1u << 24, 0x8500); /* level de-assert: nothing */
	assert_int_equal(machine.vcpu[1].inits, 1);
	ipi(0, 1u << 24, 0x469a);
	assert_int_equal(machine.vcpu[1].startups, 1);
	assert_int_equal(machine.vcpu[1].startup_page, 0x9a);
	ipi(0, 0, 0xc4400);
	assert_int_equal(machine.vcpu[0].nmis, 0);
	assert_int_equal(machine.vcpu[1].nmis + machine.vcpu[2].nmis, 2);
	ipi(0, 1u << 24, 0x4200); /* SMI, reserved, ExtINT: nobody */
	ipi(0, 1u << 24, 0x4300);
	ipi(0, 1u << 24, 0x4700);
	assert_int_equal(machine.set->nr_dropped, 3);
}

static void test_lowest_priority_takes_turns(void **state)
{
	struct irq_msg m = { .dest = 0xff, .vector = 0x66, .mode = IRQ_LOWEST, .logical = true };
	uint32_t seen = 0;

	(void)state;
	test_machine_start(NULL, 4);
	wr(2, APIC_SVR, 0xff); /* would not take it */
	for (unsigned i = 0; i < 8; i++) {
		uint32_t who;

		assert_int_equal(vlapic_deliver(machine.set, &m), 1);
		who = takers(4, 0x66);
		assert_true(is_pow2(who));
		seen |= who;
	}
	assert_int_equal(seen, 0xb);
}

static void test_msi(void **state)
{
	struct irq_msg m;

	(void)state;
	assert_int_equal(msi_decode(0xfec00000, 0, &m), -EINVAL);
	assert_int_equal(msi_decode(0xfef00000, 0, &m), -EINVAL);
	assert_int_equal(msi_decode(0xfee05020 | 0x20, 0x8031, &m), 0);
	assert_int_equal(m.dest, 5 | 1 << 8);
	assert_int_equal(m.vector, 0x31);
	assert_true(m.level);
	assert_int_equal(msi_decode(0xfee0300c, 0x41, &m), 0);
	assert_true(m.logical);
	assert_int_equal(m.mode, IRQ_LOWEST);
}

static void test_pv_ipi(void **state)
{
	(void)state;
	test_machine_start(NULL, 20);
	assert_int_equal(vlapic_pv_ipi(lapic(0), 0x5, 0, 2, 0x90), 2);
	assert_int_equal(takers(20, 0x90), 0x14);
	assert_int_equal(vlapic_pv_ipi(lapic(0), 0, 1, 0, 0x91), 0); /* id 64: nobody */
	assert_int_equal(vlapic_pv_ipi(lapic(0), ~0ull, ~0ull, 0xffffffff, 0x91), 0);
	assert_int_equal(vlapic_pv_ipi(lapic(0), ~0ull, ~0ull, 0, 0x92), 20);
	assert_int_equal(takers(20, 0x92), 0xfffff);
	assert_int_equal(vlapic_pv_ipi(lapic(0), 2, 0, 0, 0x400), 1);
	assert_int_equal(machine.vcpu[1].nmis, 1);
	assert_int_equal(vlapic_pv_ipi(lapic(0), 1, 0, 0, 0x500), -EINVAL); /* INIT */
	assert_int_equal(vlapic_pv_ipi(lapic(0), 1, 0, 0, 7), -EINVAL);     /* vector 7 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipi_xapic),
		cmocka_unit_test(test_ipi_x2apic),
		cmocka_unit_test(test_icr_to_self),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_special_messages),
		cmocka_unit_test(test_lowest_priority_takes_turns),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_pv_ipi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
