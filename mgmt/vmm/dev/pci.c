// SPDX-License-Identifier: GPL-2.0-or-later
// The PCI host bridge: configuration space by ports 0xCF8/0xCFC and by ECAM, one bus with one
// function a slot, and the windows in which their BARs are found, wherever the guest has put them.
// Port 0xCF9 resets the machine.

#include "vmm/dev/pci.h"

#include <errno.h>
#include <string.h>

#define SLOTS          32
#define ADDRESS_ENABLE 0x80000000u
/* Where firmware would have put a slot's BARs: each slot has a part of the windows. */
#define SLOT_MEMORY 0x100000u
#define SLOT_PORTS  0x100u

/* Locks: [I] immutable once vCPUs run; all else by the device's lock */
struct pci {
	struct device device;
	uint32_t address;
	uint8_t reset;
	struct pci_function *slots[SLOTS]; /* [I] NULL: empty */
	struct pci_function bridge;
};

/* `where`: bus, device, function and register as in an ECAM offset. */
static struct pci_function *function_at(struct pci *p, uint32_t where)
{
	unsigned bus = where >> 20, slot = where >> 15 & 31, function = where >> 12 & 7;

	return bus == 0 && function == 0 ? p->slots[slot] : NULL;
}

static uint64_t config_read(struct pci *p, uint32_t where, unsigned size)
{
	struct pci_function *f = function_at(p, where);

	return f ? pci_function_read(f, where & 0xfff, size) : UINT64_MAX;
}

static void config_write(struct pci *p, uint32_t where, unsigned size, uint64_t value)
{
	struct pci_function *f = function_at(p, where);

	if (f)
		pci_function_write(f, where & 0xfff, size, value);
}

static uint64_t address_read(void *device, uint64_t offset, unsigned size)
{
	struct pci *p = device;

	if (offset == RESET_PORT - 0xcf8 && size == 1)
		return p->reset;
	return offset == 0 && size == 4 ? p->address : UINT64_MAX;
}

static void address_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci *p = device;

	if (offset == 0 && size == 4) {
		p->address = (uint32_t)value & ~0x7f000003u;
	} else if (offset == RESET_PORT - 0xcf8 && size == 1) {
		p->reset = value & 0x0a;
		if (value & 0x04)
			machine_stop(p->device.machine, MACHINE_RESET, 0,
				     "reset by the guest (port 0xcf9)");
	}
}

static const struct bus_ops address_ops = {
	.name = "pci-address",
	.max_size = 4,
	.read = address_read,
	.write = address_write,
};

static uint32_t selected(const struct pci *p, uint64_t offset)
{
	/* 0xCF8: bus 23:16, device and function 15:8, register 7:2. */
	return (p->address & 0xffff00) << 4 | (p->address & 0xfc) | (uint32_t)offset;
}

static uint64_t data_read(void *device, uint64_t offset, unsigned size)
{
	struct pci *p = device;

	return p->address & ADDRESS_ENABLE ? config_read(p, selected(p, offset), size) : UINT64_MAX;
}

static void data_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci *p = device;

	if (p->address & ADDRESS_ENABLE)
		config_write(p, selected(p, offset), size, value);
}

static const struct bus_ops data_ops = {
	.name = "pci-data",
	.max_size = 4,
	.read = data_read,
	.write = data_write,
};

static uint64_t ecam_read(void *device, uint64_t offset, unsigned size)
{
	return config_read(device, (uint32_t)offset, size);
}

static void ecam_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	config_write(device, (uint32_t)offset, size, value);
}

static const struct bus_ops ecam_ops = {
	.name = "ecam",
	.max_size = 8,
	.read = ecam_read,
	.write = ecam_write,
};

/* ---- BARs ---- */

/* Which function answers at `at`, and by which BAR. Its lock is held on return; NULL: nobody. */
static struct pci_function *lock_owner(struct pci *p, uint32_t at, bool port, unsigned *bar,
				       uint32_t *offset)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct pci_function *f = p->slots[slot];

		if (!f || !f->ops)
			continue;
		mutex_lock(f->lock);
		for (unsigned n = 0; n < PCI_BARS; n++) {
			uint32_t base = pci_function_bar_at(f, n);

			if (f->bars[n].port != port || !base || at - base >= f->bars[n].size)
				continue;
			*bar = n;
			*offset = at - base;
			return f;
		}
		mutex_unlock(f->lock);
	}
	return NULL;
}

