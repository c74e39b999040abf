/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of bytes. The counters run freely: their difference is what is in it. The owner's lock
 * guards it. Pure data, host-testable.
 */
#pragma once

#include "lib/string.h"
#include "lib/types.h"

struct byte_ring {
	uint8_t *bytes;
	uint32_t size; /* a power of two */
	uint32_t head; /* bytes put since the start */
	uint32_t tail; /* bytes taken */
};

#define BYTE_RING_INIT(array)                           \
	{                                               \
		.bytes = (array), .size = sizeof(array) \
	}

static inline uint32_t byte_ring_used(const struct byte_ring *r)
{
	return r->head - r->tail;
}

static inline uint32_t byte_ring_free(const struct byte_ring *r)
{
	return r->size - byte_ring_used(r);
}

static inline bool byte_ring_put(struct byte_ring *r, uint8_t byte)
{
	if (byte_ring_free(r) == 0)
		return false;
	r->bytes[r->head++ & (r->size - 1)] = byte;
	return true;
}

static inline bool byte_ring_take(struct byte_ring *r, uint8_t *byte)
{
	if (byte_ring_used(r) == 0)
		return false;
	*byte = r->bytes[r->tail++ & (r->size - 1)];
	return true;
}

/* As many of the `len` bytes as fit; returns how many. */
static inline size_t byte_ring_write(struct byte_ring *r, const void *from, size_t len)
{
	size_t n = MIN(len, (size_t)byte_ring_free(r));
	size_t at = r->head & (r->size - 1);
	size_t first = MIN(n, r->size - at);
	memcpy(r->bytes + at, from, first);
	memcpy(r->bytes, (const uint8_t *)from + first, n - first);
	r->head += (uint32_t)n;
	return n;
}

/* At most `len` bytes; returns how many. */
static inline size_t byte_ring_read(struct byte_ring *r, void *to, size_t len)
{
	size_t n = MIN(len, (size_t)byte_ring_used(r));
	size_t at = r->tail & (r->size - 1);
	size_t first = MIN(n, r->size - at);
	memcpy(to, r->bytes + at, first);
	memcpy((uint8_t *)to + first, r->bytes, n - first);
	r->tail += (uint32_t)n;
	return n;
}
