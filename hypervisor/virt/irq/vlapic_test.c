// SPDX-License-Identifier: GPL-2.0-or-later
// The local APIC: registers in both modes, priorities, messages, the timer, and its external form.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

#include "tests/host/rand.h"

#define X(offset) (MSR_X2APIC_FIRST + ((offset) >> 4))

static void test_reset_values(void **state)
{
	(void)state;
	test_machine_start(NULL, 2);
	vlapic_reset(lapic(1), false);
	assert_int_equal(rd(1, APIC_ID), 1u << 24);
	assert_int_equal(rd(1, APIC_VERSION), 0x50014);
	assert_int_equal(rd(1, APIC_SVR), 0xff);
	assert_int_equal(rd(1, APIC_DFR), 0xffffffff);
	assert_int_equal(rd(1, APIC_LVT_LINT0), LVT_MASKED);
	assert_int_equal(vlapic_get_base(lapic(1)), 0xfee00800);
	assert_int_equal(vlapic_get_base(lapic(0)), 0xfee00900);
	assert_true(vlapic_accepts_pic(lapic(0)));
	assert_false(vlapic_accepts_pic(lapic(1)));
}

static void test_registration_limits(void **state)
{
	static struct vlapic_set set;
	static struct vlapic l[VM_MAX_VCPUS + 1];
	static uint32_t page[1024];
	static struct vcpu v;

	(void)state;
	vlapic_set_init(&set, &test_ops);
	assert_int_equal(vlapic_init(&l[0], &set, &v, 255, true, page), -EINVAL);
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		assert_int_equal(vlapic_init(&l[i], &set, &v, i, i == 0, page), 0);
	assert_int_equal(vlapic_init(&l[64], &set, &v, 3, false, page), -EEXIST);
	assert_int_equal(vlapic_init(&l[64], &set, &v, 100, false, page), -ENOSPC);
}

static void test_priorities(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	vlapic_accept(lapic(0), 0x41, false);
	vlapic_accept(lapic(0), 0x52, false);
	assert_int_equal(machine.vcpu[0].kicks, 2);
	assert_int_equal(test_take(0), 0x52);
	assert_int_equal(rd(0, APIC_PPR), 0x50);
	assert_int_equal(test_take(0), -1);
	vlapic_accept(lapic(0), 0x5f, false); /* same class: waits */
	assert_int_equal(test_take(0), -1);
	vlapic_accept(lapic(0), 0x60, false); /* nests */
	assert_int_equal(test_take(0), 0x60);
	wr(0, APIC_EOI, 0);
	assert_int_equal(rd(0, APIC_PPR), 0x50);
	machine.vcpu[0].kicks = 0;
	vlapic_eoi(lapic(0));
	assert_int_equal(machine.vcpu[0].kicks, 1); /* 0x5f is due now */
	assert_int_equal(test_take(0), 0x5f);
	vlapic_eoi(lapic(0));
	assert_int_equal(test_take(0), 0x41);
	vlapic_eoi(lapic(0));
	assert_int_equal(test_take(0), -1);
	assert_int_equal(rd(0, APIC_PPR), 0);
	vlapic_eoi(lapic(0)); /* with nothing in service: no effect */
}

static void test_task_priority(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	vlapic_set_cr8(lapic(0), 4);
	assert_int_equal(rd(0, APIC_TPR), 0x40);
	vlapic_accept(lapic(0), 0x4f, false);
	assert_int_equal(test_take(0), -1);
	assert_true(vlapic_irr_any(lapic(0)));
	machine.vcpu[0].kicks = 0;
	wr(0, APIC_TPR, 0x3f);
	assert_int_equal(machine.vcpu[0].kicks, 1);
	assert_int_equal(vlapic_get_cr8(lapic(0)), 3);
	assert_int_equal(rd(0, APIC_PPR), 0x3f);
	assert_int_equal(test_take(0), 0x4f);
}

