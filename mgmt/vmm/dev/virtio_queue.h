/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split virtqueue as the device sees it: Virtio 1.2, section 2.7, with indirect descriptors and
 * event indexes.
 *
 * Contract: the guest shares the rings and may change them at any time. Every value is copied
 * before it is checked and used; indexes, chains and buffers are bounded, so a bad ring costs its
 * guest its device and nobody anything else: virtq_pop and virtq_start say in one line what is
 * wrong, and the queue is not used again until reset. No locks: the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vmm/ram.h"

#define VIRTQ_SIZE_MAX  256
#define VIRTQ_ERROR_MAX 64

struct virtq_desc;

struct virtq {
	/* What the driver sets, while the queue is not enabled. */
	uint64_t desc_at, avail_at, used_at; /* guest-physical */
	uint16_t size, vector;
	bool enabled;
	/* In use. */
	const struct guest_ram *ram;
	struct virtq_desc *desc;
	uint16_t *avail, *used; /* flags, idx, ring, event */
	uint16_t next_avail, next_used, told_used;
	bool event_idx, indirect;
	char error[VIRTQ_ERROR_MAX]; /* empty: none */
};

/* A request: first what the device reads, then what it writes. */
struct virtq_chain {
	uint16_t head;
	unsigned nr_out, nr_in;
	struct iovec iov[VIRTQ_SIZE_MAX]; /* nr_out + nr_in of them */
};

void virtq_reset(struct virtq *q);
/* Finds the rings in memory. False: q->error says what is wrong. */
bool virtq_start(struct virtq *q, const struct guest_ram *ram, bool event_idx, bool indirect);

enum virtq_pop {
	VIRTQ_EMPTY,
	VIRTQ_CHAIN,
	VIRTQ_BROKEN
};
enum virtq_pop virtq_pop(struct virtq *q, struct virtq_chain *chain);
/* Gives a chain back with `written` bytes written to it. */
void virtq_push(struct virtq *q, const struct virtq_chain *chain, uint32_t written);

/* Asks the driver for a doorbell at the next chain. True: there is a chain already. */
bool virtq_want_doorbell(struct virtq *q);
void virtq_no_doorbell(struct virtq *q);
/* Whether the driver wants an interrupt for what was pushed since the last call. */
bool virtq_wants_interrupt(struct virtq *q);

/* Copies between a part of a chain's buffers and `buf`: how many bytes, less when they end. */
size_t iov_read(const struct iovec *iov, unsigned nr, size_t offset, void *buf, size_t len);
size_t iov_write(const struct iovec *iov, unsigned nr, size_t offset, const void *buf, size_t len);
size_t iov_length(const struct iovec *iov, unsigned nr);