static uint64_t window_read(struct pci *p, uint32_t at, bool port, unsigned size)
{
	uint64_t value = UINT64_MAX;
	struct pci_function *f;
	uint32_t offset;
	unsigned bar;

	f = lock_owner(p, at, port, &bar, &offset);
	if (!f)
		return value;
	if (size <= f->bars[bar].size - offset)
		value = f->ops->bar_read(f, bar, offset, size);
	mutex_unlock(f->lock);
	return value;
}

static void window_write(struct pci *p, uint32_t at, bool port, unsigned size, uint64_t value)
{
	struct pci_function *f;
	uint32_t offset;
	unsigned bar;

	f = lock_owner(p, at, port, &bar, &offset);
	if (!f)
		return;
	if (size <= f->bars[bar].size - offset)
		f->ops->bar_write(f, bar, offset, size, value);
	mutex_unlock(f->lock);
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned size)
{
	return window_read(device, (uint32_t)(PCI_MMIO_BASE + offset), false, size);
}

static void memory_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	window_write(device, (uint32_t)(PCI_MMIO_BASE + offset), false, size, value);
}

static const struct bus_ops memory_ops = {
	.name = "pci-memory",
	.max_size = 8,
	.read = memory_read,
	.write = memory_write,
};

static uint64_t port_read(void *device, uint64_t offset, unsigned size)
{
	return window_read(device, PCI_PORT_BASE + (uint32_t)offset, true, size);
}

static void port_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	window_write(device, PCI_PORT_BASE + (uint32_t)offset, true, size, value);
}

static const struct bus_ops port_ops = {
	.name = "pci-ports",
	.max_size = 4,
	.read = port_read,
	.write = port_write,
};

/* ---- slots ---- */

static void place_bars(struct pci_function *f, unsigned slot)
{
	uint32_t memory = (uint32_t)PCI_MMIO_BASE + slot * SLOT_MEMORY;
	uint32_t ports = PCI_PORT_BASE + slot * SLOT_PORTS;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct pci_bar *b = &f->bars[n];
		uint32_t *next = b->port ? &ports : &memory;

		if (!b->size)
			continue;
		*next = (*next + b->size - 1) & ~(b->size - 1);
		pci_put(f->config, PCI_BAR0 + 4 * n, *next | f->config[PCI_BAR0 + 4 * n], 4);
		*next += b->size;
	}
}

int pci_add(struct machine *m, struct pci_function *f)
{
	struct pci *p = (struct pci *)m->pci;

	for (unsigned slot = 1; slot < SLOTS; slot++) {
		if (p->slots[slot])
			continue;
		place_bars(f, slot);
		p->slots[slot] = f;
		return 0;
	}
	return -ENOSPC;
}

/* "QEMU PCIe host bridge": an id that operating systems know to have no quirks. */
static void make_bridge(struct pci_function *f)
{
	pci_function_init(f, NULL, NULL, 0x1b36, 0x0008, 0x060000);
	pci_put(f->config, PCI_SUBVENDOR, 0x1af4, 2);
	pci_put(f->config, PCI_SUBDEVICE, 0x1100, 2);
}

static int claim(struct device *device)
{
	struct bus *bus = &device->machine->bus;
	int ret = device_claim(device, BUS_PORT, 0xcf8, 4, &address_ops);

	if (!ret)
		ret = device_claim(device, BUS_PORT, 0xcfc, 4, &data_ops);
	if (!ret)
		ret = device_claim(device, BUS_MEMORY, ECAM_BASE, ECAM_SIZE, &ecam_ops);
	if (!ret)
		ret = bus_set_window(bus, BUS_MEMORY, PCI_MMIO_BASE, PCI_MMIO_END - PCI_MMIO_BASE,
				     &memory_ops, device, &device->lock);
	if (!ret)
		ret = bus_set_window(bus, BUS_PORT, PCI_PORT_BASE, PCI_PORT_END - PCI_PORT_BASE,
				     &port_ops, device, &device->lock);
	return ret;
}

static int pci_create(struct device *device, unsigned instance)
{
	struct pci *p = (struct pci *)device;

	(void)instance;
	make_bridge(&p->bridge);
	p->slots[0] = &p->bridge;
	device->machine->pci = device;
	return claim(device);
}

const struct device_class pci_class = {
	.name = "pci",
	.size = sizeof(struct pci),
	.create = pci_create,
};