/* Every fixed vector is taken once, in order of priority, below 16 none. */
static void test_all_vectors(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	for (unsigned vector = 0; vector < 256; vector++)
		vlapic_accept(lapic(0), (uint8_t)vector, false);
	for (int vector = 255; vector >= 16; vector--) {
		assert_int_equal(test_take(0), vector);
		vlapic_eoi(lapic(0));
	}
	assert_int_equal(test_take(0), -1);
	wr(0, APIC_ESR, 0);
	assert_int_equal(rd(0, APIC_ESR), ESR_RECV_ILLEGAL);
	wr(0, APIC_ESR, 0);
	assert_int_equal(rd(0, APIC_ESR), 0);
}

static void test_level_eoi_and_pv_eoi(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	vlapic_accept(lapic(0), 0x30, true);
	assert_int_equal(test_take(0), 0x30);
	assert_false(vlapic_pv_eoi_allowed(lapic(0)));
	vlapic_eoi(lapic(0));
	assert_int_equal(machine.vcpu[0].eois, 1);
	assert_int_equal(machine.vcpu[0].eoi_vector, 0x30);
	vlapic_accept(lapic(0), 0x30, false);
	assert_int_equal(test_take(0), 0x30);
	assert_true(vlapic_pv_eoi_allowed(lapic(0)));
	vlapic_accept(lapic(0), 0x20, false);
	assert_false(vlapic_pv_eoi_allowed(lapic(0)));
	vlapic_eoi(lapic(0));
	assert_int_equal(machine.vcpu[0].eois, 1);
}

/* Which MSRs can be read and written in x2APIC mode, and reserved bits. */
static void test_x2apic_registers(void **state)
{
	static const uint16_t readable[] = {
		APIC_ID,          APIC_VERSION,     APIC_TPR,           APIC_PPR,
		APIC_LDR,         APIC_SVR,         APIC_ESR,           APIC_ICR,
		APIC_LVT_TIMER,   APIC_LVT_THERMAL, APIC_LVT_PERF,      APIC_LVT_LINT0,
		APIC_LVT_LINT1,   APIC_LVT_ERROR,   APIC_TIMER_INITIAL, APIC_TIMER_CURRENT,
		APIC_TIMER_DIVIDE
	};
	uint64_t value;

	(void)state;
	test_machine_start(NULL, 20);
	for (uint32_t msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr++) {
		assert_int_equal(vlapic_msr_read(lapic(17), msr, &value), -EINVAL);
		assert_int_equal(vlapic_msr_write(lapic(17), msr, 0), -EINVAL);
	}
	to_x2apic(17);
	for (uint32_t msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr++) {
		uint32_t offset = (msr - MSR_X2APIC_FIRST) << 4;
		bool want = offset >= APIC_ISR && offset < APIC_ESR;

		for (unsigned i = 0; i < ARRAY_SIZE(readable); i++)
			want |= readable[i] == offset;
		assert_int_equal(vlapic_msr_read(lapic(17), msr, &value), want ? 0 : -EINVAL);
		assert_int_equal(vlapic_msr_write(lapic(17), msr, 1ull << 32),
				 offset == APIC_ICR ? 0 : -EINVAL);
	}
	assert_int_equal(vlapic_msr_read(lapic(17), X(APIC_ID), &value), 0);
	assert_int_equal(value, 17);
	assert_int_equal(vlapic_msr_read(lapic(17), X(APIC_LDR), &value), 0);
	assert_int_equal(value, 1u << 16 | 2);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_EOI), 1), -EINVAL);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_EOI), 0), 0);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_ESR), 1), -EINVAL);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_TPR), 0x100), -EINVAL);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_LVT_TIMER), 1u << 20), -EINVAL);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_ICR), 1u << 13), -EINVAL);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_SELF_IPI), 0x99), 0);
	assert_int_equal(test_take(17), 0x99);
	assert_int_equal(vlapic_msr_write(lapic(17), X(APIC_SELF_IPI), 0x100), -EINVAL);
	assert_false(vlapic_mmio_hit(lapic(17), VLAPIC_BASE_DEFAULT));
}

