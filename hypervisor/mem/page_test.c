// SPDX-License-Identifier: GPL-2.0-or-later
// The page allocator against a map of which pages are in use, on one CPU and on four at once;
// kalloc and containers ride on the same machine.
// TEST-WITH: mem/zone.c mem/page.c mem/container.c mem/kalloc.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "cpu/log.h"
#include "lib/bits.h"
#include "mem/kalloc.h"
#include "mem/page_struct.h"
#include "tests/host/host.h"
#include "tests/host/rand.h"

#define ARENA_END (GiB(13))

static uint8_t in_use[ARENA_END / PAGE_SIZE];

struct block {
	phys_t pa;
	unsigned order;
	struct container *c;
};

static void mark(phys_t pa, unsigned order, uint8_t value)
{
	assert_true(IS_ALIGNED(pa, PAGE_SIZE << order) && pa + (PAGE_SIZE << order) <= ARENA_END);
	for (uint64_t i = 0; i < 1ull << order; i++) {
		assert_int_equal(in_use[(pa >> PAGE_SHIFT) + i], !value);
		in_use[(pa >> PAGE_SHIFT) + i] = value;
	}
}

static void assert_all_free(void)
{
	struct mem_stats s = host_memory_stats();

	assert_int_equal(s.free, s.total);
}

static uint64_t used_by(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

static unsigned random_order(uint64_t *r)
{
	unsigned kind = (unsigned)host_rand_below(r, 100);

	if (kind < 60)
		return 0;
	return kind < 97 ? (unsigned)host_rand_below(r, 10) : (unsigned)host_rand_below(r, 19);
}

static void free_block(struct block *b)
{
	mark(b->pa, b->order, 0);
	page_free(b->pa, b->order);
}

static void split_and_free(struct block *b, uint64_t *r)
{
	unsigned new_order = (unsigned)host_rand_below(r, b->order + 1);

	mark(b->pa, b->order, 0);
	page_split(b->pa, b->order, new_order);
	for (phys_t pa = b->pa; pa < b->pa + (PAGE_SIZE << b->order); pa += PAGE_SIZE << new_order)
		page_free(pa, new_order);
}

static void random_ops_against_model(void **state)
{
	static struct block blocks[3000];
	struct container *c = container_create(kernel_container, "test", GiB(3));
	uint64_t r = 42, charged = 0;
	unsigned nr = 0, failed = 0;

	(void)state;
	assert_non_null(c);
	for (unsigned step = 0; step < 40000; step++) {
		host_cpu_enter((unsigned)host_rand_below(&r, 4));
		if (nr == ARRAY_SIZE(blocks) ||
		    (nr && host_rand_below(&r, 100) < (step / 4000 % 2 ? 60 : 40))) {
			struct block *b = &blocks[host_rand_below(&r, nr)];

			charged -= PAGE_SIZE << b->order;
			if (host_rand_below(&r, 4) == 0)
				split_and_free(b, &r);
			else
				free_block(b);
			*b = blocks[--nr];
		} else {
			unsigned order = random_order(&r);
			int node = (int)host_rand_below(&r, 3) - 1;
			phys_t pa = page_alloc(c, order, PAGE_KERNEL, 0, node);

			if (!pa) {
				failed++;
				continue;
			}
			mark(pa, order, 1);
			charged += PAGE_SIZE << order;
			blocks[nr++] = (struct block){ pa, order, c };
		}
		assert_int_equal(used_by(c), charged);
		if (step % 1000 == 0)
			assert_true(zone_check());
	}
	assert_true(failed > 0);
	while (nr)
		free_block(&blocks[--nr]);
	host_cpu_enter(0);
	assert_int_equal(used_by(c), 0);
	container_put(c);
	assert_all_free();
}

static void wish_for_a_node(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 10; order++) {
		for (int node = 0; node < 2; node++) {
			phys_t pa = page_alloc(kernel_container, order, PAGE_KERNEL, 0, node);

			assert_int_equal(pa >= GiB(7) && pa < GiB(12), node);
			page_free(pa, order);
		}
	}
	host_cpu_enter(2);
	phys_t pa = page_alloc(kernel_container, 0, PAGE_KERNEL, 0, NODE_ANY);
	assert_true(pa >= GiB(7) && pa < GiB(12));
	page_free(pa, 0);
	host_cpu_enter(0);
	assert_all_free();
}

