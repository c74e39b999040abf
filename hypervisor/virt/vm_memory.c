// SPDX-License-Identifier: GPL-2.0-or-later
// The memory map: a sorted snapshot of slots. The nested table is filled when the guest touches its
// memory, with the largest leaf that slot, object and alignment allow. Unmapping takes the slot
// away first, so that no fill can bring back what is then taken out of the table.
#include "virt/vm_maps.h"

#include "cpu/lapic.h"
#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"

#define GPA_END (1ull << PT_VA_BITS)

static void nothing(void *arg)
{
	(void)arg;
}

void vm_quiesce(void)
{
	struct cpu_set all = { 0 };

	cpu_for_each (id)
		cpu_set_add(&all, id);
	ipi_call(&all, nothing, NULL);
}

void vm_begin_change(struct vm *vm)
{
	while (__atomic_exchange_n(&vm->map_busy, 1, __ATOMIC_ACQUIRE))
		thread_yield();
}

void vm_end_change(struct vm *vm)
{
	__atomic_store_n(&vm->map_busy, 0, __ATOMIC_RELEASE);
}

static struct vm_slots *new_slots(struct vm *vm, unsigned count)
{
	struct vm_slots *slots =
		kalloc(vm->container, sizeof(*slots) + count * sizeof(slots->slot[0]));

	if (slots)
		slots->count = count;
	return slots;
}

int vm_memory_init(struct vm *vm)
{
	if (pt_init(&vm->npt, &pt_npt_format, vm->container) < 0)
		return -ENOMEM;
	vm->slots = new_slots(vm, 0);
	return vm->slots ? 0 : -ENOMEM;
}

void vm_memory_destroy(struct vm *vm)
{
	for (unsigned i = 0; vm->slots && i < vm->slots->count; i++)
		mobj_put(vm->slots->slot[i].mobj);
	kfree(vm->slots);
	if (vm->npt.root)
		pt_destroy(&vm->npt);
}

/* The new snapshot is in force for everybody when it returns; the old one is freed. */
static void publish(struct vm *vm, struct vm_slots *new)
{
	struct vm_slots *old = vm->slots;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < new->count; i++)
		bytes += new->slot[i].size;
	__atomic_store_n(&vm->slots, new, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vm->memory, bytes, __ATOMIC_RELAXED);
	vm_quiesce();
	kfree(old);
}

const struct vm_slot *vm_slot_find(const struct vm *vm, gpa_t gpa)
{
	const struct vm_slots *slots = READ_ONCE(vm->slots);

	for (unsigned i = 0; i < slots->count; i++) {
		if (gpa - slots->slot[i].gpa < slots->slot[i].size)
			return &slots->slot[i];
	}
	return NULL;
}

/* ---- map ---- */

static bool args_valid(const struct mobj *m, gpa_t gpa, uint64_t offset, uint64_t size,
		       uint32_t rights)
{
	if (!size || !IS_ALIGNED(gpa | offset | size, PAGE_SIZE))
		return false;
	if (gpa >= GPA_END || size > GPA_END - gpa)
		return false;
	if (!(rights & AS_READ) || (rights & ~(AS_READ | AS_WRITE | AS_EXEC)))
		return false;
	return offset <= mobj_size(m) && size <= mobj_size(m) - offset;
}

static int add_slot(struct vm *vm, const struct vm_slot *slot)
{
	const struct vm_slots *old = vm->slots;
	struct vm_slots *new;
	unsigned at = 0;

	for (unsigned i = 0; i < old->count; i++) {
		const struct vm_slot *o = &old->slot[i];

		if (slot->gpa < o->gpa + o->size && o->gpa < slot->gpa + slot->size)
			return -EEXIST;
		at += o->gpa < slot->gpa;
	}
	if (old->count == VM_SLOTS_MAX)
		return -ENOSPC;
	new = new_slots(vm, old->count + 1);
	if (!new)
		return -ENOMEM;
	memcpy(new->slot, old->slot, at * sizeof(*slot));
	new->slot[at] = *slot;
	memcpy(new->slot + at + 1, old->slot + at, (old->count - at) * sizeof(*slot));
	mobj_get(slot->mobj);
	publish(vm, new);
	return 0;
}

int vm_map(struct vm *vm, struct mobj *m, gpa_t gpa, uint64_t offset, uint64_t size,
	   uint32_t rights)
{
	const struct vm_slot slot = { gpa, size, m, offset, rights };
	int err;

	if (!args_valid(m, gpa, offset, size, rights))
		return -EINVAL;
	vm_begin_change(vm);
	err = add_slot(vm, &slot);
	vm_end_change(vm);
	return err;
}

/* ---- unmap ---- */