static void test_mode_transitions(void **state)
{
	const uint64_t off = VLAPIC_BASE_DEFAULT, x = off | APIC_BASE_ENABLED,
		       x2 = x | APIC_BASE_X2APIC, bad = off | APIC_BASE_X2APIC;
	const struct {
		uint64_t from, to;
		int want;
	} table[] = { { off, off, 0 },       { off, x, 0 },       { off, x2, -EINVAL },
		      { off, bad, -EINVAL }, { x, off, 0 },       { x, x, 0 },
		      { x, x2, 0 },          { x, bad, -EINVAL }, { x2, off, 0 },
		      { x2, x, -EINVAL },    { x2, x2, 0 },       { x2, bad, -EINVAL } };

	(void)state;
	test_machine_start(NULL, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(vlapic_restore_base(lapic(1), table[i].from), 0);
		assert_int_equal(vlapic_set_base(lapic(1), table[i].to), table[i].want);
		assert_int_equal(vlapic_get_base(lapic(1)),
				 table[i].want ? table[i].from : table[i].to);
	}
	assert_int_equal(vlapic_set_base(lapic(1), x | 1), -EINVAL);
	assert_int_equal(vlapic_set_base(lapic(1), x | 1ull << 52), -EINVAL);
	assert_int_equal(vlapic_restore_base(lapic(1), bad), -EINVAL);
	assert_int_equal(vlapic_restore_base(lapic(1), x), 0);
	/* The BSP bit cannot be changed, the base can. */
	assert_int_equal(vlapic_set_base(lapic(1), 0xfed00000 | APIC_BASE_ENABLED | APIC_BASE_BSP),
			 0);
	assert_int_equal(vlapic_get_base(lapic(1)), 0xfed00000 | APIC_BASE_ENABLED);
	assert_true(vlapic_mmio_hit(lapic(1), 0xfed00ff0));
	assert_false(vlapic_mmio_hit(lapic(1), 0xfee00000));
}

/* A disabled APIC forgets everything, the x2APIC's logical id too. */
static void test_disable_forgets(void **state)
{
	(void)state;
	test_machine_start(NULL, 2);
	to_x2apic(1);
	vlapic_accept(lapic(1), 0x80, false);
	assert_int_equal(vlapic_set_base(lapic(1), VLAPIC_BASE_DEFAULT), 0);
	assert_int_equal(test_take(1), -1);
	assert_int_equal(vlapic_set_base(lapic(1), VLAPIC_BASE_DEFAULT | APIC_BASE_ENABLED), 0);
	assert_int_equal(rd(1, APIC_LDR), 0);
	assert_int_equal(rd(1, APIC_ID), 1u << 24);
	assert_int_equal(rd(1, APIC_SVR), 0xff);
	assert_int_equal(test_take(1), -1);
}

static void test_init_keeps_mode(void **state)
{
	uint64_t value;

	(void)state;
	test_machine_start(NULL, 3);
	to_x2apic(2);
	vlapic_reset(lapic(2), true);
	assert_true(vlapic_x2apic(lapic(2)));
	assert_int_equal(vlapic_msr_read(lapic(2), X(APIC_LDR), &value), 0);
	assert_int_equal(value, 4);
}

