// SPDX-License-Identifier: GPL-2.0-or-later
// What -fsanitize=thread calls before each access, and in place of each atomic operation. A read
// that comes again at once, from the same place with the same value, is a CPU that spins: it goes
// on when the value has changed, which is what a fair schedule gives it.
// What a function does to variables in its own frame, such as to count how often it has looked, is
// no step.
#include "tests/explore/explore.h"

struct last_read {
	const void *pc;
	uint64_t address, value;
	bool valid;
};
static struct last_read last[CPUS_MAX];

void hooks_reset(void)
{
	for (unsigned i = 0; i < CPUS_MAX; i++)
		last[i].valid = false;
}

void hooks_forget(unsigned cpu)
{
	last[cpu].valid = false;
}

static void read_hook(uint64_t address, unsigned size, const void *pc)
{
	struct last_read *l;
	struct access a = { .kind = ACCESS_READ, .address = address, .size = size };

	if (!engine_exploring())
		return;
	memory_end_stores();
	l = &last[engine_cpu()];
	if (l->valid && l->pc == pc && l->address == address) {
		a.kind = ACCESS_AWAIT;
		a.seen = l->value;
	}
	engine_access(&a);
	last[engine_cpu()] = (struct last_read){ pc, address, memory_load(address, size), true };
}

static void locked_hook(uint64_t address, unsigned size)
{
	struct access a = { .kind = ACCESS_LOCKED, .address = address, .size = size };

	if (!engine_exploring())
		return;
	memory_end_stores();
	hooks_forget(engine_cpu());
	engine_access(&a);
}

static void fence_hook(int order)
{
	struct access a = { .kind = ACCESS_FENCE };

	if (!engine_exploring() || order != __ATOMIC_SEQ_CST)
		return;
	memory_end_stores();
	hooks_forget(engine_cpu());
	engine_access(&a);
}

/* x86: a store is a store; a sequentially consistent one is an XCHG. */
static bool store_hook(uint64_t address, unsigned size, uint64_t value, int order)
{
	if (!engine_exploring())
		return false;
	if (order == __ATOMIC_SEQ_CST) {
		locked_hook(address, size);
		return false;
	}
	memory_end_stores();
	hooks_forget(engine_cpu());
	memory_store(address, size, value);
	return true;
}

/* In the frame of the hook's caller? `frame` is the hook's own: its caller's lies above it. */
static bool is_local(uint64_t address, const uint64_t *frame)
{
	return address >= (uintptr_t)(frame + 2) && address < frame[0];
}

static void read_range(uint64_t address, uint64_t size, const void *pc, const void *frame)
{
	if (is_local(address, frame))
		return;
	for (uint64_t i = 0; i < size; i += 8)
		read_hook(address + i, (unsigned)MIN(size - i, (uint64_t)8), pc);
}

static void write_range(uint64_t address, uint64_t size, const void *frame)
{
	if (!engine_exploring() || is_local(address, frame))
		return;
	memory_end_stores();
	hooks_forget(engine_cpu());
	for (uint64_t i = 0; i < size; i += 8)
		memory_begin_store(address + i, (unsigned)MIN(size - i, (uint64_t)8));
}

#define PC    __builtin_return_address(0)
#define FRAME __builtin_frame_address(0)

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
	hooks_forget(engine_cpu());
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	hooks_forget(engine_cpu());
}

void __tsan_read_range(void *p, unsigned long size);
void __tsan_read_range(void *p, unsigned long size)
{
	read_range((uintptr_t)p, size, PC, FRAME);
}

void __tsan_write_range(void *p, unsigned long size);
void __tsan_write_range(void *p, unsigned long size)
{
	write_range((uintptr_t)p, size, FRAME);
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	fence_hook(order);
}

#define PLAIN(n)                                        \
	void __tsan_read##n(void *p);                   \
	void __tsan_read##n(void *p)                    \
	{                                               \
		read_range((uintptr_t)p, n, PC, FRAME); \
	}                                               \
	void __tsan_write##n(void *p);                  \
	void __tsan_write##n(void *p)                   \
	{                                               \
		write_range((uintptr_t)p, n, FRAME);    \
	}                                               \
	void __tsan_unaligned_read##n(void *p);         \
	void __tsan_unaligned_read##n(void *p)          \
	{                                               \
		read_range((uintptr_t)p, n, PC, FRAME); \
	}                                               \
	void __tsan_unaligned_write##n(void *p);        \
	void __tsan_unaligned_write##n(void *p)         \
	{                                               \
		write_range((uintptr_t)p, n, FRAME);    \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

#define RMW(bits, type, name, op)                                      \
	type __tsan_atomic##bits##_##name(type *p, type v, int order); \
	type __tsan_atomic##bits##_##name(type *p, type v, int order)  \
	{                                                              \
		type before;                                           \
		(void)order;                                           \
		locked_hook((uintptr_t)p, sizeof(*p));                 \
		before = *p;                                           \
		*p = (type)(op);                                       \
		return before;                                         \
	}

#define ATOMIC(bits, type)                                                                  \
	type __tsan_atomic##bits##_load(const type *p, int order);                          \
	type __tsan_atomic##bits##_load(const type *p, int order)                           \
	{                                                                                   \
		(void)order;                                                                \
		read_hook((uintptr_t)p, sizeof(*p), PC);                                    \
		return *p;                                                                  \
	}                                                                                   \
	void __tsan_atomic##bits##_store(type *p, type v, int order);                       \
	void __tsan_atomic##bits##_store(type *p, type v, int order)                        \
	{                                                                                   \
		if (!store_hook((uintptr_t)p, sizeof(*p), v, order))                        \
			*p = v;                                                             \
	}                                                                                   \
	bool __tsan_atomic##bits##_compare_exchange_strong(type *p, type *expected, type v, \
							   int order, int failed);          \
	bool __tsan_atomic##bits##_compare_exchange_strong(type *p, type *expected, type v, \
							   int order, int failed)           \
	{                                                                                   \
		(void)order, (void)failed;                                                  \
		locked_hook((uintptr_t)p, sizeof(*p));                                      \
		if (*p == *expected) {                                                      \
			*p = v;                                                             \
			return true;                                                        \
		}                                                                           \
		*expected = *p;                                                             \
		return false;                                                               \
	}                                                                                   \
	RMW(bits, type, exchange, v)                                                        \
	RMW(bits, type, fetch_add, before + v)                                              \
	RMW(bits, type, fetch_sub, before - v)                                              \
	RMW(bits, type, fetch_or, before | v)                                               \
	RMW(bits, type, fetch_and, before &v)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
