/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split virtqueue as a driver sees it: Virtio 1.2, section 2.7 "Split Virtqueues", without
 * indirect descriptors, chains and event indexes. A buffer has the number of its descriptor.
 *
 * Contract: the device shares the rings and is not trusted. What it says is copied, then checked:
 * only buffers that it was given come back, each once, with no more bytes than it had room. Nothing
 * is read from the descriptors, which it could have changed. Pure data, host-testable; the owner's
 * lock guards it.
 */
#pragma once

#include "lib/types.h"

#define VIRTQ_MAX   16u /* buffers */
#define VIRTQ_BYTES 1024u

struct virtq_desc {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};
static_assert_size(struct virtq_desc, 16);

struct virtq_avail {
	uint16_t flags, index, ring[VIRTQ_MAX], event;
};

struct virtq_used {
	uint16_t flags, index;
	struct virtq_used_item {
		uint32_t id, length;
	} ring[VIRTQ_MAX];
	uint16_t event;
};

/* Laid out for VIRTQ_MAX; a smaller queue uses the beginning of each part. */
struct virtq_rings {
	struct virtq_desc desc[VIRTQ_MAX];
	struct virtq_avail avail __aligned(2);
	struct virtq_used used __aligned(4);
};
_Static_assert(sizeof(struct virtq_rings) <= VIRTQ_BYTES, "the rings fit");

struct virtq {
	struct virtq_rings *rings; /* shared with the device */
	uint16_t size;             /* a power of two */
	uint16_t next_avail, next_used;
	uint16_t given;           /* buffers that the device has */
	uint32_t room[VIRTQ_MAX]; /* bytes of those, 0: it has not got it */
};

/* `rings`: VIRTQ_BYTES bytes, zeroed, aligned to 16, which stay. `size`: a power of two up to
 * VIRTQ_MAX. */
void virtq_init(struct virtq *q, void *rings, uint16_t size);

/* Is there a buffer that the device has not got? Its number, else -1. */
int virtq_free(const struct virtq *q);

/*
 * Gives the device the buffer `id`, which it has not got: `length` bytes (not 0) at `address`, for
 * it to write or to read. The device is told by its doorbell, not here.
 */
void virtq_give(struct virtq *q, uint16_t id, phys_t address, uint32_t length, bool to_write);

/*
 * Takes a buffer back that the device is done with: its number, and how many bytes the device says
 * it wrote, at most its room. 1, 0: none now, or -EIO: the device breaks the rules; *why says how.
 */
int virtq_take(struct virtq *q, uint16_t *id, uint32_t *length, const char **why);
