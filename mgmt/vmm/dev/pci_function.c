// SPDX-License-Identifier: GPL-2.0-or-later
// A function's configuration space: bytes, and a mask of the bits that the guest may change. A
// BAR's size is its mask, which is all that sizing by writing ones needs.

#include "vmm/dev/pci.h"

#include <string.h>

#define CAPS_START 0x40
#define BAR_PORT   0x1u

void pci_put(uint8_t *config, unsigned reg, uint32_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		config[reg + i] = (uint8_t)(value >> (8 * i));
}

uint32_t pci_get(const uint8_t *config, unsigned reg, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)config[reg + i] << (8 * i);
	return value;
}

void pci_function_init(struct pci_function *f, const struct pci_function_ops *ops,
		       struct mutex *lock, uint16_t vendor, uint16_t device, uint32_t class)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->lock = lock;
	f->cap_end = CAPS_START;
	pci_put(f->config, PCI_VENDOR, vendor, 2);
	pci_put(f->config, PCI_DEVICE, device, 2);
	pci_put(f->config, PCI_CLASS, class, 3);
	pci_put(f->writable, PCI_COMMAND, 0x0507, 2);
	pci_put(f->writable, PCI_LINE, 0xff, 1); /* a scratch byte */
}

void pci_function_bar(struct pci_function *f, unsigned bar, uint32_t size, bool port)
{
	f->bars[bar] = (struct pci_bar){ size, port };
	pci_put(f->config, PCI_BAR0 + 4 * bar, port ? BAR_PORT : 0, 4);
	pci_put(f->writable, PCI_BAR0 + 4 * bar, ~(size - 1), 4);
}

unsigned pci_function_capability(struct pci_function *f, uint8_t id, unsigned len)
{
	unsigned at = f->cap_end, link = f->cap_last ? f->cap_last + 1 : PCI_CAPABILITIES;

	f->config[link] = (uint8_t)at;
	f->config[at] = id;
	f->config[PCI_STATUS] |= PCI_STATUS_CAPS;
	f->cap_last = at;
	f->cap_end = (at + len + 3) & ~3u;
	return at;
}

uint32_t pci_function_bar_at(const struct pci_function *f, unsigned bar)
{
	const struct pci_bar *b = &f->bars[bar];
	uint32_t command = pci_get(f->config, PCI_COMMAND, 2);
	uint32_t at = pci_get(f->config, PCI_BAR0 + 4 * bar, 4) & ~(b->size - 1);
	uint64_t start = b->port ? PCI_PORT_BASE : PCI_MMIO_BASE;
	uint64_t end = b->port ? PCI_PORT_END : PCI_MMIO_END;

	if (!b->size || !(command & (b->port ? PCI_COMMAND_IO : PCI_COMMAND_MEM)))
		return 0;
	return at >= start && at < end && b->size <= end - at ? at : 0;
}

uint64_t pci_function_read(struct pci_function *f, unsigned reg, unsigned size)
{
	uint64_t value = 0;

	if (size > PCI_CONFIG_SIZE || reg > PCI_CONFIG_SIZE - size)
		return 0;
	if (f->lock)
		mutex_lock(f->lock);
	if (f->ops && f->ops->config_read)
		f->ops->config_read(f, reg, size);
	memcpy(&value, &f->config[reg], size);
	if (f->lock)
		mutex_unlock(f->lock);
	return value;
}

void pci_function_write(struct pci_function *f, unsigned reg, unsigned size, uint64_t value)
{
	if (size > PCI_CONFIG_SIZE || reg > PCI_CONFIG_SIZE - size)
		return;
	if (f->lock)
		mutex_lock(f->lock);
	for (unsigned i = 0; i < size; i++) {
		uint8_t mask = f->writable[reg + i], byte = (uint8_t)(value >> (8 * i));

		f->config[reg + i] = (uint8_t)((f->config[reg + i] & ~mask) | (byte & mask));
	}
	if (f->ops && f->ops->config_written)
		f->ops->config_written(f, reg, size);
	if (f->lock)
		mutex_unlock(f->lock);
}