static void test_mmio_shapes(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	wr(0, APIC_LDR, 0xffffffff);
	assert_int_equal(rd(0, APIC_LDR), 0xff000000);
	wr(0, APIC_DFR, 0);
	assert_int_equal(rd(0, APIC_DFR), 0x0fffffff);
	assert_int_equal(vlapic_mmio_read(lapic(0), APIC_VERSION + 2, 1), 5);
	assert_int_equal(vlapic_mmio_read(lapic(0), APIC_VERSION + 4, 4), 0);
	assert_int_equal(vlapic_mmio_read(lapic(0), APIC_VERSION, 8), 0x50014);
	vlapic_mmio_write(lapic(0), APIC_TPR, 1, 0x20);
	vlapic_mmio_write(lapic(0), APIC_TPR + 4, 4, 0x20);
	assert_int_equal(rd(0, APIC_TPR), 0);
	/* The whole page is safe at every width; what does not exist is an error. */
	for (uint32_t offset = 0; offset < 0x1000; offset++)
		for (unsigned len = 1; len <= 8; len *= 2) {
			vlapic_mmio_read(lapic(0), offset, len);
			if (offset != APIC_ICR)
				vlapic_mmio_write(lapic(0), offset, len, 0);
		}
	wr(0, APIC_ESR, 0);
	assert_int_equal(rd(0, APIC_ESR), ESR_BAD_REGISTER);
	wr(0, APIC_SELF_IPI, 0x99); /* an x2APIC's register */
	wr(0, APIC_SVR, 0x1ff);
	assert_int_equal(test_take(0), -1);
}

static void test_software_disable(void **state)
{
	(void)state;
	test_machine_start(NULL, 2);
	wr(1, APIC_LVT_ERROR, 0x44);
	wr(1, APIC_SVR, 0xff);
	assert_int_equal(rd(1, APIC_LVT_ERROR), LVT_MASKED | 0x44);
	wr(1, APIC_LVT_ERROR, 0x45);
	assert_int_equal(rd(1, APIC_LVT_ERROR), LVT_MASKED | 0x45);
	assert_int_equal(
		vlapic_deliver(machine.set, &(struct irq_msg){ .dest = 1, .vector = 0x50 }), 0);
	assert_int_equal(machine.set->nr_dropped, 1);
	assert_int_equal(
		vlapic_deliver(machine.set, &(struct irq_msg){ .dest = 1, .mode = IRQ_NMI }), 1);
	assert_int_equal(machine.vcpu[1].nmis, 1);
}

static void test_error_interrupt(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	wr(0, APIC_LVT_ERROR, 0xe1);
	wr(0, APIC_ICR, 0x40000 | 5); /* self, vector 5 */
	assert_int_equal(test_take(0), 0xe1);
	wr(0, APIC_ESR, 0);
	assert_int_equal(rd(0, APIC_ESR), ESR_SEND_ILLEGAL);
}

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

static void test_timer_one_shot(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	wr(0, APIC_LVT_TIMER, 0x40);
	wr(0, APIC_TIMER_DIVIDE, 0xb); /* by 1 */
	wr(0, APIC_TIMER_INITIAL, 1000);
	assert_int_equal(machine.vcpu[0].timer, machine.now + 1000);
	test_advance(400);
	assert_int_equal(rd(0, APIC_TIMER_CURRENT), 600);
	wr(0, APIC_TIMER_DIVIDE, 0); /* by 2: what is left takes twice as long */
	assert_int_equal(rd(0, APIC_TIMER_CURRENT), 600);
	test_advance(1199);
	assert_int_equal(test_take(0), -1);
	test_advance(1);
	assert_int_equal(test_take(0), 0x40);
	assert_int_equal(rd(0, APIC_TIMER_CURRENT), 0);
	vlapic_eoi(lapic(0));
	test_advance(1000000);
	assert_int_equal(test_take(0), -1);
	wr(0, APIC_TIMER_INITIAL, 1000);
	wr(0, APIC_TIMER_INITIAL, 0); /* stops */
	assert_int_equal(machine.vcpu[0].timer, VLAPIC_NO_DEADLINE);
	wr(0, APIC_LVT_TIMER, LVT_MASKED | 0x40);
	wr(0, APIC_TIMER_INITIAL, 10);
	test_advance(1000);
	assert_int_equal(test_take(0), -1);
}

