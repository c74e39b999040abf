// SPDX-License-Identifier: GPL-2.0-or-later
// vCPUs: made and freed, reset, reached by others. A request is a bit and a kick; what the
// interrupt controllers need of a vCPU is a thin layer over that. The timer belongs to the CPU that
// armed it, so only the owner touches it; others see no more than that it has fired.
#include "virt/vcpu.h"

#include "cpu/lapic.h"
#include "cpu/log.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"
#include "virt/vm_maps.h"

/* ---- requests ---- */

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	__atomic_fetch_or(&v->requests, requests, __ATOMIC_SEQ_CST);
	switch (__atomic_load_n(&v->mode, __ATOMIC_SEQ_CST)) {
	case VCPU_GUEST: ipi_wake(v->cpu); break; /* not for this CPU: then v is the caller */
	case VCPU_ASLEEP: wait_wake(&v->wait, 1); break;
	default: break;
	}
}

static void op_kick(struct vcpu *v)
{
	vcpu_request(v, VREQ_EVENT);
}

static void op_posted(struct vcpu *v, uint8_t vector)
{
	(void)vector;
	vcpu_request(v, VREQ_EVENT);
}

static void op_init(struct vcpu *v)
{
	vcpu_request(v, VREQ_INIT);
}

static void op_startup(struct vcpu *v, uint8_t page)
{
	__atomic_store_n(&v->sipi_vector, page, __ATOMIC_SEQ_CST);
	vcpu_request(v, VREQ_SIPI);
}

static void op_nmi(struct vcpu *v)
{
	vcpu_request(v, VREQ_NMI);
}

static void op_eoi(struct vcpu *v, uint8_t vector)
{
	irqchip_eoi(&v->vm->irqchip, vector);
}

/* ---- time ---- */

uint64_t vcpu_guest_tsc(struct vcpu *v)
{
	return time_tsc() + v->tsc_offset;
}

static __noinline void tsc_users_changed(struct vcpu *v)
{
	if (v->lapic.tsc_deadline)
		vlapic_timer_rearm(&v->lapic);
	if (v->pv.system_time)
		v->pv.time_stale = v->check_events = true;
}

void vcpu_tsc_changed(struct vcpu *v)
{
	if (v->lapic.tsc_deadline | v->pv.system_time)
		tsc_users_changed(v);
	virt->tsc_offset_changed(v);
}

static void op_set_timer(struct vcpu *v, uint64_t deadline)
{
	v->timer_deadline = deadline;
	v->timer_changed = true;
}

static uint64_t op_now(struct vcpu *v)
{
	(void)v;
	return time_now();
}

static uint64_t op_tsc_to_now(struct vcpu *v, uint64_t tsc)
{
	int64_t ahead = (int64_t)(tsc - vcpu_guest_tsc(v));

	return time_now() + (ahead > 0 ? time_tsc_to_ns((uint64_t)ahead) + 1 : 0);
}

static void op_wait_tsc(struct vcpu *v, uint64_t tsc)
{
	uint64_t until = tsc - v->tsc_offset;

	while ((int64_t)(__builtin_ia32_rdtsc() - until) < 0)
		cpu_relax();
}

static void fire(struct timer *t)
{
	vlapic_timer_fired(&container_of(t, struct vcpu, timer)->lapic);
}

/* Armed by another CPU. One that has fired may be doing so still: that CPU is asked as well, or the
 * vCPU could be freed under its hands once the timer is armed here. */
static bool is_elsewhere(const struct timer *t)
{
	cpu_id_t cpu = CPU_ID(__atomic_load_n(&t->cpu.n, __ATOMIC_ACQUIRE));

	return !cpu_id_eq(cpu, this_cpu_id()) && !cpu_id_eq(cpu, CPU_ID_NONE);
}

bool vcpu_arm_timer(struct vcpu *v, bool wait)
{
	struct timer *t = &v->timer;

	if (is_elsewhere(t)) {
		if (!wait)
			return false;
		timer_cancel(t);
	}
	v->timer_changed = false;
	if (v->timer_deadline != VLAPIC_NO_DEADLINE)
		timer_arm(t, v->timer_deadline);
	else if (t->armed)
		timer_cancel(t);
	return true;
}

struct vlapic_ops vcpu_lapic_ops = {
	.kick = op_kick,
	.posted = op_posted,
	.pic_raised = op_kick,
	.set_timer = op_set_timer,
	.now = op_now,
	.guest_tsc = vcpu_guest_tsc,
	.tsc_to_now = op_tsc_to_now,
	.wait_tsc = op_wait_tsc,
	.init = op_init,
	.startup = op_startup,
	.nmi = op_nmi,
	.eoi = op_eoi,
};

/* ---- reset ---- */

int vcpu_acquire_whole(struct vcpu *v)
{
	int err = vcpu_acquire(v);

	if (err < 0)
		return err;
	fpu_fetch(&v->fpu);
	fpu_release(&v->fpu);
	return 0;
}

static void reset_fpu(struct vcpu *v)
{
	fpu_release(&v->fpu);
	fpu_state_init(&v->fpu, v->fpu.area);
	fpu_set_xcr0(&v->fpu, XCR0_X87);
}

