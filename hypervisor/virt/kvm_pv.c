// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock is a line through (tsc_timestamp, system_time) with the slope of the TSC's rate. With
 * TSCs that are stable, or one CPU alone, all vCPUs get the same line, through the VM's start; else
 * each vCPU's line is drawn anew from the present moment whenever it is stale. The version is odd
 * while a structure is written.
 */
#include "virt/kvm_pv.h"

#include "cpu/time.h"
#include "lib/errno.h"
#include "virt/gmem.h"
#include "virt/vcpu.h"

#define ENABLED          1ull
#define CLOCK_TSC_STABLE 1u
#define NSEC_PER_SEC     1000000000ull

/* Linux, "struct pvclock_vcpu_time_info". */
struct time_info {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad[2];
};
static_assert_size(struct time_info, 32);

struct wall_clock {
	uint32_t version, sec, nsec;
};
static_assert_size(struct wall_clock, 12);

/* ns = (ticks << shift) * mul >> 32 */
static void set_scale(struct time_info *t, uint32_t tsc_khz)
{
	uint64_t hz = (uint64_t)tsc_khz * 1000;

	t->tsc_shift = 0;
	for (; hz > 2 * NSEC_PER_SEC; hz >>= 1)
		t->tsc_shift--;
	for (; hz && hz <= NSEC_PER_SEC; hz <<= 1)
		t->tsc_shift++;
	t->tsc_to_system_mul = hz ? (uint32_t)((NSEC_PER_SEC << 32) / hz) : 0;
}

static void set_line(const struct vcpu *v, struct time_info *t, uint64_t guest_tsc)
{
	const struct vm *vm = v->vm;

	if (vm->cpuid.clock_stable) {
		t->tsc_timestamp = v->tsc_offset - vm->tsc_offset;
		/* A vCPU that moved its own TSC is right, but not comparable to the others. */
		t->flags = v->tsc_offset == vm->tsc_offset ? CLOCK_TSC_STABLE : 0;
		return;
	}
	t->tsc_timestamp = guest_tsc;
	t->system_time = time_now() - vm->start_ns;
}

void kvm_pv_update_time(struct vcpu *v)
{
	gpa_t gpa = v->pv.system_time & ~ENABLED;
	struct time_info t = { 0 };

	v->pv.time_stale = false;
	if (!(v->pv.system_time & ENABLED))
		return;
	v->pv.version = (v->pv.version + 2) & ~1u;
	set_scale(&t, v->vm->tsc_khz);
	set_line(v, &t, vcpu_guest_tsc(v));
	t.version = v->pv.version - 1;
	if (gmem_write(v->vm, gpa, &t.version, sizeof(t.version)))
		goto off;
	barrier();
	if (gmem_write(v->vm, gpa + 4, (char *)&t + 4, sizeof(t) - 4))
		goto off;
	barrier();
	t.version++;
	if (gmem_write(v->vm, gpa, &t.version, sizeof(t.version)) == 0)
		return;
off:
	v->pv.system_time = 0;
}

/* The time of day when the VM's clock was 0. */
static void write_wall_clock(struct vcpu *v, gpa_t gpa)
{
	uint64_t start = time_epoch() + v->vm->start_ns;
	struct wall_clock w;

	if (gmem_read(v->vm, gpa, &w, sizeof(w)))
		return;
	w = (struct wall_clock){ .version = (w.version + 2) & ~1u,
				 .sec = (uint32_t)(start / NSEC_PER_SEC),
				 .nsec = (uint32_t)(start % NSEC_PER_SEC) };
	/* An address without memory is the guest's loss. */
	if (gmem_write(v->vm, gpa, &w, sizeof(w)))
		v->pv.wall_clock = 0;
}

void kvm_pv_reset(struct vcpu *v)
{
	v->pv = (struct vcpu_pv){ .version = v->pv.version };
}

int kvm_pv_read_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	if (!v->vm->cpuid.kvm_pv)
		return -EINVAL;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW: *value = v->pv.wall_clock; return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW: *value = v->pv.system_time; return 0;
	case MSR_KVM_PV_EOI_EN: *value = v->pv.eoi; return 0;
	default: return -EINVAL;
	}
}

static int set_system_time(struct vcpu *v, uint64_t value)
{
	if (value & 2)
		return -EINVAL;
	v->pv.system_time = value;
	v->pv.time_stale = v->check_events = true;
	return 0;
}

static int set_eoi_page(struct vcpu *v, uint64_t value)
{
	if (value & 2)
		return -EINVAL;
	if (v->pv.eoi_pending)
		kvm_pv_sync_eoi(v, true);
	v->pv.eoi = value;
	return 0;
}

int kvm_pv_write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (!v->vm->cpuid.kvm_pv)
		return -EINVAL;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		v->pv.wall_clock = value;
		write_wall_clock(v, value);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW: return set_system_time(v, value);
	case MSR_KVM_PV_EOI_EN: return set_eoi_page(v, value);
	default: return -EINVAL;
	}
}

/* ---- PV EOI ---- */

void kvm_pv_set_eoi(struct vcpu *v)
{
	uint8_t flag = 1;

	if (!(v->pv.eoi & ENABLED) || !vlapic_pv_eoi_allowed(&v->lapic))
		return;
	if (gmem_write(v->vm, v->pv.eoi & ~ENABLED, &flag, 1))
		v->pv.eoi = 0;
	else
		v->pv.eoi_pending = true;
}

void kvm_pv_sync_eoi(struct vcpu *v, bool withdraw)
{
	gpa_t gpa = v->pv.eoi & ~ENABLED;
	uint8_t flag;

	if (gmem_read(v->vm, gpa, &flag, 1)) {
		/* The page is gone: the guest will write its EOI. */
		v->pv.eoi = 0;
		v->pv.eoi_pending = false;
	} else if (!(flag & 1)) {
		v->pv.eoi_pending = false;
		vcpu_count(v, COUNT_PV_EOI);
		vlapic_eoi(&v->lapic);
	} else if (withdraw) {
		flag &= (uint8_t)~1u;
		if (gmem_write(v->vm, gpa, &flag, 1))
			v->pv.eoi = 0;
		v->pv.eoi_pending = false;
	}
}
