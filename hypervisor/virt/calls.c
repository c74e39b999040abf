// SPDX-License-Identifier: GPL-2.0-or-later
// The native calls on VMs and vCPUs: arguments are copied in and checked, handles become objects
// for the length of the call, the work is vm.c's and vcpu.c's.
#include "virt/calls.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/event.h"
#include "proc/memory.h"
#include "proc/process.h"
#include "proc/user.h"
#include "proc/uthread.h"
#include "virt/vcpu.h"

/* ---- handles ---- */

static struct handle_table *handles(void)
{
	return &process_current()->handles;
}

/* A reference; NULL: -EBADF. */
static struct vm *get_vm(uint64_t fd)
{
	struct object *o = handle_get_kind(handles(), (int)fd, &vm_object_ops);

	return o ? container_of(o, struct vm, object) : NULL;
}

static struct vcpu *get_vcpu(uint64_t fd)
{
	struct object *o = handle_get_kind(handles(), (int)fd, &vcpu_object_ops);

	return o ? container_of(o, struct vcpu, object) : NULL;
}

static int64_t install(struct object *o)
{
	int fd = handle_install(handles(), o, 0, 0);

	if (fd < 0)
		object_put(o);
	return fd;
}

/* ---- VMs ---- */

static int64_t sys_vm_create(const struct syscall_args *a)
{
	struct vm_create args;
	struct vm *vm;
	int err;

	if (USER_GET(&args, a->arg[0]) != 0)
		return -EFAULT;
	err = vm_create(process_container(process_current()), &args, &vm);
	if (err < 0)
		return err;
	process_made_vm(process_current(), (uint32_t)vm->id);
	return install(&vm->object);
}

static int64_t sys_vm_map(const struct syscall_args *a)
{
	struct vm_map m;
	struct object *memory;
	struct vm *vm;
	int64_t err = -EBADF;

	if (USER_GET(&m, a->arg[0]) != 0)
		return -EFAULT;
	if (m.reserved)
		return -EINVAL;
	vm = get_vm((uint64_t)m.vm_fd);
	memory = handle_get_kind(handles(), m.mobj_fd, &memory_ops);
	if (vm && memory)
		err = vm_map(vm, memory_mobj(memory), m.gpa, m.offset, m.size, m.rights);
	object_put(memory);
	if (vm)
		vm_put(vm);
	return err;
}

static int64_t sys_vm_unmap(const struct syscall_args *a)
{
	struct vm *vm = get_vm(a->arg[0]);
	int64_t err;

	if (!vm)
		return -EBADF;
	err = vm_unmap(vm, a->arg[1], a->arg[2]);
	vm_put(vm);
	return err;
}

static bool doorbell_valid(const struct vm_doorbell *d)
{
	if (d->flags & ~(DOORBELL_PORT | DOORBELL_MATCH | DOORBELL_REMOVE))
		return false;
	if ((d->flags & DOORBELL_PORT) && d->addr > 0xffff)
		return false;
	return d->len == 0 || d->len == 1 || d->len == 2 || d->len == 4 || d->len == 8;
}

static int64_t remove_doorbell(struct vm *vm, const struct vm_io *io, bool port)
{
	void *event;
	int err = vm_remove_io(vm, port, io, &event);

	if (err == 0)
		object_put(event);
	return err;
}

static int64_t add_doorbell(struct vm *vm, struct vm_io *io, bool port, int fd)
{
	struct object *event = handle_get_kind(handles(), fd, &event_ops);
	int err;

	if (!event)
		return -EBADF;
	io->arg = event;
	err = port ? vm_add_port(vm, io) : vm_add_mmio(vm, io);
	if (err < 0)
		object_put(event);
	return err;
}

static int64_t sys_vm_doorbell(const struct syscall_args *a)
{
	struct vm_doorbell d;
	struct vm_io io = { .fn = vm_ring_doorbell };
	bool port;
	struct vm *vm;
	int64_t err;

	if (USER_GET(&d, a->arg[0]) != 0)
		return -EFAULT;
	if (!doorbell_valid(&d))
		return -EINVAL;
	vm = get_vm((uint64_t)d.vm_fd);
	if (!vm)
		return -EBADF;
	port = d.flags & DOORBELL_PORT;
	io.first = d.addr;
	io.last = d.addr;
	io.match = d.match;
	io.len = d.len;
	io.flags = (d.flags & ~DOORBELL_REMOVE) | VM_IO_EVENT;
	err = d.flags & DOORBELL_REMOVE ? remove_doorbell(vm, &io, port)
					: add_doorbell(vm, &io, port, d.event_fd);
	vm_put(vm);
	return err;
}

