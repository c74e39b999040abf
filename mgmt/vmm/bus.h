/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of port and memory ranges that devices claim, and the dispatch of guest accesses to
 * them.
 *
 * Contract: devices claim ranges while the machine is built; after that the table is immutable, so
 * dispatch takes no lock of its own. An access of 1, 2, 4 or 8 bytes goes to its device with the
 * device's lock held (but see `free_reads`). A port finds its range by one table look-up. One that
 * is wider than the device takes, or crosses the end of a range, is split in halves. What nobody
 * claims goes to the window that covers it, if one does (a bus whose devices move); else it reads
 * as all ones, and writes there are dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/lock.h"

struct bus_ops {
	const char *name;
	unsigned max_size; /* widest access that the device takes: 1, 2, 4 or 8 */
	/* `offset` is from the start of the range. Called with the range's lock held. */
	uint64_t (*read)(void *device, uint64_t offset, unsigned size);
	void (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
	bool free_reads; /* reads use nothing that changes: called without the lock */
};

struct bus_range {
	uint64_t start, size;
	const struct bus_ops *ops;
	void *device;
	struct mutex *lock;
	uint64_t unused[3]; /* 64 bytes: a table of them is indexed at each access */
};

enum bus_space {
	BUS_PORT,
	BUS_MEMORY,
	BUS_SPACES
};

#define BUS_RANGES_MAX 32
#define BUS_PORTS      65536

struct bus {
	struct bus_range ranges[BUS_SPACES][BUS_RANGES_MAX]; /* sorted, disjoint */
	unsigned count[BUS_SPACES];
	struct bus_range windows[BUS_SPACES]; /* ops NULL: none */
	uint8_t port_range[BUS_PORTS];        /* index into ranges[BUS_PORT] and one; 0: nobody's */
};

/* 0; -EBUSY: overlaps a range that is there; -ENOSPC: the table is full; -EINVAL: empty or wraps.
 */
int bus_claim(struct bus *bus, enum bus_space space, uint64_t start, uint64_t size,
	      const struct bus_ops *ops, void *device, struct mutex *lock);
/* The same for what others leave unclaimed of [start, start + size); one window a space (-EBUSY).
 */
int bus_set_window(struct bus *bus, enum bus_space space, uint64_t start, uint64_t size,
		   const struct bus_ops *ops, void *device, struct mutex *lock);

static inline uint64_t bus_ones(unsigned size)
{
	return size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

/* Whether an access lies in the range and is one that its device takes whole. */
static inline bool bus_whole(const struct bus_range *r, uint64_t addr, unsigned size)
{
	return size <= r->ops->max_size && size <= r->size - (addr - r->start);
}

/* Whether a device has claimed the address. */
bool bus_is_claimed(const struct bus *bus, enum bus_space space, uint64_t addr);
uint64_t bus_read(const struct bus *bus, enum bus_space space, uint64_t addr, unsigned size);
void bus_write(const struct bus *bus, enum bus_space space, uint64_t addr, unsigned size,
	       uint64_t value);

/* An access that bus_whole() allows. What is read may have bits beyond its size. */
static inline uint64_t bus_range_read(const struct bus_range *r, uint64_t addr, unsigned size)
{
	uint64_t value;

	if (r->ops->free_reads)
		return r->ops->read(r->device, addr - r->start, size);
	mutex_lock(r->lock);
	value = r->ops->read(r->device, addr - r->start, size);
	mutex_unlock(r->lock);
	return value;
}

/* An access that bus_whole() allows; value has no bits beyond its size. */
static inline void bus_range_write(const struct bus_range *r, uint64_t addr, unsigned size,
				   uint64_t value)
{
	mutex_lock(r->lock);
	r->ops->write(r->device, addr - r->start, size, value);
	mutex_unlock(r->lock);
}

/* The claimed range that takes an access to a port whole, or NULL. */
static inline const struct bus_range *bus_port_range(const struct bus *bus, uint16_t port,
						     unsigned size)
{
	unsigned at = bus->port_range[port];
	const struct bus_range *r;

	if (!at)
		return NULL;
	r = &bus->ranges[BUS_PORT][at - 1];
	return bus_whole(r, port, size) ? r : NULL;
}

/* bus_read and bus_write of a port, the short way for what one device takes whole. What is read may
 * have bits beyond its size, what is written may not. */
static inline uint64_t bus_port_read(const struct bus *bus, uint16_t port, unsigned size)
{
	const struct bus_range *r = bus_port_range(bus, port, size);

	return likely(r) ? bus_range_read(r, port, size) : bus_read(bus, BUS_PORT, port, size);
}

static inline void bus_port_write(const struct bus *bus, uint16_t port, unsigned size,
				  uint64_t value)
{
	const struct bus_range *r = bus_port_range(bus, port, size);

	if (likely(r))
		bus_range_write(r, port, size, value);
	else
		bus_write(bus, BUS_PORT, port, size, value);
}
