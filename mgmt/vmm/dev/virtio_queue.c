// SPDX-License-Identifier: GPL-2.0-or-later
// The driver's index is read with acquire, ours is written with release. Before going to sleep, and
// before leaving out an interrupt, a full barrier stands between our store and the load of the
// driver's side: one of both always sees the other.

#include "vmm/dev/virtio_queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
/* Flags of the rings, without event indexes. */
#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY     1u

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2, 2.7.5");

struct virtq_used_elem {
	uint32_t id, len;
};

static bool broken(struct virtq *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool broken(struct virtq *q, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(q->error, sizeof(q->error), format, args);
	va_end(args);
	return false;
}

void virtq_reset(struct virtq *q)
{
	*q = (struct virtq){ .size = VIRTQ_SIZE_MAX, .vector = 0xffff };
}

static void *find_ring(struct virtq *q, const char *name, uint64_t at, unsigned align, size_t size)
{
	void *p = at % align ? NULL : ram_ptr(q->ram, at, size);

	if (!p)
		broken(q, "%s ring at 0x%llx: not aligned or not in memory", name,
		       (unsigned long long)at);
	return p;
}

bool virtq_start(struct virtq *q, const struct guest_ram *ram, bool event_idx, bool indirect)
{
	uint16_t n = q->size;

	if (!n || n > VIRTQ_SIZE_MAX || (n & (n - 1)))
		return broken(q, "size %u: expected a power of two up to %u", n, VIRTQ_SIZE_MAX);
	q->ram = ram;
	q->event_idx = event_idx;
	q->indirect = indirect;
	q->desc = find_ring(q, "descriptor", q->desc_at, 16, 16ul * n);
	q->avail = find_ring(q, "available", q->avail_at, 2, 6 + 2ul * n);
	q->used = find_ring(q, "used", q->used_at, 4, 6 + 8ul * n);
	q->next_avail = q->next_used = q->told_used = 0;
	return q->desc && q->avail && q->used;
}

/* Where event indexes are: behind the rings. */
static uint16_t *used_event(const struct virtq *q)
{
	return &q->avail[2 + q->size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return &q->used[2 + 4 * q->size];
}

/* One buffer of a chain. */
static bool add_buffer(struct virtq *q, struct virtq_chain *c, const struct virtq_desc *d)
{
	unsigned nr = c->nr_out + c->nr_in;
	void *p;

	if (nr == VIRTQ_SIZE_MAX)
		return broken(q, "a chain of more than %u descriptors", VIRTQ_SIZE_MAX);
	if (!(d->flags & DESC_WRITE) && c->nr_in)
		return broken(q, "a buffer to read behind one to write");
	p = ram_ptr(q->ram, d->addr, d->len);
	if (!p)
		return broken(q, "buffer 0x%llx+0x%x: not in memory", (unsigned long long)d->addr,
			      d->len);
	c->iov[nr] = (struct iovec){ p, d->len };
	if (d->flags & DESC_WRITE)
		c->nr_in++;
	else
		c->nr_out++;
	return true;
}

static bool walk(struct virtq *q, struct virtq_chain *c, const struct virtq_desc *table,
		 unsigned nr, unsigned at, bool nested);

static bool add_indirect(struct virtq *q, struct virtq_chain *c, const struct virtq_desc *d)
{
	const struct virtq_desc *table;

	if (!q->indirect || (d->flags & DESC_NEXT))
		return broken(q, "an indirect descriptor that may not be");
	if (!d->len || d->len % sizeof(*table) || d->len / sizeof(*table) > 65536)
		return broken(q, "an indirect table of 0x%x bytes", d->len);
	table = d->addr % 16 ? NULL : ram_ptr(q->ram, d->addr, d->len);
	if (!table)
		return broken(q, "indirect table 0x%llx: not aligned or not in memory",
			      (unsigned long long)d->addr);
	return walk(q, c, table, d->len / sizeof(*table), 0, true);
}

/* Descriptors of one table from `at` on. The number of steps is bounded: chains may be loops. */
static bool walk(struct virtq *q, struct virtq_chain *c, const struct virtq_desc *table,
		 unsigned nr, unsigned at, bool nested)
{
	for (unsigned steps = 0; steps < nr; steps++) {
		struct virtq_desc d;

		memcpy(&d, &table[at], sizeof(d));
		if (d.flags & DESC_INDIRECT) {
			if (nested)
				return broken(q, "an indirect table inside another");
			return add_indirect(q, c, &d);
		}
		if (!add_buffer(q, c, &d))
			return false;
		if (!(d.flags & DESC_NEXT))
			return true;
		if (d.next >= nr)
			return broken(q, "descriptor %u of %u", d.next, nr);
		at = d.next;
	}
	return broken(q, "a chain that is a loop");
}

enum virtq_pop virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
	uint16_t idx = __atomic_load_n(&q->avail[1], __ATOMIC_ACQUIRE);
	uint16_t waiting = (uint16_t)(idx - q->next_avail);
	uint16_t head;

	if (!waiting)
		return VIRTQ_EMPTY;
	if (waiting > q->size) {
		broken(q, "%u chains available in a ring of %u", waiting, q->size);
		return VIRTQ_BROKEN;
	}
	head = __atomic_load_n(&q->avail[2 + q->next_avail % q->size], __ATOMIC_RELAXED);
	if (head >= q->size) {
		broken(q, "descriptor %u of %u", head, q->size);
		return VIRTQ_BROKEN;
	}
	q->next_avail++;
	chain->head = head;
	chain->nr_out = chain->nr_in = 0;
	return walk(q, chain, q->desc, q->size, head, false) ? VIRTQ_CHAIN : VIRTQ_BROKEN;
}

void virtq_push(struct virtq *q, const struct virtq_chain *chain, uint32_t written)
{
	struct virtq_used_elem e = { chain->head, written };

	memcpy(&q->used[2 + 4 * (q->next_used % q->size)], &e, sizeof(e));
	q->next_used++;
	__atomic_store_n(&q->used[1], q->next_used, __ATOMIC_RELEASE);
}

bool virtq_want_doorbell(struct virtq *q)
{
	if (q->event_idx)
		__atomic_store_n(avail_event(q), q->next_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&q->used[0], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&q->avail[1], __ATOMIC_ACQUIRE) != q->next_avail;
}

void virtq_no_doorbell(struct virtq *q)
{
	/* With event indexes the one that is there is behind us: it is not passed again. */
	if (!q->event_idx)
		__atomic_store_n(&q->used[0], USED_NO_NOTIFY, __ATOMIC_RELAXED);
}

bool virtq_wants_interrupt(struct virtq *q)
{
	uint16_t old = q->told_used, new = q->next_used, event;

	if (old == new)
		return false;
	q->told_used = new;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(__atomic_load_n(&q->avail[0], __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
	event = __atomic_load_n(used_event(q), __ATOMIC_RELAXED);
	/* Whether `event` is among old .. new - 1: 2.7.10. */
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* ---- buffers ---- */

size_t iov_length(const struct iovec *iov, unsigned nr)
{
	size_t sum = 0;

	for (unsigned i = 0; i < nr; i++)
		sum += iov[i].iov_len;
	return sum;
}

static size_t iov_copy(const struct iovec *iov, unsigned nr, size_t offset, uint8_t *buf,
		       size_t len, bool to_iov)
{
	size_t done = 0;

	for (unsigned i = 0; i < nr && done < len; i++) {
		uint8_t *p = iov[i].iov_base;
		size_t n = iov[i].iov_len;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n = n - offset < len - done ? n - offset : len - done;
		if (to_iov)
			memcpy(p + offset, buf + done, n);
		else
			memcpy(buf + done, p + offset, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t iov_read(const struct iovec *iov, unsigned nr, size_t offset, void *buf, size_t len)
{
	return iov_copy(iov, nr, offset, buf, len, false);
}

size_t iov_write(const struct iovec *iov, unsigned nr, size_t offset, const void *buf, size_t len)
{
	return iov_copy(iov, nr, offset, (uint8_t *)(uintptr_t)buf, len, true);
}
