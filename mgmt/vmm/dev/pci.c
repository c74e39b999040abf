// SPDX-License-Identifier: GPL-2.0-or-later
// The PCI host bridge: configuration space by ports 0xCF8/0xCFC and by ECAM, one bus. A function is
// its configuration bytes and a mask of the bits that may be written. Port 0xCF9 resets the
// machine.

#include "vmm/machine.h"

#include <string.h>

#define FUNCTIONS_MAX  32 /* one function per slot */
#define CONFIG_SIZE    256
#define ADDRESS_ENABLE 0x80000000u

struct pci_function {
	uint8_t config[CONFIG_SIZE], writable[CONFIG_SIZE];
};

/* Locks: all by the device's lock */
struct pci {
	struct device device;
	uint32_t address;
	uint8_t reset;
	struct pci_function *slots[FUNCTIONS_MAX]; /* NULL: empty */
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
	unsigned reg = where & 0xfff;
	uint64_t value = 0;

	if (!f)
		return UINT64_MAX;
	if (reg + size <= CONFIG_SIZE)
		memcpy(&value, &f->config[reg], size);
	return value;
}

static void config_write(struct pci *p, uint32_t where, unsigned size, uint64_t value)
{
	struct pci_function *f = function_at(p, where);
	unsigned reg = where & 0xfff;

	if (!f || reg + size > CONFIG_SIZE)
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t mask = f->writable[reg + i], byte = (uint8_t)(value >> (8 * i));

		f->config[reg + i] = (uint8_t)((f->config[reg + i] & ~mask) | (byte & mask));
	}
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

static void put(uint8_t *config, unsigned reg, uint32_t value, unsigned size)
{
	memcpy(&config[reg], &value, size);
}

/* "QEMU PCIe host bridge": an id that operating systems know to have no quirks. */
static void make_bridge(struct pci_function *f)
{
	put(f->config, 0x00, 0x1b36, 2);
	put(f->config, 0x02, 0x0008, 2);
	put(f->config, 0x0a, 0x0600, 2); /* class: host bridge */
	put(f->config, 0x2c, 0x1af4, 2);
	put(f->config, 0x2e, 0x1100, 2);
	put(f->writable, 0x04, 0x0507, 2); /* command */
	put(f->writable, 0x3c, 0xff, 1);   /* interrupt line: a scratch byte */
}

static int pci_create(struct device *device, unsigned instance)
{
	struct pci *p = (struct pci *)device;
	int ret;

	(void)instance;
	make_bridge(&p->bridge);
	p->slots[0] = &p->bridge;
	ret = device_claim(device, BUS_PORT, 0xcf8, 4, &address_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, 0xcfc, 4, &data_ops);
	if (!ret)
		ret = device_claim(device, BUS_MEMORY, ECAM_BASE, ECAM_SIZE, &ecam_ops);
	return ret;
}

const struct device_class pci_class = {
	.name = "pci",
	.size = sizeof(struct pci),
	.create = pci_create,
};