void vcpu_reset(struct vcpu *v, bool init)
{
	vlapic_reset(&v->lapic, init);
	guest_msr_reset(v, init);
	if (!init) {
		kvm_pv_reset(v);
		reset_fpu(v);
	}
	virt->reset(v, init);
	v->exception.valid = v->interrupted.valid = v->injected.valid = false;
	v->nmi_pending = 0;
	v->io = 0;
	v->shutdown = false;
	v->check_events = true;
	v->mp_state = v->index == 0 ? MP_RUNNABLE : MP_WAIT_FOR_SIPI;
}

/* ---- faults ---- */

static bool is_contributory(uint8_t vector)
{
	return vector == EXCEPTION_DE || (vector >= EXCEPTION_TS && vector <= EXCEPTION_GP);
}

/* APM 2, "Double-Fault Exception": the pairs that make #DF. */
static bool makes_double_fault(uint8_t first, uint8_t second)
{
	if (first == EXCEPTION_PF)
		return second == EXCEPTION_PF || is_contributory(second);
	return is_contributory(first) && is_contributory(second);
}

void vcpu_raise(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
	struct vcpu_pending *first = &v->exception;

	if (v->interrupted.valid && v->interrupted.type == EVENT_EXCEPTION)
		first = &v->interrupted;
	v->check_events = true;
	if (first->valid && first->vector == EXCEPTION_DF) {
		v->shutdown = true;
		return;
	}
	if (first->valid && makes_double_fault(first->vector, vector)) {
		vector = EXCEPTION_DF;
		has_error = true;
		error = 0;
	}
	if (first->valid)
		first->valid = false;
	v->exception = (struct vcpu_pending){
		.valid = true,
		.has_error = has_error,
		.vector = vector,
		.type = EVENT_EXCEPTION,
		.error = error,
	};
}

/* ---- life ---- */

uint64_t vcpu_memory(void)
{
	/* VMCB, local APIC, run page. */
	return virt->vcpu_size + fpu_area_size() + 3 * PAGE_SIZE;
}

static void *zeroed_page(struct vm *vm)
{
	phys_t pa = page_alloc(vm->container, 0, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);

	return pa ? phys_to_virt(pa) : NULL;
}

static void free_page(void *page)
{
	if (page)
		page_free(virt_to_phys(page), 0);
}

void vcpu_free(struct vcpu *v)
{
	if (!v)
		return;
	if (v->timer.fire)
		timer_cancel(&v->timer);
	ASSERT(v->fpu.cpu < 0 || !v->fpu.area);
	virt->destroy(v);
	free_page(v->run);
	free_page(v->lapic_page);
	kfree(v->fpu.area);
	kfree(v);
}

static int init_memory(struct vcpu *v)
{
	void *area = kalloc(v->vm->container, fpu_area_size());

	v->run = zeroed_page(v->vm);
	v->lapic_page = zeroed_page(v->vm);
	if (area)
		fpu_state_init(&v->fpu, area);
	return area && v->run && v->lapic_page ? 0 : -ENOMEM;
}

static int init_vcpu(struct vcpu *v, struct vm *vm, unsigned index)
{
	int err;

	v->vm = vm;
	v->index = (uint16_t)index;
	v->cpu = CPU_ID_NONE;
	v->tsc_offset = vm->tsc_offset;
	v->timer_deadline = VLAPIC_NO_DEADLINE;
	wait_queue_init(&v->wait);
	timer_init(&v->timer, fire);
	err = init_memory(v);
	if (err == 0)
		err = virt->create(v);
	if (err == 0)
		err = vlapic_init(&v->lapic, &vm->irqchip.lapics, v, index, index == 0,
				  v->lapic_page);
	return err;
}

static int create(struct vm *vm, unsigned index, struct vcpu **out)
{
	struct vcpu *v;
	int err;

	if (vm->vcpus[index])
		return -EEXIST;
	v = kalloc(vm->container, virt->vcpu_size);
	if (!v)
		return -ENOMEM;
	err = init_vcpu(v, vm, index);
	if (err < 0) {
		vcpu_free(v);
		return err;
	}
	vcpu_reset(v, false);
	object_init(&v->object, &vcpu_object_ops, vm->container);
	vm_get(vm);
	__atomic_store_n(&vm->vcpus[index], v, __ATOMIC_RELEASE);
	__atomic_fetch_add(&vm->nr_vcpus, 1, __ATOMIC_RELAXED);
	*out = v;
	return 0;
}

int vcpu_create(struct vm *vm, unsigned index, struct vcpu **out)
{
	int err;

	if (index >= vm->nr_vcpus_max)
		return -EINVAL;
	vm_begin_change(vm);
	err = create(vm, index, out);
	vm_end_change(vm);
	return err;
}

/* The last handle is gone; the memory goes with the VM. */
static void object_destroy(struct object *o)
{
	vm_put(container_of(o, struct vcpu, object)->vm);
}

static int object_mmap(struct object *o, struct as_map_args *args, bool shared)
{
	if (!shared || args->offset != 0 || args->size != PAGE_SIZE || (args->rights & AS_EXEC))
		return -EINVAL;
	args->kind = AS_KIND_RUN_PAGE;
	args->page = virt_to_phys(container_of(o, struct vcpu, object)->run);
	return 0;
}

const struct object_ops vcpu_object_ops = {
	.name = "vcpu",
	.destroy = object_destroy,
	.mmap = object_mmap,
};
