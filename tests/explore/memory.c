// SPDX-License-Identifier: GPL-2.0-or-later
// Store buffers. While a CPU runs, memory holds what that CPU sees: its buffered stores are swapped
// in, oldest first, when it enters, and swapped out in reverse when it leaves. A plain store has no
// hook behind it: what it wrote is fetched from memory at the CPU's next hook, put into the buffer,
// and is there again at once, since the CPU still runs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/explore/explore.h"

#define STORES_MAX  192u
#define PENDING_MAX 64u

struct store {
	uint64_t address, other; /* other: the value that is not in memory now */
	unsigned size;
};

struct buffer {
	struct store stores[STORES_MAX];
	unsigned n;
	bool inside; /* its stores are in memory */
};

static struct buffer buffers[CPUS_MAX];
/* Stores that have been announced: with the value before. */
static struct store pending[PENDING_MAX];
static unsigned nr_pending;

uint64_t memory_load(uint64_t address, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, (const void *)address, size);
	return v;
}

static void put(uint64_t address, unsigned size, uint64_t v)
{
	memcpy((void *)address, &v, size);
}

void memory_reset(void)
{
	memset(buffers, 0, sizeof(buffers));
	nr_pending = 0;
}

static void swap(struct store *s)
{
	uint64_t v = memory_load(s->address, s->size);

	put(s->address, s->size, s->other);
	s->other = v;
}

void memory_enter(unsigned cpu)
{
	struct buffer *b = &buffers[cpu];

	for (unsigned i = 0; i < b->n; i++)
		swap(&b->stores[i]);
	b->inside = true;
}

void memory_leave(unsigned cpu)
{
	struct buffer *b = &buffers[cpu];

	memory_end_stores();
	for (unsigned i = b->n; i--;)
		swap(&b->stores[i]);
	b->inside = false;
}

/* The value is in memory already; `before` was. */
static void add(uint64_t address, unsigned size, uint64_t before)
{
	unsigned cpu = engine_cpu();
	struct buffer *b = &buffers[cpu];

	if (b->n == STORES_MAX) {
		fprintf(stderr, "explore: a store buffer is full\n");
		abort();
	}
	b->stores[b->n++] = (struct store){ address, before, size };
	engine_stored(cpu);
}

void memory_end_stores(void)
{
	for (unsigned i = 0; i < nr_pending; i++)
		add(pending[i].address, pending[i].size, pending[i].other);
	nr_pending = 0;
}

void memory_begin_store(uint64_t address, unsigned size)
{
	if (nr_pending == PENDING_MAX) {
		fprintf(stderr, "explore: too many stores at once\n");
		abort();
	}
	pending[nr_pending++] = (struct store){ address, memory_load(address, size), size };
}

void memory_store(uint64_t address, unsigned size, uint64_t value)
{
	uint64_t before = memory_load(address, size);

	put(address, size, value);
	add(address, size, before);
}

unsigned memory_buffered(unsigned cpu)
{
	return buffers[cpu].n;
}

struct access memory_oldest(unsigned cpu)
{
	const struct store *s = &buffers[cpu].stores[0];

	return (struct access){ .kind = ACCESS_FLUSH, .address = s->address, .size = s->size };
}

/* Its CPU does not run: `other` is the store's value. */
void memory_flush(unsigned cpu)
{
	struct buffer *b = &buffers[cpu];

	put(b->stores[0].address, b->stores[0].size, b->stores[0].other);
	b->n--;
	memmove(b->stores, b->stores + 1, b->n * sizeof(b->stores[0]));
}
