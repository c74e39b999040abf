// SPDX-License-Identifier: GPL-2.0-or-later
// The local APIC's timer: its modes, firings that come late, and deadlines set early.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_one_shot), cmocka_unit_test(test_timer_stale_fire),
		cmocka_unit_test(test_timer_periodic), cmocka_unit_test(test_timer_tsc_deadline),
		cmocka_unit_test(test_timer_advance),  cmocka_unit_test(test_timer_near),
		cmocka_unit_test(test_timer_woken),    cmocka_unit_test(test_timer_state_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