static int64_t sys_vm_irq_line(const struct syscall_args *a)
{
	struct vm *vm = get_vm(a->arg[0]);
	int64_t err = -EINVAL;

	if (!vm)
		return -EBADF;
	if (a->arg[1] < IRQCHIP_LINES && a->arg[2] <= 1)
		err = irqchip_set_line(&vm->irqchip, (unsigned)a->arg[1], a->arg[2]);
	vm_put(vm);
	return err;
}

static int64_t sys_vm_msi(const struct syscall_args *a)
{
	struct vm *vm = get_vm(a->arg[0]);
	int64_t err;

	if (!vm)
		return -EBADF;
	err = irqchip_msi(&vm->irqchip, a->arg[1], (uint32_t)a->arg[2]);
	vm_put(vm);
	return err;
}

static int64_t sys_vm_stop_reason(const struct syscall_args *a)
{
	char reason[sizeof(((struct vm *)0)->reason)];
	struct vm *vm;
	int64_t len = copy_string_from_user(reason, a->arg[3], sizeof(reason));

	if (len < 0)
		return len;
	if (a->arg[1] > VM_STATE_FAILED)
		return -EINVAL;
	vm = get_vm(a->arg[0]);
	if (!vm)
		return -EBADF;
	vm_set_state(vm, (enum vm_state)a->arg[1], (int32_t)a->arg[2], reason);
	vm_put(vm);
	return 0;
}

static int64_t vm_of_argument(uint64_t arg, struct vm **vm)
{
	if (!(arg & (VM_INFO_INDEX | VM_INFO_ID))) {
		*vm = get_vm(arg);
		return *vm ? 0 : -EBADF;
	}
	if (!process_is_admin())
		return -EPERM;
	*vm = arg & VM_INFO_ID ? vm_by_id(arg & ~VM_INFO_ID) : vm_by_index(arg & ~VM_INFO_INDEX);
	return *vm ? 0 : -ENOENT;
}

static int64_t sys_vm_info(const struct syscall_args *a)
{
	struct vm_info *info;
	struct vm *vm;
	int64_t err = vm_of_argument(a->arg[0], &vm);

	if (err < 0)
		return err;
	info = kalloc(process_container(process_current()), sizeof(*info));
	if (info) {
		vm_get_info(vm, info);
		err = USER_PUT(a->arg[1], info);
	} else {
		err = -ENOMEM;
	}
	kfree(info);
	vm_put(vm);
	return err;
}

/* With a handle, the VMM's own: it sets what the configuration says. */
static int64_t sys_vm_sched(const struct syscall_args *a)
{
	struct sched_params p;
	struct vm *vm;
	int64_t err;

	if (USER_GET(&p, a->arg[1]) != 0)
		return -EFAULT;
	err = vm_of_argument(a->arg[0], &vm);
	if (err < 0)
		return err;
	err = sched_group_change(vm->sched, &p);
	vm_put(vm);
	return err < 0 ? err : USER_PUT(a->arg[1], &p);
}

/* ---- vCPUs ---- */

static int64_t sys_vcpu_create(const struct syscall_args *a)
{
	struct vm *vm = get_vm(a->arg[0]);
	struct vcpu *v;
	int64_t err;

	if (!vm)
		return -EBADF;
	err = a->arg[1] < VM_MAX_VCPUS ? vcpu_create(vm, (unsigned)a->arg[1], &v) : -EINVAL;
	vm_put(vm);
	return err < 0 ? err : install(&v->object);
}

static int64_t sys_vcpu_run(const struct syscall_args *a)
{
	struct object *o = uthread_pinned((int)a->arg[0], &vcpu_object_ops);

	return likely(o) ? vcpu_run(container_of(o, struct vcpu, object)) : -EBADF;
}

