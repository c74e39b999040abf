// SPDX-License-Identifier: GPL-2.0-or-later
// The ranges of ports and addresses that the kernel serves, as snapshots (vm.h). Ranges may overlap
// only where doorbells tell themselves apart by the value written.
#include "virt/vm_maps.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/event.h"
#include "virt/vcpu.h"

static struct vm_ios *new_ios(struct vm *vm, unsigned count)
{
	struct vm_ios *ios = kalloc(vm->container, sizeof(*ios) + count * sizeof(ios->io[0]));

	if (ios)
		ios->count = count;
	return ios;
}

int vm_io_init(struct vm *vm)
{
	vm->ports = new_ios(vm, 0);
	vm->mmio = new_ios(vm, 0);
	return vm->ports && vm->mmio ? 0 : -ENOMEM;
}

static void destroy_ios(struct vm_ios *ios)
{
	for (unsigned i = 0; ios && i < ios->count; i++) {
		if (ios->io[i].flags & VM_IO_EVENT)
			object_put(ios->io[i].arg);
	}
	kfree(ios);
}

void vm_io_destroy(struct vm *vm)
{
	destroy_ios(vm->ports);
	destroy_ios(vm->mmio);
}

static void note_range(struct vm_ios *ios, const struct vm_io *io)
{
	uint64_t last = MIN(io->last, io->first + 64 * ARRAY_SIZE(ios->maybe) - 1);

	for (uint64_t addr = io->first; addr <= last; addr++)
		ios->maybe[addr / 64 % ARRAY_SIZE(ios->maybe)] |= 1ull << addr % 64;
}

static void publish(struct vm_ios **map, struct vm_ios *new)
{
	struct vm_ios *old = *map;

	for (unsigned i = 0; i < new->count; i++)
		note_range(new, &new->io[i]);
	__atomic_store_n(map, new, __ATOMIC_SEQ_CST);
	vm_quiesce();
	kfree(old);
}

/* One of them could never be reached. */
static bool collides(const struct vm_io *a, const struct vm_io *b)
{
	if (a->first > b->last || b->first > a->last)
		return false;
	if (!(a->flags & DOORBELL_MATCH) || !(b->flags & DOORBELL_MATCH))
		return true;
	return a->match == b->match && (a->len == b->len || !a->len || !b->len);
}

static int add(struct vm *vm, struct vm_ios **map, const struct vm_io *io)
{
	const struct vm_ios *old = *map;
	struct vm_ios *new;

	for (unsigned i = 0; i < old->count; i++)
		if (collides(&old->io[i], io))
			return -EEXIST;
	if (old->count == VM_IOS_MAX)
		return -ENOSPC;
	new = new_ios(vm, old->count + 1);
	if (!new)
		return -ENOMEM;
	memcpy(new->io, old->io, old->count * sizeof(*io));
	new->io[old->count] = *io;
	publish(map, new);
	return 0;
}

static int add_to(struct vm *vm, struct vm_ios **map, const struct vm_io *io)
{
	int err;

	vm_begin_change(vm);
	err = add(vm, map, io);
	vm_end_change(vm);
	return err;
}

int vm_add_port(struct vm *vm, const struct vm_io *io)
{
	return add_to(vm, &vm->ports, io);
}

int vm_add_mmio(struct vm *vm, const struct vm_io *io)
{
	return add_to(vm, &vm->mmio, io);
}

static bool same(const struct vm_io *a, const struct vm_io *b)
{
	return a->flags == b->flags && a->first == b->first && a->len == b->len &&
	       a->match == b->match;
}

static int remove(struct vm *vm, struct vm_ios **map, const struct vm_io *io, void **arg)
{
	const struct vm_ios *old = *map;
	struct vm_ios *new;
	unsigned at = 0;

	while (at < old->count && !same(&old->io[at], io))
		at++;
	if (at == old->count)
		return -ENOENT;
	new = new_ios(vm, old->count - 1);
	if (!new)
		return -ENOMEM;
	memcpy(new->io, old->io, at * sizeof(*io));
	memcpy(new->io + at, old->io + at + 1, (old->count - at - 1) * sizeof(*io));
	*arg = old->io[at].arg;
	publish(map, new);
	return 0;
}

int vm_remove_io(struct vm *vm, bool port, const struct vm_io *io, void **arg)
{
	int err;

	vm_begin_change(vm);
	err = remove(vm, port ? &vm->ports : &vm->mmio, io, arg);
	vm_end_change(vm);
	return err;
}

bool vm_ring_doorbell(struct vcpu *v, const struct vm_io *io, bool write, uint64_t addr,
		      unsigned len, uint64_t *value)
{
	(void)v, (void)addr;
	if (!write || (io->len && io->len != len))
		return false;
	if ((io->flags & DOORBELL_MATCH) && *value != io->match)
		return false;
	event_signal(io->arg, 1);
	return true;
}

/* The first of the ranges that takes it, as for IN and OUT. */
static int access_port(struct vcpu *v, struct vcpu_port *p)
{
	const struct vm_ios *ports = READ_ONCE(v->vm->ports);
	uint64_t value = p->write ? p->value : 0;

	for (unsigned i = 0; i < ports->count; i++) {
		const struct vm_io *io = &ports->io[i];

		if (p->port < io->first || p->port > io->last ||
		    !io->fn(v, io, p->write, p->port, p->size, &value))
			continue;
		p->value = (uint32_t)value;
		v->check_events = true;
		return 0;
	}
	return -ENOENT;
}

int vcpu_port(struct vcpu *v, struct vcpu_port *p)
{
	int err;

	if ((p->size != 1 && p->size != 2 && p->size != 4) || p->write > 1)
		return -EINVAL;
	err = vcpu_acquire(v);
	if (err < 0)
		return err;
	err = access_port(v, p);
	vcpu_release(v);
	return err;
}