/* After everything is back, the largest blocks that the ranges hold can be had again. */
static void large_blocks_come_back(void **state)
{
	phys_t blocks[6];

	(void)state;
	(void)host_memory_stats();
	for (unsigned round = 0; round < 3; round++) {
		unsigned nr = 0;

		while (nr < 6 &&
		       (blocks[nr] = page_alloc(kernel_container, PAGE_ORDER_1G, PAGE_GUEST, 0, 0)))
			nr++;
		assert_int_equal(nr, 5); /* 4..7 GiB of node 0, 7..9 of node 1 */
		for (unsigned i = 0; i < nr; i++) {
			assert_true(IS_ALIGNED(blocks[i], GiB(1)));
			page_split(blocks[i], PAGE_ORDER_1G, round ? PAGE_ORDER_2M : PAGE_ORDER_4K);
			for (phys_t pa = blocks[i]; pa < blocks[i] + GiB(1);
			     pa += round ? MiB(2) : KiB(4))
				page_free(pa, round ? PAGE_ORDER_2M : PAGE_ORDER_4K);
		}
		assert_all_free();
	}
}

static void zeroed_pages(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 10; order++) {
		phys_t pa = page_alloc(kernel_container, order, PAGE_KERNEL, 0, NODE_ANY);

		memset(phys_to_virt(pa), 0xa5, PAGE_SIZE << order);
		page_free(pa, order);
		pa = page_alloc(kernel_container, order, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
		const uint64_t *word = phys_to_virt(pa);
		for (uint64_t i = 0; i < (PAGE_SIZE << order) / 8; i++)
			assert_int_equal(word[i], 0);
		page_free(pa, order);
	}
	assert_all_free();
}

/* Nothing of a page's past is left between a slab's objects (kalloc.c says why). */
static void zeroed_slabs(void **state)
{
	static const char past[16] = { "what was here  " };
	phys_t pa[64];
	char *page;
	void *object;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(pa); i++) {
		pa[i] = page_alloc(kernel_container, 0, PAGE_USER, 0, NODE_ANY);
		for (unsigned at = 0; at < PAGE_SIZE; at += sizeof(past))
			memcpy((char *)phys_to_virt(pa[i]) + at, past, sizeof(past));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pa); i++)
		page_free(pa[i], 0);
	object = kalloc(kernel_container, 64);
	page = (char *)((uintptr_t)object & PAGE_MASK);
	for (unsigned at = 0; at < PAGE_SIZE; at += sizeof(past))
		assert_memory_not_equal(page + at, past, sizeof(past));
	kfree(object);
}

static void quota_is_exact(void **state)
{
	struct container *c = container_create(kernel_container, "test", 10 * PAGE_SIZE + 100);
	phys_t pages[10];

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_not_equal(pages[i] = page_alloc(c, 0, PAGE_USER, 0, NODE_ANY), 0);
	assert_int_equal(page_alloc(c, 0, PAGE_USER, 0, NODE_ANY), 0);
	assert_int_equal(used_by(c), 10 * PAGE_SIZE);
	assert_null(kalloc(c, 128));

	void *p = kalloc(c, 64);
	assert_non_null(p);
	assert_int_equal(used_by(c), 10 * PAGE_SIZE + 64);
	kfree(p);
	page_free(pages[9], 0);
	assert_int_equal(page_alloc(c, 1, PAGE_USER, 0, NODE_ANY), 0);
	for (unsigned i = 0; i < 9; i++)
		page_free(pages[i], 0);
	assert_int_equal(used_by(c), 0);
	container_put(c);
	assert_all_free();
}

/* What is promised is there: a child can use all of its limit while others have taken all the rest.
 */
