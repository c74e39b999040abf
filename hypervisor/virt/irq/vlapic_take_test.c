// SPDX-License-Identifier: GPL-2.0-or-later
// Delivery in two steps (vlapic_take): a vector that the CPU carries is in neither IRR nor ISR, and
// the next of the same vector is one of its own. Last, random orders against a model.
// TEST-WITH: virt/irq/vlapic.c virt/irq/vlapic_regs.c virt/irq/vlapic_route.c
// TEST-WITH: virt/irq/vlapic_timer.c virt/irq/timer_advance.c virt/irq/msi.c
#include "tests/host/vcpus.h"

#include "tests/host/rand.h"

#define VECTOR 0x51

static bool bit(uint32_t reg, uint8_t vector)
{
	return *vlapic_word(lapic(0), reg, vector) & vector_bit(vector);
}

/* One of `vector` comes, and the CPU is told of it. */
static void carry(uint8_t vector)
{
	vlapic_accept(lapic(0), vector, false);
	assert_int_equal(vlapic_has_interrupt(lapic(0)), vector);
	vlapic_take(lapic(0), vector);
	assert_false(bit(APIC_IRR, vector));
	assert_false(bit(APIC_ISR, vector));
}

static void nothing_is_left(void)
{
	assert_int_equal(vlapic_has_interrupt(lapic(0)), -1);
	assert_false(vlapic_irr_any(lapic(0)));
	for (unsigned vector = 0; vector < 256; vector++) {
		assert_false(bit(APIC_IRR, (uint8_t)vector));
		assert_false(bit(APIC_ISR, (uint8_t)vector));
	}
	assert_int_equal(rd(0, APIC_PPR), rd(0, APIC_TPR));
}

/* The second comes while the first is carried, the CPU takes the first: both are delivered. */
static void test_second_while_carried(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	carry(VECTOR);
	assert_false(vlapic_irr_any(lapic(0)));
	vlapic_accept(lapic(0), VECTOR, false);
	vlapic_in_service(lapic(0), VECTOR);
	assert_true(bit(APIC_IRR, VECTOR));
	assert_true(bit(APIC_ISR, VECTOR));
	assert_int_equal(rd(0, APIC_PPR), VECTOR & 0xf0);
	assert_int_equal(test_take(0), -1); /* not before the first one's EOI */
	machine.vcpu[0].kicks = 0;
	vlapic_eoi(lapic(0));
	assert_int_equal(machine.vcpu[0].kicks, 1);
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	nothing_is_left();
}

/* Not taken: it waits as before, and IRR has one bit for both, as hardware's. */
static void test_put_back(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	carry(VECTOR);
	vlapic_put_back(lapic(0), VECTOR);
	assert_true(vlapic_irr_any(lapic(0)));
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	nothing_is_left();

	carry(VECTOR);
	vlapic_accept(lapic(0), VECTOR, false);
	vlapic_put_back(lapic(0), VECTOR);
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	nothing_is_left();
}

/* Carried again and again (each exit that finds it not taken), then taken with a second behind. */
static void test_put_back_then_second(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	vlapic_accept(lapic(0), VECTOR, false);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(vlapic_has_interrupt(lapic(0)), VECTOR);
		vlapic_take(lapic(0), VECTOR);
		vlapic_put_back(lapic(0), VECTOR);
	}
	vlapic_take(lapic(0), VECTOR);
	vlapic_accept(lapic(0), VECTOR, false);
	vlapic_in_service(lapic(0), VECTOR);
	vlapic_eoi(lapic(0));
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	nothing_is_left();
}

/* TPR rises while it is carried: held back in IRR, together with the second, until TPR falls. */
static void test_task_priority_meanwhile(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	carry(VECTOR);
	vlapic_put_back(lapic(0), VECTOR);
	vlapic_set_cr8(lapic(0), VECTOR >> 4);
	vlapic_accept(lapic(0), VECTOR, false);
	assert_int_equal(vlapic_has_interrupt(lapic(0)), -1);
	assert_true(vlapic_irr_any(lapic(0)));
	machine.vcpu[0].kicks = 0;
	vlapic_set_cr8(lapic(0), (VECTOR >> 4) - 1);
	assert_int_equal(machine.vcpu[0].kicks, 1);
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	vlapic_set_cr8(lapic(0), 0);
	nothing_is_left();
}

/* The CPU has taken it, then the guest raised TPR: the second waits for EOI and for TPR. */
static void test_task_priority_after(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	carry(VECTOR);
	vlapic_accept(lapic(0), VECTOR, false);
	vlapic_in_service(lapic(0), VECTOR);
	vlapic_set_cr8(lapic(0), 0xf);
	vlapic_eoi(lapic(0));
	assert_int_equal(vlapic_has_interrupt(lapic(0)), -1);
	vlapic_set_cr8(lapic(0), 0);
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));
	nothing_is_left();
}

/* A higher one comes while a lower one is carried: put back, it is delivered behind that; taken, it
 * is interrupted by that. */
