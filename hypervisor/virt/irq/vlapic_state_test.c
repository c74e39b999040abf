// SPDX-License-Identifier: GPL-2.0-or-later
// The local APIC's external form: saved at random moments, and restored from garbage.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

#include "tests/host/rand.h"

#define X(offset) (MSR_X2APIC_FIRST + ((offset) >> 4))

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
		cmocka_unit_test(test_save_restore),
		cmocka_unit_test(test_restore_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
