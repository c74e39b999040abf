/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device: features, status, queues and the thread that serves them, whatever transport
 * shows them to the guest (Virtio 1.2, chapter 2).
 *
 * Contract: a device type is a struct virtio_type; it sees requests and its configuration, never
 * rings or registers. A transport (virtio_pci.h) embeds a struct virtio, sets it by virtio_init and
 * calls the functions below as the driver writes its registers. All of it is under the device's
 * lock, which the I/O thread holds while it serves; the thread sleeps on an eventfd, `kick_fd`,
 * that the kernel or the transport signals. A request's buffers are ranges of guest memory and are
 * valid while the lock is held.
 */
#pragma once

#include <stddef.h>

#include "vmm/dev/virtio_queue.h"
#include "vmm/machine.h"

#define VIRTIO_QUEUES_MAX 8

/* Status, 2.1 */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

/* Features, 6 */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)
#define VIRTIO_F_VERSION_1     (1ull << 32)

struct virtio;

struct virtio_type {
	const char *name;
	uint16_t id;        /* device type, 5 */
	uint32_t pci_class; /* 0xCCSSPP */
	unsigned nr_queues;
	/* A request of a queue: answers it and says how many bytes it wrote, or -1 with v->error
	 * set when it makes no sense at all. */
	int64_t (*serve)(struct virtio *v, unsigned queue, struct virtq_chain *chain);
	void (*reset)(struct virtio *v); /* NULL: nothing to do */
};

/* Locks: [I] immutable after virtio_start; the rest by the device's lock */
struct virtio {
	const struct virtio_type *type; /* [I] */
	struct device *device;          /* [I] */
	const void *config;             /* [I] what the driver reads */
	size_t config_size;             /* [I] */
	uint64_t offered;               /* [I] features */
	/* [I] Tells the driver: queue < 0: the configuration changed. */
	void (*interrupt)(struct virtio *v, int queue);

	uint64_t accepted;
	uint8_t status;
	struct virtq queues[VIRTIO_QUEUES_MAX];
	char error[VIRTQ_ERROR_MAX];

	int kick_fd; /* [I] */
	pthread_t thread;
	bool running;             /* [I] */
	bool quit;                /* [a] */
	struct virtq_chain chain; /* [I/O thread] */
};

/* Then the transport and the type fill in the rest, and virtio_start lets the thread go: 0, or a
 * negative errno. */
int virtio_init(struct virtio *v, const struct virtio_type *type, struct device *device);
int virtio_start(struct virtio *v);
/* Ends the thread; the lock must not be held. Also when virtio_init or virtio_start has failed. */
void virtio_destroy(struct virtio *v);

/* Driver's writes. */
void virtio_set_status(struct virtio *v, uint8_t status);
void virtio_enable_queue(struct virtio *v, unsigned queue);
void virtio_kick(struct virtio *v);