/* A firing of an earlier setting that comes late does nothing. */
static void test_timer_stale_fire(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	wr(0, APIC_LVT_TIMER, 0x40);
	wr(0, APIC_TIMER_DIVIDE, 0xb);
	wr(0, APIC_TIMER_INITIAL, 5000);
	vlapic_timer_fired(lapic(0));
	assert_int_equal(test_take(0), -1);
	assert_int_equal(machine.vcpu[0].timer, machine.now + 5000);
	test_advance(5000);
	assert_int_equal(test_take(0), 0x40);
	vlapic_eoi(lapic(0));
	vlapic_timer_fired(lapic(0));
	assert_int_equal(test_take(0), -1);
}

static void test_timer_periodic(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	wr(0, APIC_LVT_TIMER, LVT_TIMER_PERIODIC | 0x41);
	wr(0, APIC_TIMER_DIVIDE, 0xb);
	wr(0, APIC_TIMER_INITIAL, 100000);
	for (unsigned i = 0; i < 3; i++) {
		test_advance(100000);
		assert_int_equal(test_take(0), 0x41);
		vlapic_eoi(lapic(0));
	}
	test_advance(1050000); /* ticks that were missed are one */
	assert_int_equal(test_take(0), 0x41);
	vlapic_eoi(lapic(0));
	assert_int_equal(test_take(0), -1);
	assert_int_equal(rd(0, APIC_TIMER_CURRENT), 50000);
	wr(0, APIC_TIMER_INITIAL, 1); /* no storm */
	assert_true(machine.vcpu[0].timer >= machine.now + 10000);
}