static void promises_are_kept(void **state)
{
	struct container_info info;
	uint64_t root_before = used_by(kernel_container), nr = 0, size = MiB(200);
	struct container *c = container_create(kernel_container, "child", size);
	phys_t *pages = malloc(GiB(8) / PAGE_SIZE * sizeof(*pages)), pa;

	(void)state;
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		host_cpu_enter(cpu); /* every cache holds something */
		page_free(page_alloc(c, 0, PAGE_USER, 0, NODE_ANY), 0);
	}
	host_cpu_enter(0);
	while ((pa = page_alloc(kernel_container, 0, PAGE_KERNEL, 0, NODE_ANY)))
		pages[nr++] = pa;
	container_get_info(kernel_container, &info);
	assert_true(info.used <= info.limit && info.limit - info.used < PAGE_SIZE);
	for (uint64_t i = 0; i < size / PAGE_SIZE; i++) {
		pages[nr] = page_alloc(c, 0, PAGE_USER, 0, NODE_ANY);
		assert_int_not_equal(pages[nr++], 0);
	}
	assert_null(container_create(kernel_container, "no", PAGE_SIZE));
	while (nr)
		page_free(pages[--nr], 0);
	container_put(c);
	free(pages);
	assert_all_free();
	assert_true(used_by(kernel_container) - root_before <= 4 * 64 * PAGE_SIZE);
}

static void containers_form_a_tree(void **state)
{
	struct container *a = container_create(kernel_container, "a", MiB(1));
	struct container *b = container_create(a, "b", KiB(512));
	struct container_info info;
	uint64_t id = 0, a_used = used_by(a);

	(void)state;
	assert_null(container_create(a, "too large", KiB(512)));
	assert_int_equal(used_by(a), a_used);
	assert_true(a_used > KiB(512) && a_used < KiB(513));

	assert_true(container_next(&id, &info));
	assert_string_equal(info.name, "kernel");
	id++;
	assert_true(container_next(&id, &info));
	assert_string_equal(info.name, "a");
	uint64_t a_id = info.id;
	id++;
	assert_true(container_next(&id, &info));
	assert_string_equal(info.name, "b");
	assert_int_equal(info.parent, a_id);
	assert_int_equal(info.limit, KiB(512));
	id++;
	assert_false(container_next(&id, &info));

	assert_int_equal(container_charge(b, KiB(512)), 0);
	assert_int_equal(container_charge(b, 1), -12);
	container_uncharge(b, KiB(512));
	container_get_info(b, &info);
	assert_int_equal(info.peak, KiB(512));
	container_put(a); /* b still holds it */
	container_put(b);
	id = 2;
	assert_false(container_next(&id, &info));
	assert_all_free();
}

struct object {
	uint8_t *p;
	size_t size;
	uint8_t fill;
};

static size_t class_of(size_t size)
{
	return size <= 16 ? 16 : (size_t)pow2_up(size > 2048 && size < 4096 ? 4096 : size);
}

static void object_check(const struct object *o)
{
	for (size_t i = 0; i < o->size; i++)
		assert_int_equal(o->p[i], o->fill);
}

static void kalloc_against_model(void **state)
{
	static struct object objects[4000];
	struct container *c[3];
	uint64_t used[3] = { 0 }, r = 7;
	unsigned nr = 0;
	static uint8_t who[ARRAY_SIZE(objects)];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		c[i] = container_create(kernel_container, "k", MiB(16));
	for (unsigned step = 0; step < 60000; step++) {
		host_cpu_enter((unsigned)host_rand_below(&r, 4));
		unsigned n = nr ? (unsigned)host_rand_below(&r, nr) : 0;

		if (nr == ARRAY_SIZE(objects) ||
		    (nr && host_rand_below(&r, 100) < (step / 8000 % 2 ? 70 : 30))) {
			object_check(&objects[n]);
			kfree(objects[n].p);
			used[who[n]] -= class_of(objects[n].size);
			objects[n] = objects[--nr];
			who[n] = who[nr];
		} else {
			struct object *o = &objects[nr];

			o->size = 1 + host_rand_below(&r, 1ull << host_rand_below(&r, 15));
			o->fill = (uint8_t)host_rand(&r);
			who[nr] = (uint8_t)host_rand_below(&r, 3);
			o->p = kalloc(c[who[nr]], o->size);
			if (!o->p)
				continue;
			assert_true(
				IS_ALIGNED((uintptr_t)o->p, MIN(class_of(o->size), (size_t)4096)));
			for (size_t i = 0; i < class_of(o->size); i++)
				assert_int_equal(o->p[i], 0);
			memset(o->p, o->fill, o->size);
			used[who[nr]] += class_of(o->size);
			nr++;
		}
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(used_by(c[i]), used[i]);
	}
	while (nr)
		kfree(objects[--nr].p);
	host_cpu_enter(0);
	for (unsigned i = 0; i < 3; i++)
		container_put(c[i]);
	assert_all_free();
}

