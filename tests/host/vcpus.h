/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs for the tests of the interrupt controllers: they count what is asked of them, and time
 * stands still until a test moves it. The guest's TSC runs at 2 GHz.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "virt/irq/vlapic.h"
#include "virt/irq/vlapic_priv.h"

#define TEST_VCPUS 20

struct vcpu {
	struct vlapic lapic;
	uint32_t page[1024] __aligned(4096);
	uint64_t timer; /* as set_timer left it */
	unsigned kicks, nmis, inits, startups, eois, timer_sets;
	uint8_t startup_page, eoi_vector, posted_vector;
};

struct test_machine {
	struct vlapic_set *set, own_set;
	uint64_t now;
	struct vcpu vcpu[TEST_VCPUS];
};
static struct test_machine machine;

static void test_kick(struct vcpu *v)
{
	v->kicks++;
}
static void test_posted(struct vcpu *v, uint8_t vector)
{
	v->kicks++;
	v->posted_vector = vector;
}
static void test_set_timer(struct vcpu *v, uint64_t deadline)
{
	v->timer = deadline;
	v->timer_sets++;
}
static uint64_t test_now(struct vcpu *v)
{
	(void)v;
	return machine.now;
}
static uint64_t test_guest_tsc(struct vcpu *v)
{
	(void)v;
	return machine.now * 2;
}
static uint64_t test_tsc_to_now(struct vcpu *v, uint64_t tsc)
{
	(void)v;
	return tsc / 2 + tsc % 2;
}
static void test_wait_tsc(struct vcpu *v, uint64_t tsc)
{
	(void)v;
	assert_in_range(tsc, machine.now * 2, machine.now * 2 + TIMER_ADVANCE_MAX);
	machine.now = test_tsc_to_now(v, tsc);
}
static void test_init(struct vcpu *v)
{
	v->inits++;
}
static void test_startup(struct vcpu *v, uint8_t page)
{
	v->startups++;
	v->startup_page = page;
}
static void test_nmi(struct vcpu *v)
{
	v->nmis++;
}
static void (*test_eoi_hook)(struct vcpu *v, uint8_t vector);
static void test_eoi(struct vcpu *v, uint8_t vector)
{
	v->eois++;
	v->eoi_vector = vector;
	if (test_eoi_hook)
		test_eoi_hook(v, vector);
}

static const struct vlapic_ops test_ops = {
	.kick = test_kick,
	.posted = test_posted,
	.pic_raised = test_kick,
	.set_timer = test_set_timer,
	.now = test_now,
	.guest_tsc = test_guest_tsc,
	.tsc_to_now = test_tsc_to_now,
	.wait_tsc = test_wait_tsc,
	.init = test_init,
	.startup = test_startup,
	.nmi = test_nmi,
	.eoi = test_eoi,
};

static struct vlapic *lapic(unsigned i)
{
	return &machine.vcpu[i].lapic;
}

/* `nr` vCPUs with ids 0.. in `set`, powered on; the APICs are enabled by software. */
static inline void test_machine_start(struct vlapic_set *set, unsigned nr)
{
	struct vlapic_set *to = set ? set : &machine.own_set;

	memset(&machine, 0, sizeof(machine));
	machine.set = to;
	machine.now = 1000000;
	if (!set)
		vlapic_set_init(to, &test_ops);
	for (unsigned i = 0; i < nr; i++) {
		machine.vcpu[i].timer = VLAPIC_NO_DEADLINE;
		assert_int_equal(vlapic_init(lapic(i), to, &machine.vcpu[i], i, i == 0,
					     machine.vcpu[i].page),
				 0);
		vlapic_mmio_write(lapic(i), APIC_SVR, 4, 0x1ff);
	}
}

/* Lets time pass; host timers go off. */
__maybe_unused static void test_advance(uint64_t ns)
{
	machine.now += ns;
	for (unsigned i = 0; i < TEST_VCPUS; i++) {
		struct vcpu *v = &machine.vcpu[i];

		if (v->lapic.set && v->timer <= machine.now) {
			v->timer = VLAPIC_NO_DEADLINE;
			vlapic_timer_fired(&v->lapic);
		}
	}
}

/* What the run loop does: takes the next interrupt. */
__maybe_unused static int test_take(unsigned i)
{
	int vector = vlapic_has_interrupt(lapic(i));

	if (vector >= 0)
		vlapic_ack(lapic(i), (uint8_t)vector);
	return vector;
}

__maybe_unused static uint32_t rd(unsigned i, uint32_t offset)
{
	return (uint32_t)vlapic_mmio_read(lapic(i), offset, 4);
}

__maybe_unused static void wr(unsigned i, uint32_t offset, uint32_t value)
{
	vlapic_mmio_write(lapic(i), offset, 4, value);
}

__maybe_unused static void to_x2apic(unsigned i)
{
	assert_int_equal(vlapic_set_base(lapic(i), vlapic_get_base(lapic(i)) | APIC_BASE_X2APIC),
			 0);
}
