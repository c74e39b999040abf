// SPDX-License-Identifier: GPL-2.0-or-later
// A VM's life, its state and what is told about it. vCPUs are freed with their VM, so that others
// may reach them through it at any time; the list of VMs holds no references.
#include "virt/vm.h"

#include "cpu/cpu.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"
#include "virt/vm_maps.h"

#define CPUID_POWER           0x80000007u
#define CPUID_POWER_D_INV_TSC (1u << 8)

static const struct lock_class vm_class = { "vm", LOCK_RANK_VM };
static const struct lock_class list_class = { "vm list", LOCK_RANK_LEAF };

/* All VMs. Locks: `lock` guards list and count; the next id is atomic. */
static struct {
	struct lock lock;
	struct list_head list;
	unsigned count;
	uint64_t next_id;
} vms = { .lock = LOCK_INIT(&list_class), .list = LIST_HEAD_INIT(vms.list), .next_id = 1 };

/* ---- ports of the interrupt controllers ---- */

static bool pic_port(struct vcpu *v, const struct vm_io *io, bool write, uint64_t addr,
		     unsigned len, uint64_t *value)
{
	uint32_t data = (uint32_t)*value;

	(void)io;
	if (!irqchip_port(&v->vm->irqchip, (uint16_t)addr, write, len, &data))
		return false;
	*value = data;
	return true;
}

static int add_pic(struct vm *vm)
{
	static const struct vm_io ranges[] = {
		{ .first = 0x20, .last = 0x21, .fn = pic_port },
		{ .first = 0xa0, .last = 0xa1, .fn = pic_port },
		{ .first = 0x4d0, .last = 0x4d1, .fn = pic_port },
	};
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ranges) && err == 0; i++)
		err = vm_add_port(vm, &ranges[i]);
	return err;
}

/* ---- life ---- */

static void free_parts(struct vm *vm)
{
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		vcpu_free(vm->vcpus[i]);
	vm_io_destroy(vm);
	vm_memory_destroy(vm);
	if (vm->sched)
		sched_group_close(vm->sched);
	sched_group_put(vm->sched);
}

static void destroy(struct object *o)
{
	struct vm *vm = container_of(o, struct vm, object);

	lock_acquire(&vms.lock);
	list_del(&vm->link);
	vms.count--;
	lock_release(&vms.lock);
	free_parts(vm);
	kfree(vm);
}

const struct object_ops vm_object_ops = { .name = "vm", .destroy = destroy };

static bool tsc_is_stable(void)
{
	return cpuid(0x80000000u, 0).eax >= CPUID_POWER &&
	       (cpuid(CPUID_POWER, 0).edx & CPUID_POWER_D_INV_TSC);
}

static void init_cpuid(struct vm *vm)
{
	bool stable = tsc_is_stable();
	const struct cpuid_policy policy = {
		.host = cpuid,
		.host_xcr0 = fpu_has_xsave() ? fpu_host_xcr0() : 0,
		.nr_vcpus = vm->nr_vcpus_max,
		.tsc_khz = vm->tsc_khz,
		.kvm_pv = !(vm->flags & VM_NO_KVM_PV),
		.tsc_stable = stable,
		/* One CPU's TSC agrees with itself, and is the host's own clock. */
		.clock_stable = stable || cpu_count() == 1,
		.spec_ctrl_host = virt->has_spec_ctrl(),
	};

	cpuid_init(&vm->cpuid, &policy);
}

static void init_vm(struct vm *vm, struct container *c, const struct vm_create *args)
{
	vm->container = c;
	vm->id = __atomic_fetch_add(&vms.next_id, 1, __ATOMIC_RELAXED);
	vm->flags = args->flags;
	vm->nr_vcpus_max = args->nr_vcpus_max;
	vm->tsc_khz = time_tsc_khz();
	vm->tsc_offset = 0 - time_tsc();
	vm->start_ns = time_now();
	str_copy(vm->name, args->name, sizeof(vm->name));
	lock_init(&vm->lock, &vm_class);
	irqchip_init(&vm->irqchip, &vcpu_lapic_ops);
	init_cpuid(vm);
}

static int init_parts(struct vm *vm)
{
	if (sched_group_create(vm->container, vm->id, vm->nr_vcpus_max, &vm->sched) < 0)
		return -ENOMEM;
	if (vm_memory_init(vm) < 0 || vm_io_init(vm) < 0)
		return -ENOMEM;
	return vm->flags & VM_NO_IRQCHIP ? 0 : add_pic(vm);
}

static bool args_valid(const struct vm_create *a)
{
	return a->nr_vcpus_max >= 1 && a->nr_vcpus_max <= VM_MAX_VCPUS && !a->reserved &&
	       !(a->flags & ~(VM_NO_IRQCHIP | VM_NO_KVM_PV)) &&
	       strnlen(a->name, sizeof(a->name)) < sizeof(a->name) &&
	       (!a->tsc_khz || a->tsc_khz == time_tsc_khz());
}

