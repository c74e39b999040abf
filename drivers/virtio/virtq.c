// SPDX-License-Identifier: GPL-2.0-or-later
// The counters run freely, as the device's do. Stores to RAM become visible in order on x86, and so
// do loads; release and acquire keep the compiler to it.
#include "drivers/virtio/virtq.h"

#include "lib/errno.h"
#include "lib/string.h"

#define DESC_WRITE 2

void virtq_init(struct virtq *q, void *rings, uint16_t size)
{
	memset(q, 0, sizeof(*q));
	q->rings = rings;
	q->size = size;
}

int virtq_free(const struct virtq *q)
{
	for (uint16_t i = 0; i < q->size; i++) {
		if (q->room[i] == 0)
			return i;
	}
	return -1;
}

void virtq_give(struct virtq *q, uint16_t id, phys_t address, uint32_t length, bool to_write)
{
	struct virtq_avail *avail = &q->rings->avail;

	q->rings->desc[id] = (struct virtq_desc){
		.address = address,
		.length = length,
		.flags = to_write ? DESC_WRITE : 0,
	};
	q->room[id] = length;
	q->given++;
	avail->ring[q->next_avail % q->size] = id;
	__atomic_store_n(&avail->index, ++q->next_avail, __ATOMIC_RELEASE);
}

int virtq_take(struct virtq *q, uint16_t *id, uint32_t *length, const char **why)
{
	const struct virtq_used *used = &q->rings->used;
	uint16_t ahead = (uint16_t)(__atomic_load_n(&used->index, __ATOMIC_ACQUIRE) - q->next_used);
	const struct virtq_used_item *item = &used->ring[q->next_used % q->size];
	uint32_t number, bytes;

	if (ahead == 0)
		return 0;
	number = READ_ONCE(item->id);
	bytes = READ_ONCE(item->length);
	*why = ahead > q->given                            ? "more buffers used than given"
	       : number >= q->size || q->room[number] == 0 ? "a buffer used that it has not got"
	       : bytes > q->room[number]                   ? "more bytes than the buffer has"
							   : NULL;
	if (*why != NULL)
		return -EIO;
	q->next_used++;
	q->given--;
	q->room[number] = 0;
	*id = (uint16_t)number;
	*length = bytes;
	return 1;
}
