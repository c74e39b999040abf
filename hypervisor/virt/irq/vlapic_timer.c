// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC's timer. It counts nanoseconds (a bus of 1 GHz) and is kept as the deadline alone;
 * the current count is computed when it is read. The host timer only sets timer_fired; the owner
 * then looks whether the deadline has passed, so a firing that was overtaken does no harm. A TSC
 * deadline's host timer is set `early`, by what was learned of the way into the guest.
 */
#include "virt/irq/vlapic_priv.h"

/* A shorter period is stretched to this: a guest cannot make a storm of host interrupts. */
#define PERIOD_MIN_NS 50000u

static bool mode_is_deadline(const struct vlapic *l)
{
	return (vlapic_reg(l, APIC_LVT_TIMER) & LVT_TIMER_MODE) == LVT_TIMER_DEADLINE;
}

static bool mode_is_periodic(const struct vlapic *l)
{
	return (vlapic_reg(l, APIC_LVT_TIMER) & LVT_TIMER_MODE) == LVT_TIMER_PERIODIC;
}

/* SDM 3A, "Divide Configuration Register": bits 3, 1, 0 are log2 of the divisor less one. */
static unsigned divide_shift(const struct vlapic *l)
{
	uint32_t d = vlapic_reg(l, APIC_TIMER_DIVIDE);

	return (((d & 3) | (d & 8) >> 1) + 1) & 7;
}

static uint64_t now_ns(struct vlapic *l)
{
	return l->set->ops->now(l->vcpu);
}

static void arm(struct vlapic *l, uint64_t deadline)
{
	if (deadline == VLAPIC_NO_DEADLINE && l->deadline == VLAPIC_NO_DEADLINE)
		return;
	l->deadline = deadline;
	l->set->ops->set_timer(l->vcpu, deadline);
}

static uint64_t period_ns(const struct vlapic *l)
{
	uint64_t ns = (uint64_t)vlapic_reg(l, APIC_TIMER_INITIAL) << divide_shift(l);

	return MAX(ns, (uint64_t)PERIOD_MIN_NS);
}

/* The first multiple of the period from the old deadline that lies ahead: no burst of ticks that
 * were missed. */
static void next_period(struct vlapic *l, uint64_t now)
{
	uint64_t period = period_ns(l);

	arm(l, l->deadline + ((now - l->deadline) / period + 1) * period);
}

static void expire(struct vlapic *l, uint64_t now)
{
	if (mode_is_periodic(l)) {
		next_period(l, now);
	} else {
		l->deadline = VLAPIC_NO_DEADLINE; /* the host timer has gone off, if it was armed */
		l->tsc_deadline = 0;
	}
	vlapic_local_deliver(l, APIC_LVT_TIMER);
}

static void merge_ns(struct vlapic *l)
{
	uint64_t now = now_ns(l);

	if (now < l->deadline)
		l->set->ops->set_timer(l->vcpu, l->deadline);
	else
		expire(l, now);
}

static uint64_t guest_tsc(struct vlapic *l)
{
	return l->set->ops->guest_tsc(l->vcpu);
}

static uint64_t advance(const struct vlapic *l)
{
	return l->way < TIMER_UNKNOWN ? l->advance[l->way].ticks : 0;
}

/* Ahead by more than what is wanted, or set for the deadline itself. */
static void arm_tsc(struct vlapic *l)
{
	uint64_t early = advance(l), deadline;

	if (guest_tsc(l) + early >= l->tsc_deadline) {
		early = 0;
		l->way = TIMER_UNKNOWN;
	}
	l->early = (uint32_t)early;
	deadline = l->set->ops->tsc_to_now(l->vcpu, l->tsc_deadline - early);
	arm(l, MIN(deadline, VLAPIC_NO_DEADLINE - 1));
}

static void merge_tsc(struct vlapic *l)
{
	if (guest_tsc(l) + l->early < l->tsc_deadline) {
		arm_tsc(l);
		return;
	}
	l->due = l->tsc_deadline;
	expire(l, 0);
}

void vlapic_timer_merge(struct vlapic *l)
{
	__atomic_store_n(&l->timer_fired, 0, __ATOMIC_SEQ_CST);
	if (l->deadline == VLAPIC_NO_DEADLINE)
		return;
	if (l->tsc_deadline)
		merge_tsc(l);
	else
		merge_ns(l);
}

void vlapic_timer_wait(struct vlapic *l)
{
	uint64_t due = l->due;
	int64_t late = (int64_t)(guest_tsc(l) - due);

	l->due = 0;
	if (l->way < TIMER_UNKNOWN)
		timer_advance_learn(&l->advance[l->way], late);
	/* A TSC that was set back meanwhile leaves nothing to wait for. */
	if (late < 0 && late >= -TIMER_ADVANCE_MAX)
		l->set->ops->wait_tsc(l->vcpu, due);
}