int vm_create(struct container *c, const struct vm_create *args, struct vm **out)
{
	struct vm *vm;

	if (!virt || !args_valid(args))
		return virt ? -EINVAL : -ENODEV;
	vm = kalloc(c, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	init_vm(vm, c, args);
	if (init_parts(vm) < 0) {
		free_parts(vm);
		kfree(vm);
		return -ENOMEM;
	}
	object_init(&vm->object, &vm_object_ops, c);
	lock_acquire(&vms.lock);
	vms.count++;
	list_add_tail(&vm->link, &vms.list);
	lock_release(&vms.lock);
	*out = vm;
	return 0;
}

/* ---- state and figures ---- */

void vm_set_state(struct vm *vm, enum vm_state state, int32_t exit_code, const char *reason)
{
	lock_acquire(&vm->lock);
	/* A VM that failed stays so; the first reason says what happened. */
	if (vm->state != VM_STATE_FAILED) {
		vm->state = state;
		vm->exit_code = exit_code;
		str_copy(vm->reason, reason, sizeof(vm->reason));
	}
	lock_release(&vm->lock);
}

static void add_vcpu_info(struct vm_info *info, const struct vcpu *v)
{
	info->nr_vcpus++;
	info->run_time_ns += time_tsc_to_ns(vcpu_run_time(v));
	info->guest_time_ns += time_tsc_to_ns(READ_ONCE(v->guest_ticks));
	for (unsigned i = 0; i < COUNT_COUNT; i++)
		info->counters[i].count += READ_ONCE(v->counters[i]);
}

static uint64_t kernel_memory(const struct vm *vm, unsigned nr_vcpus)
{
	return sizeof(*vm) + READ_ONCE(vm->npt.nr_tables) * PAGE_SIZE + nr_vcpus * vcpu_memory();
}

void vm_get_info(struct vm *vm, struct vm_info *info)
{
	static const char *const names[] = {
#define X(id, name) [COUNT_##id] = name,
		VCPU_COUNTERS(X)
#undef X
	};
	_Static_assert(COUNT_COUNT <= VM_INFO_COUNTERS, "all counters fit");

	memset(info, 0, sizeof(*info));
	memcpy(info->name, vm->name, sizeof(info->name));
	info->id = vm->id;
	info->memory = READ_ONCE(vm->memory);
	info->nr_counters = COUNT_COUNT;
	info->nr_reasons = COUNT_REASONS;
	for (unsigned i = 0; i < COUNT_COUNT; i++)
		str_copy(info->counters[i].name, names[i], sizeof(info->counters[i].name));
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		const struct vcpu *v = __atomic_load_n(&vm->vcpus[i], __ATOMIC_ACQUIRE);

		if (v)
			add_vcpu_info(info, v);
	}
	info->kernel_memory = kernel_memory(vm, info->nr_vcpus);
	lock_acquire(&vm->lock);
	info->state = vm->state;
	info->exit_code = vm->exit_code;
	memcpy(info->reason, vm->reason, sizeof(info->reason));
	lock_release(&vm->lock);
}

/* One that is on its way out does not count. */
static struct vm *find(bool (*is_it)(const struct vm *vm, uint64_t *arg), uint64_t arg)
{
	struct vm *vm, *found = NULL;

	lock_acquire(&vms.lock);
	list_for_each_entry (vm, &vms.list, link) {
		if (!__atomic_load_n(&vm->object.refs, __ATOMIC_RELAXED) || !is_it(vm, &arg))
			continue;
		found = object_try_get(&vm->object) ? vm : NULL;
		break;
	}
	lock_release(&vms.lock);
	return found;
}

static bool is_nth(const struct vm *vm, uint64_t *n)
{
	(void)vm;
	return (*n)-- == 0;
}

static bool has_id(const struct vm *vm, uint64_t *id)
{
	return vm->id == *id;
}

struct vm *vm_by_index(uint64_t n)
{
	return find(is_nth, n);
}

struct vm *vm_by_id(uint64_t id)
{
	return find(has_id, id);
}

unsigned vm_count(void)
{
	return READ_ONCE(vms.count);
}

/* ---- the figures of one vCPU ---- */

static void vcpu_figures(const struct vcpu *v, struct sys_vcpu *out)
{
	*out = (struct sys_vcpu){
		.vm_id = v->vm->id,
		.vcpu = v->index,
		.cpu = READ_ONCE(v->cpu.n),
		.run_ns = time_tsc_to_ns(vcpu_run_time(v)),
		.guest_ns = time_tsc_to_ns(READ_ONCE(v->guest_ticks)),
		.steal_ns = time_tsc_to_ns(READ_ONCE(v->steal_ticks)),
		.halts = READ_ONCE(v->counters[COUNT_HALT_SLEEPS]),
	};
	memcpy(out->vm, v->vm->name, sizeof(out->vm));
	for (unsigned i = 0; i < COUNT_REASONS; i++)
		out->exits += READ_ONCE(v->counters[i]);
}

/* The vCPU number *n of the VM; else *n becomes what is left of it for the next VM. */
static const struct vcpu *nth_vcpu(const struct vm *vm, unsigned *n)
{
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		const struct vcpu *v = __atomic_load_n(&vm->vcpus[i], __ATOMIC_ACQUIRE);

		if (v && (*n)-- == 0)
			return v;
	}
	return NULL;
}

int vm_vcpu_figures(unsigned index, struct sys_vcpu *out)
{
	const struct vcpu *v = NULL;
	struct vm *vm;

	for (uint64_t i = 0; !v && (vm = vm_by_index(i)); i++) {
		v = nth_vcpu(vm, &index);
		if (v)
			vcpu_figures(v, out);
		vm_put(vm);
	}
	return v ? 0 : -ENOENT;
}
