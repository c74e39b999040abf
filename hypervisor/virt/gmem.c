// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest-physical access: each piece that lies in one slot is copied through its memory object. The
 * snapshot of the memory map is looked at anew for each piece.
 */
#include "virt/gmem.h"

#include "lib/errno.h"
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
