// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/ram.c
// The input is a guest's memory with a ring in it: chains have buffers in that memory only, every
// walk ends, and what is broken says why.

#include <stdlib.h>
#include <string.h>

#include "vmm/dev/virtio_queue.h"

#define RAM_SIZE (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(const struct guest_ram *ram, const struct virtq_chain *c)
{
	static uint8_t scratch[4096];
	unsigned nr = c->nr_out + c->nr_in;
	size_t out = iov_length(c->iov, c->nr_out);

	if (nr > VIRTQ_SIZE_MAX)
		abort();
	for (unsigned i = 0; i < nr; i++) {
		uint8_t *p = c->iov[i].iov_base;

		if (p < ram->host || c->iov[i].iov_len > ram->size ||
		    p + c->iov[i].iov_len > ram->host + ram->size)
			abort();
	}
	if (iov_read(c->iov, c->nr_out, out / 2, scratch, sizeof(scratch)) > out - out / 2)
		abort();
	iov_write(&c->iov[c->nr_out], c->nr_in, 1, scratch, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct virtq_chain chain;
	struct guest_ram ram;
	uint8_t *memory;
	enum virtq_pop got;
	struct virtq q;

	if (size < 8)
		return 0;
	memory = calloc(1, RAM_SIZE);
	if (!memory)
		abort();
	ram_init(&ram, memory, RAM_SIZE);
	memcpy(memory, data + 8, size - 8 < RAM_VGA_START ? size - 8 : RAM_VGA_START);
	virtq_reset(&q);
	q.size = (uint16_t)(1u << (data[0] % 9));
	q.desc_at = (data[1] & 15) * 16;
	q.avail_at = data[2] * 2;
	q.used_at = 0x8000 + data[3] * 4;
	if (!virtq_start(&q, &ram, data[4] & 1, data[4] & 2))
		abort();
	for (unsigned i = 0; i < 64; i++) {
		virtq_no_doorbell(&q);
		got = virtq_pop(&q, &chain);
		if ((got == VIRTQ_BROKEN) != (q.error[0] != '\0'))
			abort();
		if (got != VIRTQ_CHAIN)
			break;
		check_chain(&ram, &chain);
		virtq_push(&q, &chain, i);
		virtq_wants_interrupt(&q);
		virtq_want_doorbell(&q);
	}
	free(memory);
	return 0;
}
