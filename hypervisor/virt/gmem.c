// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest-physical access: each piece that lies in one slot is copied through its memory object. The
 * snapshot of the memory map is looked at anew for each piece.
 */
#include "virt/gmem.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "virt/vm.h"

static int gmem_access(struct vm *vm, gpa_t gpa, void *buf, size_t len, bool write)
{
	char *p = buf;

	while (len > 0) {
		const struct vm_slot *s = vm_slot_find(vm, gpa);
		uint64_t offset;
		size_t n;
		int err;

		if (!s || !(s->rights & (write ? AS_WRITE : AS_READ)))
			return -EFAULT;
		offset = gpa - s->gpa;
		n = MIN((uint64_t)len, s->size - offset);
		err = write ? mobj_write(s->mobj, s->offset + offset, p, n)
			    : mobj_read(s->mobj, s->offset + offset, p, n);
		if (err)
			return -EFAULT;
		gpa += n;
		p += n;
		len -= n;
	}
	return 0;
}

int gmem_read(struct vm *vm, gpa_t gpa, void *buf, size_t len)
{
	return gmem_access(vm, gpa, buf, len, false);
}

int gmem_write(struct vm *vm, gpa_t gpa, const void *buf, size_t len)
{
	return gmem_access(vm, gpa, (void *)(uintptr_t)buf, len, true);
}

/* ---- views ---- */

static bool holds(const struct gmem_view *view, gpa_t gpa, size_t len)
{
	uint64_t offset = gpa - view->gpa;

	return offset < view->size && len <= view->size - offset;
}

/* The view becomes the piece around gpa. */
static bool move_view(struct vm *vm, struct gmem_view *view, gpa_t gpa)
{
	const struct vm_slot *s = vm_slot_find(vm, gpa);
	uint64_t before, after, offset;
	const uint8_t *at;

	if (!s || !(s->rights & AS_READ))
		return false;
	offset = gpa - s->gpa;
	at = mobj_view(s->mobj, s->offset + offset, &before, &after);
	if (!at)
		return false;
	before = MIN(before, offset);
	after = MIN(after, s->size - offset);
	*view = (struct gmem_view){ gpa - before, before + after, at - before };
	return true;
}

int gmem_view_read(struct vm *vm, struct gmem_view *view, gpa_t gpa, void *buf, size_t len)
{
	const uint8_t *from;

	if (!holds(view, gpa, len) && (!move_view(vm, view, gpa) || !holds(view, gpa, len)))
		return gmem_read(vm, gpa, buf, len);
	from = view->at + (gpa - view->gpa);
	if (len == 8)
		*(uint64_t *)buf = READ_ONCE(*(const uint64_t *)from);
	else if (len == 4)
		*(uint32_t *)buf = READ_ONCE(*(const uint32_t *)from);
	else
		memcpy(buf, from, len);
	return 0;
}