static int64_t sys_vcpu_kick(const struct syscall_args *a)
{
	struct vcpu *v = get_vcpu(a->arg[0]);

	if (!v)
		return -EBADF;
	vcpu_request(v, VREQ_KICK);
	object_put(&v->object);
	return 0;
}

static int64_t sys_vcpu_inject(const struct syscall_args *a)
{
	struct vcpu_event e;
	struct vcpu *v;
	int64_t err;

	if (USER_GET(&e, a->arg[1]) != 0)
		return -EFAULT;
	v = get_vcpu(a->arg[0]);
	if (!v)
		return -EBADF;
	err = vcpu_inject(v, &e);
	object_put(&v->object);
	return err;
}

static int64_t get_state(struct vcpu *v, struct vcpu_state *s, uint64_t user)
{
	int err = vcpu_get_state(v, s);

	return err < 0 ? err : USER_PUT(user, s);
}

static int64_t set_state(struct vcpu *v, struct vcpu_state *s, uint64_t user)
{
	return USER_GET(s, user) != 0 ? -EFAULT : vcpu_set_state(v, s);
}

/* The structure is too large for a kernel stack. */
static int64_t with_state(const struct syscall_args *a,
			  int64_t (*fn)(struct vcpu *v, struct vcpu_state *s, uint64_t user))
{
	struct vcpu *v = get_vcpu(a->arg[0]);
	struct vcpu_state *s;
	int64_t err;

	if (!v)
		return -EBADF;
	s = kalloc(process_container(process_current()), sizeof(*s));
	err = s ? fn(v, s, a->arg[1]) : -ENOMEM;
	kfree(s);
	object_put(&v->object);
	return err;
}

static int64_t sys_vcpu_get_state(const struct syscall_args *a)
{
	return with_state(a, get_state);
}

static int64_t sys_vcpu_set_state(const struct syscall_args *a)
{
	return with_state(a, set_state);
}

static int64_t sys_vcpu_sync(const struct syscall_args *a)
{
	struct vcpu *v = get_vcpu(a->arg[0]);
	int64_t err;

	if (!v)
		return -EBADF;
	err = vcpu_sync(v);
	object_put(&v->object);
	return err;
}

static int64_t sys_vcpu_port(const struct syscall_args *a)
{
	struct vcpu_port p;
	struct vcpu *v;
	int64_t err;

	if (USER_GET(&p, a->arg[1]) != 0)
		return -EFAULT;
	v = get_vcpu(a->arg[0]);
	if (!v)
		return -EBADF;
	err = vcpu_port(v, &p);
	object_put(&v->object);
	return err == 0 && !p.write ? USER_PUT(a->arg[1], &p) : err;
}

static const struct syscall_row rows[] = {
	{ SYS_VM_CREATE, "vm_create", sys_vm_create },
	{ SYS_VM_MAP, "vm_map", sys_vm_map },
	{ SYS_VM_UNMAP, "vm_unmap", sys_vm_unmap },
	{ SYS_VM_DOORBELL, "vm_doorbell", sys_vm_doorbell },
	{ SYS_VM_IRQ_LINE, "vm_irq_line", sys_vm_irq_line },
	{ SYS_VM_MSI, "vm_msi", sys_vm_msi },
	{ SYS_VM_STOP_REASON, "vm_stop_reason", sys_vm_stop_reason },
	{ SYS_VM_INFO, "vm_info", sys_vm_info },
	{ SYS_VM_SCHED, "vm_sched", sys_vm_sched },
	{ SYS_VCPU_CREATE, "vcpu_create", sys_vcpu_create },
	{ SYS_VCPU_RUN, "vcpu_run", sys_vcpu_run },
	{ SYS_VCPU_KICK, "vcpu_kick", sys_vcpu_kick },
	{ SYS_VCPU_INJECT, "vcpu_inject", sys_vcpu_inject },
	{ SYS_VCPU_GET_STATE, "vcpu_get_state", sys_vcpu_get_state },
	{ SYS_VCPU_SET_STATE, "vcpu_set_state", sys_vcpu_set_state },
	{ SYS_VCPU_SYNC, "vcpu_sync", sys_vcpu_sync },
	{ SYS_VCPU_PORT, "vcpu_port", sys_vcpu_port },
};

const struct syscall_table virt_calls = { rows, ARRAY_SIZE(rows) };