static bool inside(const struct vm_slot *s, gpa_t gpa, uint64_t size)
{
	return s->gpa >= gpa && s->gpa - gpa < size && s->size <= size - (s->gpa - gpa);
}

static bool touches(const struct vm_slot *s, gpa_t gpa, uint64_t size)
{
	return s->gpa < gpa + size && gpa < s->gpa + s->size;
}

/* Takes a slot's leaves out of the table. Whole slots never split a leaf: nothing fails. */
static void unmap_slot(struct vm *vm, const struct vm_slot *s, struct pt_gather *g)
{
	int err = pt_unmap(&vm->npt, s->gpa, s->size, g);

	ASSERT(err == 0);
}

static void flush(struct vm *vm)
{
	__atomic_fetch_add(&vm->tlb_generation, 1, __ATOMIC_SEQ_CST);
	vm_quiesce();
}

/* The slots of `old` that are in the range go; `keep` holds the rest. */
static void remove_slots(struct vm *vm, struct vm_slots *gone, struct vm_slots *keep)
{
	struct pt_gather gather = { 0 };

	publish(vm, keep);
	for (unsigned i = 0; i < gone->count; i++)
		unmap_slot(vm, &gone->slot[i], &gather);
	flush(vm);
	pt_gather_free(&vm->npt, &gather);
	for (unsigned i = 0; i < gone->count; i++)
		mobj_put(gone->slot[i].mobj);
}

static int unmap(struct vm *vm, gpa_t gpa, uint64_t size)
{
	const struct vm_slots *old = vm->slots;
	struct vm_slots *gone, *keep;

	for (unsigned i = 0; i < old->count; i++)
		if (touches(&old->slot[i], gpa, size) && !inside(&old->slot[i], gpa, size))
			return -EINVAL;
	gone = new_slots(vm, old->count);
	keep = new_slots(vm, old->count);
	if (!gone || !keep) {
		kfree(gone);
		kfree(keep);
		return -ENOMEM;
	}
	gone->count = keep->count = 0;
	for (unsigned i = 0; i < old->count; i++) {
		struct vm_slots *to = inside(&old->slot[i], gpa, size) ? gone : keep;

		to->slot[to->count++] = old->slot[i];
	}
	remove_slots(vm, gone, keep);
	kfree(gone);
	return 0;
}

int vm_unmap(struct vm *vm, gpa_t gpa, uint64_t size)
{
	int err;

	if (!size || !IS_ALIGNED(gpa | size, PAGE_SIZE) || gpa >= GPA_END || size > GPA_END - gpa)
		return -EINVAL;
	vm_begin_change(vm);
	err = unmap(vm, gpa, size);
	vm_end_change(vm);
	return err;
}

/* ---- filling the nested table ---- */

static unsigned pt_rights(uint32_t rights)
{
	return PT_READ | (rights & AS_WRITE ? PT_WRITE : 0) | (rights & AS_EXEC ? PT_EXEC : 0);
}

/* Whether a leaf of this level around gpa lies in the slot and in one page of the object. */
static bool leaf_fits(const struct vm_slot *s, gpa_t gpa, unsigned level)
{
	uint64_t size = pt_level_size(level);
	gpa_t start = ALIGN_DOWN(gpa, size);

	return start >= s->gpa && start + size <= s->gpa + s->size &&
	       IS_ALIGNED(start - s->gpa + s->offset, size);
}

static int fill_level(struct vm *vm, const struct vm_slot *s, gpa_t gpa, unsigned level)
{
	uint64_t size = pt_level_size(level);
	gpa_t start = ALIGN_DOWN(gpa, size);
	unsigned object_level;
	phys_t pa = mobj_page(s->mobj, start - s->gpa + s->offset, &object_level);

	if (!pa)
		return -ENOMEM;
	return pt_map(&vm->npt, start, pa, size, pt_rights(s->rights), level);
}

enum vm_fill vm_fill(struct vm *vm, gpa_t gpa, bool write)
{
	const struct vm_slot *s = vm_slot_find(vm, gpa);
	unsigned level;
	int err = -EEXIST;

	if (!s || (write && !(s->rights & AS_WRITE)))
		return VM_FILL_MMIO;
	if (!mobj_page(s->mobj, ALIGN_DOWN(gpa, PAGE_SIZE) - s->gpa + s->offset, &level))
		return VM_FILL_NO_MEMORY;
	for (level = MIN(level, vm->npt.format->max_leaf_level);; level--) {
		if (level == 0 || leaf_fits(s, gpa, level))
			err = fill_level(vm, s, gpa, level);
		/* Another vCPU may have filled it, or smaller leaves lie there already. */
		if (level == 0 || err != -EEXIST)
			break;
	}
	return err == -ENOMEM ? VM_FILL_NO_MEMORY : VM_FILL_DONE;
}