static void test_timer_tsc_deadline(void **state)
{
	uint64_t value;

	(void)state;
	test_machine_start(NULL, 1);
	assert_int_equal(vlapic_msr_write(lapic(0), MSR_TSC_DEADLINE, 1), 0); /* other mode */
	assert_int_equal(vlapic_msr_read(lapic(0), MSR_TSC_DEADLINE, &value), 0);
	assert_int_equal(value, 0);
	wr(0, APIC_LVT_TIMER, LVT_TIMER_DEADLINE | 0x42);
	assert_int_equal(vlapic_msr_write(lapic(0), MSR_TSC_DEADLINE, machine.now * 2 + 1001), 0);
	assert_int_equal(machine.vcpu[0].timer, machine.now + 501);
	test_advance(500);
	assert_int_equal(test_take(0), -1);
	test_advance(1);
	assert_int_equal(test_take(0), 0x42);
	vlapic_eoi(lapic(0));
	assert_int_equal(vlapic_msr_read(lapic(0), MSR_TSC_DEADLINE, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(vlapic_msr_write(lapic(0), MSR_TSC_DEADLINE, 5), 0); /* in the past */
	assert_int_equal(test_take(0), 0x42);
	vlapic_eoi(lapic(0));
	assert_int_equal(vlapic_msr_write(lapic(0), MSR_TSC_DEADLINE, ~0ull), 0);
	vlapic_timer_rearm(lapic(0));
	wr(0, APIC_TIMER_INITIAL, 5); /* ignored in this mode */
	wr(0, APIC_LVT_TIMER, 0x42);  /* leaving the mode disarms */
	assert_int_equal(machine.vcpu[0].timer, VLAPIC_NO_DEADLINE);
	test_advance(1000000);
	assert_int_equal(test_take(0), -1);
}

/* One timer of vCPU 0, `ahead` ticks from now; from the host's timer to the guest it is a way of
 * `ns`. How many ticks after the deadline the guest is entered. */
static int64_t timer_over(uint64_t ahead, uint64_t ns, bool halt)
{
	struct vlapic *l = lapic(0);
	uint64_t deadline = machine.now * 2 + ahead;
	int64_t late;

	assert_int_equal(vlapic_msr_write(l, MSR_TSC_DEADLINE, deadline), 0);
	if (!(halt && vlapic_timer_halt(l)) && machine.vcpu[0].timer != VLAPIC_NO_DEADLINE)
		test_advance(machine.vcpu[0].timer - machine.now);
	machine.now += ns;
	assert_int_equal(test_take(0), 0x42);
	if (halt)
		vlapic_timer_woken(l);
	if (l->due)
		vlapic_timer_wait(l);
	vlapic_eoi(l);
	late = (int64_t)(machine.now * 2 - deadline);
	assert_true(late >= 0);
	assert_int_equal(l->due, 0);
	return late;
}

static void start_deadline_timer(void)
{
	test_machine_start(NULL, 1);
	wr(0, APIC_LVT_TIMER, LVT_TIMER_DEADLINE | 0x42);
}

/* The guest has its interrupt at its deadline, never before it, in HLT and out of it. */
static void test_timer_advance(void **state)
{
	(void)state;
	start_deadline_timer();
	assert_int_equal(timer_over(100000, 450, false), 900);
	for (unsigned i = 0; i < 80; i++)
		timer_over(100000, i % 2 ? 850 : 450, i % 2);
	assert_in_range(timer_over(100001, 450, false), 0, 1);
	assert_in_range(timer_over(100001, 850, true), 0, 1);
	assert_in_range(lapic(0)->advance[TIMER_IN_GUEST].ticks, 890, 910);
	assert_in_range(lapic(0)->advance[TIMER_IN_HLT].ticks, 1690, 1710);
	/* The CPU was another's for a while. */
	assert_int_equal(timer_over(100000, 50000, false) / 1000, 99);
	assert_in_range(timer_over(100000, 450, false), 0, 1);
}

/* Nearer than the way is long: no timer of the host's. */
static void test_timer_near(void **state)
{
	unsigned sets;

	(void)state;
	start_deadline_timer();
	for (unsigned i = 0; i < 80; i++)
		timer_over(100000, i % 2 ? 850 : 450, i % 2);
	sets = machine.vcpu[0].timer_sets;
	assert_int_equal(timer_over(600, 100, false), 0);
	assert_int_equal(machine.vcpu[0].timer_sets, sets);
	assert_int_equal(timer_over(1200, 100, true), 0);
	assert_in_range(lapic(0)->advance[TIMER_IN_GUEST].ticks, 890, 910);
	assert_in_range(lapic(0)->advance[TIMER_IN_HLT].ticks, 1690, 1710);
}

/* HLT was over before the timer went off: how late the guest is entered says nothing. */
static void test_timer_woken(void **state)
{
	struct vlapic *l = lapic(0);

	(void)state;
	start_deadline_timer();
	for (unsigned i = 0; i < 80; i++)
		timer_over(100000, 850, true);
	assert_int_equal(vlapic_msr_write(l, MSR_TSC_DEADLINE, machine.now * 2 + 100000), 0);
	assert_false(vlapic_timer_halt(l));
	vlapic_timer_woken(l);
	test_advance(machine.vcpu[0].timer - machine.now);
	assert_int_equal(test_take(0), 0x42);
	vlapic_timer_wait(l);
	vlapic_eoi(l);
	assert_in_range(l->advance[TIMER_IN_HLT].ticks, 1690, 1710);
}

/* A state that is taken between the host's timer and the deadline has the timer running still, and
 * one taken after the interrupt was given out is not the past's. */
static void test_timer_state_early(void **state)
{
	struct vlapic *l = lapic(0);
	uint64_t deadline, tsc_deadline;
	uint32_t regs[64];

	(void)state;
	start_deadline_timer();
	for (unsigned i = 0; i < 80; i++)
		timer_over(100000, 850, false);
	for (unsigned taken = 0; taken < 2; taken++) {
		deadline = machine.now * 2 + 100000;
		assert_int_equal(vlapic_msr_write(l, MSR_TSC_DEADLINE, deadline), 0);
		test_advance(machine.vcpu[0].timer - machine.now);
		assert_true(machine.now * 2 < deadline);
		if (taken)
			assert_int_equal(vlapic_has_interrupt(l), 0x42);
		vlapic_get_state(l, regs, &tsc_deadline);
		assert_int_equal(tsc_deadline, taken ? 0 : deadline);
		assert_int_equal(vlapic_has_interrupt(l), taken ? 0x42 : -1);
		if (!taken)
			test_advance(machine.vcpu[0].timer - machine.now);
		assert_true(machine.now * 2 >= deadline);
		assert_int_equal(test_take(0), 0x42);
		vlapic_eoi(l);
		l->due = 0;
	}
}

static void test_lint(void **state)
{
	(void)state;
	test_machine_start(NULL, 2);
	wr(1, APIC_LVT_LINT1, IRQ_NMI << 8);
	vlapic_lint(lapic(1), 1);
	assert_int_equal(machine.vcpu[1].nmis, 1);
	wr(1, APIC_LVT_LINT0, 0x51);
	vlapic_lint(lapic(1), 0);
	assert_int_equal(test_take(1), 0x51);
	machine.vcpu[0].kicks = machine.vcpu[1].kicks = 0;
	wr(0, APIC_LVT_LINT0, IRQ_EXTINT << 8);
	vlapic_pic_raised(machine.set);
	assert_int_equal(machine.vcpu[0].kicks, 1);
	assert_int_equal(machine.vcpu[1].kicks, 0);
}

/* ---- external form ---- */

static void random_write(unsigned i, uint64_t kind, uint64_t value)
{
	static const uint16_t offsets[] = { APIC_TPR,       APIC_EOI,           APIC_SVR,
					    APIC_ESR,       APIC_LVT_TIMER,     APIC_LVT_THERMAL,
					    APIC_LVT_PERF,  APIC_LVT_LINT0,     APIC_LVT_LINT1,
					    APIC_LVT_ERROR, APIC_TIMER_INITIAL, APIC_TIMER_DIVIDE,
					    APIC_ICR,       APIC_SELF_IPI };
	uint16_t offset = offsets[kind % ARRAY_SIZE(offsets)];

	if (offset == APIC_ICR)
		value = 0x40000 | (value & 0xff); /* to itself */
	if (offset == APIC_TIMER_INITIAL)
		value &= 0xfffff;
	if (offset == APIC_SVR)
		value |= value & 6 ? SVR_ENABLED : 0;
	if (vlapic_x2apic(lapic(i)))
		vlapic_msr_write(lapic(i), X(offset),
				 offset == APIC_SVR            ? value & 0x1ff
				 : offset == APIC_TIMER_DIVIDE ? value & 0xb
				 : offset >= APIC_LVT_TIMER && offset <= APIC_LVT_ERROR
					 ? value & 0x306ff
				 : offset == APIC_EOI || offset == APIC_ESR ? 0
									    : value & 0xff);
	else
		wr(i, offset, (uint32_t)value);
}

/* The same to both: they have the same id, so nothing tells them apart. */
static void random_step(uint64_t *r)
{
	uint64_t kind = host_rand(r), value = host_rand(r), what = host_rand_below(r, 10);

	for (unsigned i = 0; i < 2; i++) {
		if (what < 6)
			random_write(i, kind, (uint32_t)value);
		else if (what == 6)
			vlapic_accept(lapic(i), (uint8_t)value, kind & 1);
		else if (what == 7)
			vlapic_msr_write(lapic(i), MSR_TSC_DEADLINE,
					 machine.now * 2 + (value & 0xffff));
	}
	if (what == 8)
		test_advance(value & 0x3ffff);
	if (what == 9)
		assert_int_equal(test_take(0), test_take(1));
}

static void assert_same(void)
{
	uint32_t a[64], b[64];
	uint64_t ta, tb;

	vlapic_get_state(lapic(0), a, &ta);
	vlapic_get_state(lapic(1), b, &tb);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(ta, tb);
	assert_int_equal(machine.vcpu[0].timer, machine.vcpu[1].timer);
}

static struct vlapic_set sets[2];

static void two_alike(void)
{
	memset(&machine, 0, sizeof(machine));
	machine.now = 1000000;
	for (unsigned i = 0; i < 2; i++) {
		vlapic_set_init(&sets[i], &test_ops);
		machine.vcpu[i].timer = VLAPIC_NO_DEADLINE;
		assert_int_equal(vlapic_init(lapic(i), &sets[i], &machine.vcpu[i], 5, true,
					     machine.vcpu[i].page),
				 0);
	}
}

/* Save one at a random moment, restore it into the other, which has had a past of its own: from
 * then on both do the same. */
static void test_save_restore(void **state)
{
	uint64_t r = 42;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t regs[64];
		uint64_t tsc;

		two_alike();
		if (round & 1)
			for (unsigned i = 0; i < 2; i++)
				to_x2apic(i);
		for (unsigned i = 0; i < 30; i++)
			random_write((unsigned)host_rand_below(&r, 2), host_rand(&r),
				     host_rand(&r));
		for (uint64_t n = host_rand_below(&r, 60); n; n--) {
			uint64_t kind = host_rand(&r);

			random_write(0, kind, host_rand(&r));
			if (kind & 0x100)
				vlapic_accept(lapic(0), (uint8_t)kind, kind & 0x200);
			if (kind & 0x400)
				test_take(0);
			if ((kind & 0x1800) == 0)
				test_advance(kind >> 40 & 0xffff);
		}
		vlapic_get_state(lapic(0), regs, &tsc);
		assert_int_equal(vlapic_restore_base(lapic(1), vlapic_get_base(lapic(0))), 0);
		vlapic_set_state(lapic(1), regs, tsc);
		/* The count is kept in whole units of the divisor: put both on one grid. */
		vlapic_set_state(lapic(0), regs, tsc);
		assert_same();
		for (unsigned i = 0; i < 60; i++)
			random_step(&r);
		assert_same();
	}
}

/* Any state is safe, and what it restores to is a state. */
static void test_restore_garbage(void **state)
{
	uint64_t r = 7;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		uint32_t regs[64], out[64];
		uint64_t tsc;

		two_alike();
		if (round & 1)
			to_x2apic(0);
		for (unsigned i = 0; i < 64; i++)
			regs[i] = (uint32_t)host_rand(&r);
		vlapic_set_state(lapic(0), regs, host_rand(&r));
		vlapic_get_state(lapic(0), out, &tsc);
		assert_int_equal(out[APIC_ISR >> 4] & 0xffff, 0);
		assert_int_equal(out[APIC_VERSION >> 4], 0x50014);
		for (unsigned i = 0; i < 300; i++) {
			int vector = test_take(0);

			assert_true(vector < 0 || vector >= 16);
			vlapic_eoi(lapic(0));
		}
		assert_int_equal(test_take(0), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_values),
		cmocka_unit_test(test_registration_limits),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_task_priority),
		cmocka_unit_test(test_all_vectors),
		cmocka_unit_test(test_level_eoi_and_pv_eoi),
		cmocka_unit_test(test_x2apic_registers),
		cmocka_unit_test(test_mode_transitions),
		cmocka_unit_test(test_disable_forgets),
		cmocka_unit_test(test_init_keeps_mode),
		cmocka_unit_test(test_mmio_shapes),
		cmocka_unit_test(test_software_disable),
		cmocka_unit_test(test_error_interrupt),
		cmocka_unit_test(test_ipi_xapic),
		cmocka_unit_test(test_ipi_x2apic),
		cmocka_unit_test(test_icr_to_self),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_special_messages),
		cmocka_unit_test(test_lowest_priority_takes_turns),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_pv_ipi),
		cmocka_unit_test(test_timer_one_shot),
		cmocka_unit_test(test_timer_stale_fire),
		cmocka_unit_test(test_timer_periodic),
		cmocka_unit_test(test_timer_tsc_deadline),
		cmocka_unit_test(test_timer_advance),
		cmocka_unit_test(test_timer_near),
		cmocka_unit_test(test_timer_woken),
		cmocka_unit_test(test_timer_state_early),
		cmocka_unit_test(test_lint),
		cmocka_unit_test(test_save_restore),
		cmocka_unit_test(test_restore_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