void vlapic_timer_catch_up(struct vlapic *l)
{
	l->way = TIMER_UNKNOWN;
	l->early = 0;
	vlapic_timer_merge(l);
	if (l->due)
		vlapic_timer_wait(l);
}

void vlapic_timer_fired(struct vlapic *l)
{
	__atomic_store_n(&l->timer_fired, 1, __ATOMIC_SEQ_CST);
	l->set->ops->kick(l->vcpu);
}

void vlapic_timer_stop(struct vlapic *l)
{
	arm(l, VLAPIC_NO_DEADLINE);
	l->tsc_deadline = 0;
}

static void start_count(struct vlapic *l, uint64_t count)
{
	uint64_t ns = count << divide_shift(l);

	if (mode_is_periodic(l))
		ns = MAX(ns, (uint64_t)PERIOD_MIN_NS);
	arm(l, now_ns(l) + ns);
}

/* The initial count was written. */
void vlapic_timer_start(struct vlapic *l)
{
	uint32_t initial = vlapic_reg(l, APIC_TIMER_INITIAL);

	if (mode_is_deadline(l))
		return;
	if (initial)
		start_count(l, initial);
	else
		vlapic_timer_stop(l);
}

void vlapic_timer_set_lvt(struct vlapic *l, uint32_t lvt)
{
	bool was_deadline = mode_is_deadline(l);

	vlapic_reg_set(l, APIC_LVT_TIMER, lvt);
	if (mode_is_deadline(l) != was_deadline) {
		vlapic_timer_stop(l);
		vlapic_reg_set(l, APIC_TIMER_INITIAL, 0);
	}
}

uint32_t vlapic_timer_current(struct vlapic *l)
{
	uint64_t now, left;

	if (mode_is_deadline(l) || l->deadline == VLAPIC_NO_DEADLINE)
		return 0;
	now = now_ns(l);
	if (now < l->deadline)
		left = l->deadline - now;
	else if (mode_is_periodic(l))
		left = period_ns(l) - (now - l->deadline) % period_ns(l);
	else
		return 0;
	/* Until it fires the count is not 0. */
	left = MAX(left >> divide_shift(l), 1ull);
	return (uint32_t)MIN(left, (uint64_t)vlapic_reg(l, APIC_TIMER_INITIAL));
}

/* The count that is left goes on at the new rate. */
void vlapic_timer_set_divide(struct vlapic *l, uint32_t value)
{
	uint32_t left = vlapic_timer_current(l);

	vlapic_reg_set(l, APIC_TIMER_DIVIDE, value & DIVIDE_VALID);
	if (left)
		start_count(l, left);
}

/* The deadline is nearer than the way into the guest is long: the rest is waited out there. */
static bool give_out_near(struct vlapic *l)
{
	uint64_t tsc = l->tsc_deadline;

	if (guest_tsc(l) + advance(l) < tsc)
		return false;
	vlapic_timer_stop(l);
	l->due = tsc;
	l->way = TIMER_UNKNOWN;
	vlapic_local_deliver(l, APIC_LVT_TIMER);
	return true;
}

/* SDM 3A, "TSC-Deadline Mode": in the other modes a write is ignored; one that lies in the past
 * fires at once. */
void vlapic_timer_set_tsc_deadline(struct vlapic *l, uint64_t tsc)
{
	if (!mode_is_deadline(l))
		return;
	if (!tsc) {
		vlapic_timer_stop(l);
		return;
	}
	l->tsc_deadline = tsc;
	l->way = TIMER_IN_GUEST;
	if (!give_out_near(l))
		arm_tsc(l);
}

bool vlapic_timer_halt(struct vlapic *l)
{
	if (!l->tsc_deadline)
		return false;
	l->way = TIMER_IN_HLT;
	if (give_out_near(l))
		return true;
	if (l->early != advance(l))
		arm_tsc(l);
	return false;
}

void vlapic_timer_rearm(struct vlapic *l)
{
	if (l->tsc_deadline)
		arm_tsc(l);
	else if (l->deadline != VLAPIC_NO_DEADLINE)
		l->set->ops->set_timer(l->vcpu, l->deadline);
}

/* After LVT, divide and initial count were set. */
void vlapic_timer_restore(struct vlapic *l, uint32_t current, uint64_t tsc_deadline)
{
	vlapic_timer_stop(l);
	__atomic_store_n(&l->timer_fired, 0, __ATOMIC_SEQ_CST);
	l->due = 0;
	l->way = TIMER_UNKNOWN;
	if (mode_is_deadline(l)) {
		l->tsc_deadline = tsc_deadline;
		if (tsc_deadline)
			arm_tsc(l);
		return;
	}
	current = MIN(current, vlapic_reg(l, APIC_TIMER_INITIAL));
	if (current || (mode_is_periodic(l) && vlapic_reg(l, APIC_TIMER_INITIAL)))
		start_count(l, current);
}
