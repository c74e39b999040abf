// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges are kept sorted by start: ports are found by a table, addresses by binary search. Accesses
// that do not fit one range, or are wider than its device takes, are split in two halves, each
// found anew.

#include "vmm/bus.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Number of ranges that start at or below `addr`. */
static unsigned upper_bound(const struct bus_range *ranges, unsigned count, uint64_t addr)
{
	unsigned low = 0, high = count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (ranges[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill_port_table(struct bus *bus)
{
	memset(bus->port_range, 0, sizeof(bus->port_range));
	for (unsigned i = 0; i < bus->count[BUS_PORT]; i++) {
		const struct bus_range *r = &bus->ranges[BUS_PORT][i];

		memset(&bus->port_range[r->start], (int)i + 1, r->size);
	}
}

int bus_claim(struct bus *bus, enum bus_space space, uint64_t start, uint64_t size,
	      const struct bus_ops *ops, void *device, struct mutex *lock)
{
	struct bus_range *r = bus->ranges[space];
	unsigned count = bus->count[space];
	unsigned at = upper_bound(r, count, start);

	if (size == 0 || start + (size - 1) < start)
		return -EINVAL;
	if (space == BUS_PORT && start + (size - 1) >= BUS_PORTS)
		return -EINVAL;
	if (count == BUS_RANGES_MAX)
		return -ENOSPC;
	if (at > 0 && start - r[at - 1].start < r[at - 1].size)
		return -EBUSY;
	if (at < count && r[at].start - start < size)
		return -EBUSY;
	memmove(&r[at + 1], &r[at], (count - at) * sizeof(*r));
	r[at] = (struct bus_range){
		.start = start, .size = size, .ops = ops, .device = device, .lock = lock
	};
	bus->count[space]++;
	if (space == BUS_PORT)
		fill_port_table(bus);
	return 0;
}

int bus_set_window(struct bus *bus, enum bus_space space, uint64_t start, uint64_t size,
		   const struct bus_ops *ops, void *device, struct mutex *lock)
{
	if (size == 0 || start + (size - 1) < start)
		return -EINVAL;
	if (space == BUS_PORT && start + (size - 1) >= BUS_PORTS)
		return -EINVAL;
	if (bus->windows[space].ops)
		return -EBUSY;
	bus->windows[space] = (struct bus_range){
		.start = start, .size = size, .ops = ops, .device = device, .lock = lock
	};
	return 0;
}

static const struct bus_range *find_claimed(const struct bus *bus, enum bus_space space,
					    uint64_t addr)
{
	const struct bus_range *r;
	unsigned at;

	if (space == BUS_PORT) {
		at = addr < BUS_PORTS ? bus->port_range[addr] : 0;
		return at ? &bus->ranges[BUS_PORT][at - 1] : NULL;
	}
	at = upper_bound(bus->ranges[space], bus->count[space], addr);
	r = at ? &bus->ranges[space][at - 1] : NULL;
	return r && addr - r->start < r->size ? r : NULL;
}

static const struct bus_range *find(const struct bus *bus, enum bus_space space, uint64_t addr)
{
	const struct bus_range *r = find_claimed(bus, space, addr), *w = &bus->windows[space];

	if (r)
		return r;
	return w->ops && addr - w->start < w->size ? w : NULL;
}

bool bus_is_claimed(const struct bus *bus, enum bus_space space, uint64_t addr)
{
	return find(bus, space, addr);
}

uint64_t bus_read(const struct bus *bus, enum bus_space space, uint64_t addr, unsigned size)
{
	const struct bus_range *r = find(bus, space, addr);
	unsigned half = size / 2;
	uint64_t value;

	if (r && bus_whole(r, addr, size))
		return bus_range_read(r, addr, size) & bus_ones(size);
	if (size == 1)
		return bus_ones(1);
	value = bus_read(bus, space, addr, half);
	return value | bus_read(bus, space, addr + half, half) << (8 * half);
}

void bus_write(const struct bus *bus, enum bus_space space, uint64_t addr, unsigned size,
	       uint64_t value)
{
	const struct bus_range *r = find(bus, space, addr);
	unsigned half = size / 2;

	if (r && bus_whole(r, addr, size)) {
		bus_range_write(r, addr, size, value & bus_ones(size));
	} else if (size > 1) {
		bus_write(bus, space, addr, half, value);
		bus_write(bus, space, addr + half, half, value >> (8 * half));
	}
}
