// SPDX-License-Identifier: GPL-2.0-or-later
// The I/O thread serves all queues until they are empty, asks for doorbells, looks once more, and
// sleeps. One interrupt a queue and pass at most. A bad ring ends the VM with a reason, after the
// status that the standard wants for it is set.

#include "vmm/dev/virtio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE (128u << 10)

static void break_device(struct virtio *v, unsigned queue, const char *why)
{
	v->status |= VIRTIO_NEEDS_RESET;
	v->interrupt(v, -1);
	machine_stop(v->device->machine, MACHINE_FAIL, 0, "%s: queue %u: %s", v->type->name, queue,
		     why);
}

static bool works(const struct virtio *v)
{
	return (v->status & VIRTIO_DRIVER_OK) && !(v->status & VIRTIO_NEEDS_RESET);
}

/* Serves what is there. False: the queue cannot be used any more. */
static bool drain(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->queues[queue];
	enum virtq_pop got;
	int64_t written;

	virtq_no_doorbell(q);
	while ((got = virtq_pop(q, &v->chain)) == VIRTQ_CHAIN) {
		written = v->type->serve(v, queue, &v->chain);
		if (written < 0) {
			break_device(v, queue, v->error);
			return false;
		}
		virtq_push(q, &v->chain, (uint32_t)written);
	}
	if (got == VIRTQ_BROKEN)
		break_device(v, queue, q->error);
	return got == VIRTQ_EMPTY;
}

static void serve_queue(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->queues[queue];

	do {
		if (!drain(v, queue))
			return;
		if (virtq_wants_interrupt(q))
			v->interrupt(v, (int)queue);
	} while (virtq_want_doorbell(q));
}

static void *io_main(void *arg)
{
	struct virtio *v = arg;
	uint64_t count;

	while (!__atomic_load_n(&v->quit, __ATOMIC_ACQUIRE)) {
		if (read(v->kick_fd, &count, sizeof(count)) < 0 && errno != EINTR) {
			machine_stop(v->device->machine, MACHINE_FAIL, 0, "%s: eventfd: %s",
				     v->type->name, strerror(errno));
			return NULL;
		}
		mutex_lock(&v->device->lock);
		for (unsigned i = 0; i < v->type->nr_queues; i++) {
			if (works(v) && v->queues[i].enabled)
				serve_queue(v, i);
		}
		mutex_unlock(&v->device->lock);
	}
	return NULL;
}

int virtio_init(struct virtio *v, const struct virtio_type *type, struct device *device)
{
	v->type = type;
	v->device = device;
	v->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		virtq_reset(&v->queues[i]);
	v->kick_fd = eventfd(0, EFD_CLOEXEC);
	return v->kick_fd < 0 ? -errno : 0;
}

int virtio_start(struct virtio *v)
{
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	ret = pthread_create(&v->thread, &attr, io_main, v);
	pthread_attr_destroy(&attr);
	v->running = ret == 0;
	return -ret;
}

void virtio_kick(struct virtio *v)
{
	uint64_t one = 1;

	/* A counter that is full has a thread awake already. */
	while (write(v->kick_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void virtio_destroy(struct virtio *v)
{
	if (v->running) {
		__atomic_store_n(&v->quit, true, __ATOMIC_RELEASE);
		virtio_kick(v);
		pthread_join(v->thread, NULL);
	}
	v->running = false;
	if (v->kick_fd >= 0)
		close(v->kick_fd);
	v->kick_fd = -1;
}

static void reset(struct virtio *v)
{
	v->status = 0;
	v->accepted = 0;
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		virtq_reset(&v->queues[i]);
	if (v->type->reset)
		v->type->reset(v);
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
	bool was_ok = v->status & VIRTIO_DRIVER_OK;

	if (!status) {
		reset(v);
		return;
	}
	/* Features that were not offered, or a driver of before 1.0: FEATURES_OK does not stay. */
	if ((v->accepted & ~v->offered) || !(v->accepted & VIRTIO_F_VERSION_1))
		status &= (uint8_t)~VIRTIO_FEATURES_OK;
	/* Bits are only added; NEEDS_RESET is ours. */
	v->status |= status & (uint8_t)~VIRTIO_NEEDS_RESET;
	if (!was_ok && works(v))
		virtio_kick(v);
}

void virtio_enable_queue(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->queues[queue];

	if (q->enabled || (v->status & VIRTIO_NEEDS_RESET))
		return;
	q->enabled = virtq_start(q, &v->device->machine->ram, v->accepted & VIRTIO_F_EVENT_IDX,
				 v->accepted & VIRTIO_F_INDIRECT_DESC);
	if (!q->enabled)
		break_device(v, queue, q->error);
	else if (works(v))
		virtio_kick(v);
}
