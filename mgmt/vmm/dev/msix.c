// SPDX-License-Identifier: GPL-2.0-or-later
// The table is kept as the guest wrote it and read anew for each message; the message itself goes
// to the kernel, which is the one that decodes it.

#include "vmm/dev/msix.h"

#include <string.h>

#include "mgmt/lib/strata.h"

#define CONTROL        2 /* of the capability */
#define CONTROL_ENABLE 0x8000u
#define CONTROL_MASK   0x4000u
#define VECTOR_MASKED  1u

void msix_init(struct msix *x, struct machine *m, struct pci_function *f, unsigned nr, unsigned bar,
	       uint32_t table_at, uint32_t pba_at)
{
	x->machine = m;
	x->function = f;
	x->nr = nr;
	x->cap = pci_function_capability(f, PCI_CAP_MSIX, 12);
	pci_put(f->config, x->cap + CONTROL, nr - 1, 2);
	pci_put(f->writable, x->cap + CONTROL, CONTROL_ENABLE | CONTROL_MASK, 2);
	pci_put(f->config, x->cap + 4, table_at | bar, 4);
	pci_put(f->config, x->cap + 8, pba_at | bar, 4);
	for (unsigned i = 0; i < nr; i++)
		x->table[i][3] = VECTOR_MASKED;
}

static bool masked(const struct msix *x, unsigned vector)
{
	uint32_t control = pci_get(x->function->config, x->cap + CONTROL, 2);

	return (control & CONTROL_MASK) || (x->table[vector][3] & VECTOR_MASKED);
}

static bool enabled(const struct msix *x)
{
	return pci_get(x->function->config, x->cap + CONTROL, 2) & CONTROL_ENABLE;
}

static void send(const struct msix *x, unsigned vector)
{
	const uint32_t *e = x->table[vector];

	/* -EINVAL: no interrupt's address. Whoever wrote it there has lost an interrupt. */
	(void)strata_vm_msi(x->machine->vm_fd, (uint64_t)e[1] << 32 | e[0], e[2]);
}

void msix_raise(struct msix *x, unsigned vector)
{
	if (vector >= x->nr || !enabled(x))
		return;
	if (masked(x, vector))
		x->pending |= 1ull << vector;
	else
		send(x, vector);
}

void msix_config_written(struct msix *x)
{
	for (unsigned i = 0; x->pending && i < x->nr; i++) {
		if (!(x->pending & 1ull << i) || !enabled(x) || masked(x, i))
			continue;
		x->pending &= ~(1ull << i);
		send(x, i);
	}
}

uint64_t msix_table_read(const struct msix *x, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	if (offset + size <= x->nr * MSIX_ENTRY_SIZE)
		memcpy(&value, (const uint8_t *)x->table + offset, size);
	return value;
}

/* Aligned words of 4 and 8 bytes; what else is written does nothing (undefined by the standard). */
void msix_table_write(struct msix *x, uint32_t offset, unsigned size, uint64_t value)
{
	if (size < 4 || offset % size || offset + size > x->nr * MSIX_ENTRY_SIZE)
		return;
	memcpy((uint8_t *)x->table + offset, &value, size);
	msix_config_written(x);
}
