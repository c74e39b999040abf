// SPDX-License-Identifier: GPL-2.0-or-later
// The local APIC: registers in both modes, priorities, its modes and errors.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

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
	for (unsigned vector = 0; vector < 256; vector++) {
		machine.vcpu[0].kicks = 0;
		vlapic_accept(lapic(0), (uint8_t)vector, false);
		/* Who follows posted events is told which. */
		assert_int_equal(machine.vcpu[0].kicks, vector >= 16);
		assert_true(vector < 16 || machine.vcpu[0].posted_vector == vector);
	}
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
	assert_int_equal(machine.vcpu[0].posted_vector, 0xe1);
	assert_int_equal(test_take(0), 0xe1);
	wr(0, APIC_ESR, 0);
	assert_int_equal(rd(0, APIC_ESR), ESR_SEND_ILLEGAL);
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
		cmocka_unit_test(test_lint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