static void test_higher_meanwhile(void **state)
{
	const uint8_t high = 0x92;

	(void)state;
	test_machine_start(NULL, 1);
	carry(VECTOR);
	vlapic_accept(lapic(0), high, false);
	vlapic_put_back(lapic(0), VECTOR);
	assert_int_equal(test_take(0), high);
	assert_int_equal(test_take(0), -1);
	vlapic_eoi(lapic(0));
	assert_int_equal(test_take(0), VECTOR);
	vlapic_eoi(lapic(0));

	carry(VECTOR);
	vlapic_accept(lapic(0), high, false);
	vlapic_in_service(lapic(0), VECTOR);
	assert_int_equal(test_take(0), high);
	vlapic_eoi(lapic(0));
	assert_int_equal(rd(0, APIC_PPR), VECTOR & 0xf0);
	vlapic_eoi(lapic(0));
	nothing_is_left();
}

/* The end of a level-triggered one is told, once for each. */
static void test_level(void **state)
{
	(void)state;
	test_machine_start(NULL, 1);
	for (unsigned i = 1; i <= 2; i++) {
		vlapic_accept(lapic(0), VECTOR, true);
		vlapic_take(lapic(0), VECTOR);
		vlapic_in_service(lapic(0), VECTOR);
		vlapic_eoi(lapic(0));
		assert_int_equal(machine.vcpu[0].eois, i);
		assert_int_equal(machine.vcpu[0].eoi_vector, VECTOR);
	}
	nothing_is_left();
}

/* ---- random orders ---- */

#define NR_VECTORS 4
#define NOTHING    (-1)

/* Two share a word of IRR, two a class of priority. */
static const uint8_t vectors[NR_VECTORS] = { 0x31, 0x3e, 0x51, 0xf2 };

/* What IRR, ISR and the CPU hold; vectors as indexes. */
static struct {
	bool irr[NR_VECTORS], isr[NR_VECTORS];
	int carried;
	unsigned tpr, posted, merged, delivered;
} model;

static int highest(const bool *set)
{
	for (int i = NR_VECTORS - 1; i >= 0; i--)
		if (set[i])
			return i;
	return NOTHING;
}

static unsigned priority(int i)
{
	return i < 0 ? 0 : vectors[i] >> 4;
}

static int deliverable(void)
{
	int i = highest(model.irr);
	unsigned isr = priority(highest(model.isr));

	return i >= 0 && priority(i) > MAX(model.tpr, isr) ? i : NOTHING;
}

static void check_model(void)
{
	int i = deliverable();

	assert_int_equal(vlapic_has_interrupt(lapic(0)), i < 0 ? -1 : vectors[i]);
	for (i = 0; i < NR_VECTORS; i++) {
		assert_int_equal(bit(APIC_IRR, vectors[i]), model.irr[i]);
		assert_int_equal(bit(APIC_ISR, vectors[i]), model.isr[i]);
	}
}

static void post(int i)
{
	vlapic_accept(lapic(0), vectors[i], false);
	model.posted++;
	model.merged += model.irr[i];
	model.irr[i] = true;
}

static void tell_cpu(void)
{
	model.carried = deliverable();
	if (model.carried < 0)
		return;
	model.irr[model.carried] = false;
	vlapic_take(lapic(0), vectors[model.carried]);
}

static void exit_finds(bool taken)
{
	int i = model.carried;

	if (taken) {
		vlapic_in_service(lapic(0), vectors[i]);
		model.isr[i] = true;
		model.delivered++;
	} else {
		vlapic_put_back(lapic(0), vectors[i]);
		model.merged += model.irr[i];
		model.irr[i] = true;
	}
	model.carried = NOTHING;
}

static void end_interrupt(void)
{
	int i = highest(model.isr);

	if (i >= 0)
		model.isr[i] = false;
	vlapic_eoi(lapic(0));
}

static void set_tpr(unsigned tpr)
{
	model.tpr = tpr;
	vlapic_set_cr8(lapic(0), (uint8_t)tpr);
}

/* While the CPU carries one, others post; all else happens at the exit, which ends that. */
static void random_step(uint64_t *rng)
{
	if (host_rand_below(rng, 2))
		post((int)host_rand_below(rng, NR_VECTORS));
	else if (model.carried >= 0)
		exit_finds(host_rand_below(rng, 2));
	else if (host_rand_below(rng, 2))
		tell_cpu();
	else if (host_rand_below(rng, 2))
		end_interrupt();
	else
		set_tpr((unsigned)host_rand_below(rng, 16));
}

static void finish_all(void)
{
	set_tpr(0);
	if (model.carried >= 0)
		exit_finds(true);
	for (unsigned i = 0; i < 2 * NR_VECTORS; i++) {
		while (highest(model.isr) >= 0)
			end_interrupt();
		tell_cpu();
		if (model.carried >= 0)
			exit_finds(true);
	}
	end_interrupt();
}

static void test_random_orders(void **state)
{
	uint64_t rng = 1;

	(void)state;
	test_machine_start(NULL, 1);
	memset(&model, 0, sizeof(model));
	model.carried = NOTHING;
	for (unsigned i = 0; i < 100000; i++) {
		random_step(&rng);
		check_model();
	}
	finish_all();
	nothing_is_left();
	assert_int_equal(model.posted, model.merged + model.delivered);
	assert_true(model.delivered > 1000 && model.merged > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_while_carried),
		cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_put_back_then_second),
		cmocka_unit_test(test_task_priority_meanwhile),
		cmocka_unit_test(test_task_priority_after),
		cmocka_unit_test(test_higher_meanwhile),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_random_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