/* ---- four CPUs at once ---- */

#define SHARED 256

struct storm {
	struct container *c;
	uintptr_t pages[SHARED];   /* exchanged between CPUs; physical address | order */
	uintptr_t objects[SHARED]; /* exchanged between CPUs */
};

static void storm_pages(struct storm *s, uint64_t *r)
{
	unsigned order = host_rand_below(r, 10) ? 0 : (unsigned)host_rand_below(r, 8);
	phys_t pa = page_alloc(s->c, order, PAGE_USER, 0, NODE_ANY);

	if (!pa)
		return;

	uint64_t *word = phys_to_virt(pa);

	word[0] = pa;
	word[(PAGE_SIZE << order) / 8 - 1] = ~pa;
	pa = __atomic_exchange_n(&s->pages[host_rand_below(r, SHARED)], pa | order,
				 __ATOMIC_ACQ_REL);
	if (!pa)
		return;
	order = pa & 63;
	pa &= PAGE_MASK;
	word = phys_to_virt(pa);
	ASSERT(word[0] == pa && word[(PAGE_SIZE << order) / 8 - 1] == ~pa);
	page_free(pa, order);
}

static void storm_objects(struct storm *s, uint64_t *r)
{
	uint64_t size = 16 + host_rand_below(r, 3000);
	uint64_t *o = kalloc(s->c, size);

	if (!o)
		return;
	ASSERT(o[0] == 0 && o[1] == 0);
	o[0] = (uintptr_t)o;
	o[1] = ~(uintptr_t)o;
	o = (uint64_t *)__atomic_exchange_n(&s->objects[host_rand_below(r, SHARED)], (uintptr_t)o,
					    __ATOMIC_ACQ_REL);
	if (!o)
		return;
	ASSERT(o[0] == (uintptr_t)o && o[1] == ~(uintptr_t)o);
	kfree(o);
}

static void storm_cpu(void *arg)
{
	uint64_t r = this_cpu_id().n + 1;

	for (unsigned i = 0; i < 60000; i++) {
		if (host_rand_below(&r, 2))
			storm_pages(arg, &r);
		else
			storm_objects(arg, &r);
	}
}

static void all_cpus_at_once(void **state)
{
	static struct storm s;

	(void)state;
	s.c = container_create(kernel_container, "storm", MiB(20));
	host_run_on_cpus(4, storm_cpu, &s);
	for (unsigned i = 0; i < SHARED; i++) {
		if (s.pages[i])
			page_free(s.pages[i] & PAGE_MASK, s.pages[i] & 63);
		kfree((void *)s.objects[i]);
	}
	assert_int_equal(used_by(s.c), 0);
	container_put(s.c);
	assert_all_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ops_against_model),
		cmocka_unit_test(wish_for_a_node),
		cmocka_unit_test(large_blocks_come_back),
		cmocka_unit_test(zeroed_pages),
		cmocka_unit_test(zeroed_slabs),
		cmocka_unit_test(quota_is_exact),
		cmocka_unit_test(promises_are_kept),
		cmocka_unit_test(containers_form_a_tree),
		cmocka_unit_test(kalloc_against_model),
		cmocka_unit_test(all_cpus_at_once),
	};

	host_machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
