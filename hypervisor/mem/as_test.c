// SPDX-License-Identifier: GPL-2.0-or-later
// Address spaces without hardware: layout, faults and contents against an array with a word for
// each page, with quotas that run out, and a flush that is checked to come between taking out and
// freeing. User memory is read through the page tables.
// TEST-WITH: mem/as.c mem/as_fault.c mem/region.c mem/mobj.c mem/preempt.c mem/pt.c mem/pt_format.c
// TEST-WITH: mem/zone.c mem/page.c mem/container.c mem/kalloc.c
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/as_impl.h"
#include "mem/kspace.h"
#include "mem/page_struct.h"
#include "mem/tlb.h"
#include "tests/host/host.h"
#include "tests/host/rand.h"

#define BASE  0x10000000ull
#define PAGES 2048u

struct page_table kernel_pt;

static unsigned flushes;

/* What each CPU is flushing: nobody may be given these addresses. */
static struct {
	uint64_t va, end;
} flushing[4];

void tlb_flush_as(struct as *as, uint64_t va, uint64_t size)
{
	unsigned cpu = this_cpu_id().n;

	ASSERT(!lock_held(&as->lock));
	__atomic_fetch_add(&flushes, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&flushing[cpu].va, va, __ATOMIC_SEQ_CST);
	__atomic_store_n(&flushing[cpu].end, va + size, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 20; i++)
		sched_yield();
	__atomic_store_n(&flushing[cpu].end, 0, __ATOMIC_SEQ_CST);
}

static bool is_being_flushed(uint64_t va)
{
	bool flushed = false;

	for (unsigned cpu = 0; cpu < 4; cpu++)
		flushed = flushed || (va >= __atomic_load_n(&flushing[cpu].va, __ATOMIC_SEQ_CST) &&
				      va < __atomic_load_n(&flushing[cpu].end, __ATOMIC_SEQ_CST));
	return flushed;
}

void ipi_serve(void)
{
	sched_yield();
}

static uint64_t used_by(struct container *c)
{
	struct container_info info;

	container_get_info(c, &info);
	return info.used;
}

static void assert_all_free(void)
{
	struct mem_stats s = host_memory_stats();

	assert_int_equal(s.free + PAGE_SIZE, s.total); /* kernel_pt's root */
}

/* The word at va as ring 3 sees it, after faults. 0 or -errno. */
static int user_access(struct as *as, uint64_t va, uint32_t wanted, uint64_t *word)
{
	for (unsigned tries = 0; tries < 3; tries++) {
		unsigned need = wanted == AS_WRITE  ? PT_WRITE
				: wanted == AS_EXEC ? PT_EXEC
						    : PT_READ;
		struct pt_leaf leaf;
		int err;

		if (pt_query(&as->pt, va, &leaf) && (leaf.rights & need) &&
		    (leaf.rights & PT_READ)) {
			assert_true(leaf.rights & PT_USER);
			if (wanted == AS_WRITE)
				*(uint64_t *)phys_to_virt(leaf.pa) = *word;
			else
				*word = *(uint64_t *)phys_to_virt(leaf.pa);
			return 0;
		}
		err = as_fault(as, va, wanted);
		if (err < 0)
			return err;
	}
	fail_msg("the fault at %llx does not end", (unsigned long long)va);
	return -EIO;
}

static int64_t map(struct as *as, uint64_t va, uint64_t size, uint32_t rights, enum as_kind kind)
{
	struct as_map_args a = {
		.va = va, .size = size, .rights = rights, .kind = kind, .fixed = va != 0
	};

	return as_map(as, &a);
}

/* ---- the model ---- */

struct model_page {
	uint8_t rights;
	uint8_t kind; /* AS_KIND_NONE: nothing is mapped */
	uint64_t word;
};

static struct model_page model[PAGES];
static struct mobj *object;
static uint64_t object_words[PAGES];
static phys_t file; /* PAGES pages in one block */
#define FILE_SIZE (PAGES * PAGE_SIZE - 1000)

static uint64_t page_va(uint64_t i)
{
	return BASE + i * PAGE_SIZE;
}

static uint64_t file_word(uint64_t page, uint64_t misalign)
{
	return *(uint64_t *)phys_to_virt(file + misalign + page * PAGE_SIZE);
}

static const uint32_t legal_rights[] = { 0, AS_READ, AS_READ | AS_WRITE, AS_READ | AS_EXEC };

static int model_map(struct as *as, uint64_t first, uint64_t n, uint64_t *r)
{
	uint32_t rights = legal_rights[host_rand_below(r, 4)];
	uint64_t source = host_rand_below(r, PAGES - n + 1), misalign = host_rand_below(r, 2) * 16;
	struct as_map_args a = {
		.va = page_va(first),
		.size = n * PAGE_SIZE,
		.rights = rights,
		.kind = (enum as_kind)(AS_KIND_ANON + host_rand_below(r, 3)),
		.fixed = true,
		.offset = source * PAGE_SIZE,
		.mobj = object,
		.file_base = file + misalign,
		.file_size = FILE_SIZE,
	};
	int64_t va = as_map(as, &a);

	if (va < 0)
		return (int)va;
	assert_int_equal(va, page_va(first));
	for (uint64_t i = 0; i < n; i++) {
		struct model_page *p = &model[first + i];

		p->rights = (uint8_t)rights;
		p->kind = (uint8_t)a.kind;
		/* For objects: which of its pages. */
		p->word = a.kind == AS_KIND_FILE   ? file_word(source + i, misalign)
			  : a.kind == AS_KIND_MOBJ ? source + i
						   : 0;
	}
	return 0;
}

static int model_unmap(struct as *as, uint64_t first, uint64_t n)
{
	int err = as_unmap(as, page_va(first), n * PAGE_SIZE);

	if (err == 0)
		memset(&model[first], 0, n * sizeof(model[0]));
	return err;
}

static int model_protect(struct as *as, uint64_t first, uint64_t n, uint64_t *r)
{
	uint32_t rights = legal_rights[host_rand_below(r, 4)];
	int err = as_protect(as, page_va(first), n * PAGE_SIZE, rights);
	bool hole = false;

	for (uint64_t i = first; i < first + n; i++)
		hole = hole || model[i].kind == AS_KIND_NONE;
	assert_true(!hole || err == -ENOMEM);
	for (uint64_t i = first; err == 0 && i < first + n; i++)
		model[i].rights = (uint8_t)rights;
	return hole ? 0 : err;
}

static int model_access(struct as *as, uint64_t i, uint64_t *r)
{
	struct model_page *p = &model[i];
	static const uint32_t kinds[] = { AS_READ, AS_WRITE, AS_EXEC };
	uint32_t wanted = kinds[host_rand_below(r, 3)];
	uint64_t *expect = p->kind == AS_KIND_MOBJ ? &object_words[p->word] : &p->word;
	uint64_t word = host_rand(r);
	int err = user_access(as, page_va(i), wanted, &word);

	if (wanted & ~(uint32_t)p->rights) {
		assert_int_equal(err, -EFAULT);
		return 0;
	}
	if (err < 0)
		return err;
	if (wanted == AS_WRITE)
		*expect = word;
	assert_int_equal(word, *expect);
	return 0;
}

static void check_query(struct as *as, uint64_t i)
{
	struct as_query q;

	as_query(as, page_va(i) + 77, &q);
	assert_int_equal(q.kind, model[i].kind);
	assert_int_equal(q.rights, model[i].rights);
}

static int random_step(struct as *as, uint64_t *r)
{
	uint64_t first = host_rand_below(r, PAGES - 1),
		 n = 1 + host_rand_below(r, host_rand_below(r, 4) ? 20 : 700);

	n = MIN(n, PAGES - 1 - first);
	n = MAX(n, 1ull);
	switch (host_rand_below(r, 20)) {
	case 0: return model_map(as, first, n, r);
	case 1: return model_unmap(as, first, n);
	case 2: return model_protect(as, first, n, r);
	default: check_query(as, first); return model_access(as, first, r);
	}
}

static void make_sources(void)
{
	uint64_t *words;

	file = page_alloc(kernel_container, 12, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	words = phys_to_virt(file);
	for (uint64_t i = 0; i < PAGES * PAGE_SIZE / 8; i++)
		words[i] = i * 0x9e3779b97f4a7c15ull;
	object = mobj_create(kernel_container, PAGES * PAGE_SIZE, MOBJ_POPULATE, NODE_ANY);
	memset(object_words, 0, sizeof(object_words));
	memset(model, 0, sizeof(model));
}

static void drop_sources(void)
{
	const uint64_t *words = phys_to_virt(file);

	for (uint64_t i = 0; i < PAGES * PAGE_SIZE / 8; i++)
		assert_int_equal(words[i],
				 i * 0x9e3779b97f4a7c15ull); /* nobody wrote to the file */
	page_free(file, 12);
	mobj_put(object);
}

static void random_against_model(uint64_t quota, uint64_t seed, bool expect_failures)
{
	struct container *c = container_create(kernel_container, "as", quota);
	struct as *as = as_create(c);
	uint64_t r = seed;
	unsigned failed = 0;

	make_sources();
	for (unsigned step = 0; step < 60000; step++) {
		int err = random_step(as, &r);

		assert_true(err == 0 || err == -ENOMEM);
		failed += err != 0;
	}
	assert_int_equal(failed != 0, expect_failures);
	assert_int_equal(used_by(c) >= as_used(as), 1);
	as_destroy(as);
	assert_int_equal(used_by(c), 0);
	container_put(c);
	drop_sources();
	assert_all_free();
}

static void enough_memory(void **state)
{
	(void)state;
	random_against_model(MiB(16), 1, false);
}

static void too_little_memory(void **state)
{
	(void)state;
	random_against_model(KiB(150), 2, true);
}

/* ---- single properties ---- */

static void pages_are_freed_after_the_flush(void **state)
{
	struct as *as = as_create(kernel_container);
	uint64_t word = 1;

	(void)state;
	assert_int_equal(map(as, BASE, MiB(1), AS_READ | AS_WRITE, AS_KIND_ANON), BASE);
	flushes = 0;
	assert_int_equal(as_unmap(as, BASE, 4096), 0);
	assert_int_equal(flushes, 0); /* nothing was there */
	assert_int_equal(user_access(as, BASE + 4096, AS_WRITE, &word), 0);
	assert_int_equal(as_used(as), 4096);
	assert_int_equal(as_unmap(as, BASE, MiB(1)), 0);
	assert_int_equal(flushes, 1);
	assert_int_equal(as_used(as), 0);
	as_destroy(as);
	assert_all_free();
}

static void refusals(void **state)
{
	struct as *as = as_create(kernel_container);
	struct mobj *m = mobj_create(kernel_container, MiB(1), 0, NODE_ANY);
	struct as_map_args a = {
		.size = MiB(1), .kind = AS_KIND_MOBJ, .mobj = m, .offset = 4096, .rights = AS_READ
	};

	(void)state;
	assert_int_equal(map(as, BASE, 4096, AS_WRITE | AS_EXEC, AS_KIND_ANON), -EACCES);
	assert_int_equal(map(as, BASE, 4097, AS_READ, AS_KIND_ANON), -EINVAL);
	assert_int_equal(map(as, BASE + 1, 4096, AS_READ, AS_KIND_ANON), -EINVAL);
	assert_int_equal(map(as, 4096, 4096, AS_READ, AS_KIND_ANON), -EINVAL);
	assert_int_equal(map(as, AS_USER_END - 4096, 8192, AS_READ, AS_KIND_ANON), -EINVAL);
	assert_int_equal(map(as, KERNEL_HALF, 4096, AS_READ, AS_KIND_ANON), -EINVAL);
	assert_int_equal(map(as, 0, AS_USER_END, AS_READ, AS_KIND_ANON), -ENOMEM);
	assert_int_equal(as_map(as, &a), -EINVAL); /* beyond the object's end */
	assert_int_equal(as_protect(as, BASE, 4096, AS_READ), -ENOMEM);
	assert_int_equal(as_unmap(as, BASE, 1), -EINVAL);
	assert_int_equal(as_unmap(as, KERNEL_HALF, 4096), -EINVAL);
	assert_int_equal(as_fault(as, KERNEL_HALF, AS_READ), -EFAULT);
	assert_int_equal(as_fault(as, BASE, AS_READ), -EFAULT);
	mobj_put(m);
	as_destroy(as);
	assert_all_free();
}

static void the_kernel_chooses(void **state)
{
	struct as *as = as_create(kernel_container);
	struct as_map_args hint = {
		.va = BASE, .size = 8192, .rights = AS_READ, .kind = AS_KIND_FILE
	};
	int64_t a = map(as, 0, MiB(1), AS_READ, AS_KIND_ANON),
		b = map(as, 0, MiB(1), AS_READ | AS_WRITE, AS_KIND_ANON);

	(void)state;
	assert_int_equal(a, AS_MMAP_TOP - MiB(1));
	assert_int_equal(b, a - (int64_t)MiB(1));
	assert_int_equal(as_unmap(as, (uint64_t)a, MiB(1)), 0);
	assert_int_equal(map(as, 0, MiB(2), AS_READ, AS_KIND_ANON), b - (int64_t)MiB(2));
	assert_int_equal(map(as, 0, KiB(512), AS_READ, AS_KIND_ANON), a + (int64_t)KiB(512));
	assert_int_equal(as_map(as, &hint), BASE);
	assert_true(as_map(as, &hint) > (int64_t)GiB(1000));
	as_destroy(as);
	assert_all_free();
}

static unsigned count_regions(struct as *as)
{
	unsigned n = 0;

	for (struct region *r = region_first_from(as, 0); r; r = region_next(r))
		n++;
	return n;
}

static void a_growing_heap_is_one_region(void **state)
{
	struct as *as = as_create(kernel_container);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(map(as, page_va(i), 4096, AS_READ | AS_WRITE, AS_KIND_ANON),
				 page_va(i));
	assert_int_equal(count_regions(as), 1);
	assert_int_equal(as_protect(as, page_va(10), 4096, AS_READ), 0);
	assert_int_equal(count_regions(as), 3);
	assert_int_equal(as_protect(as, page_va(10), 4096, AS_READ | AS_WRITE), 0);
	assert_int_equal(count_regions(as), 1);
	assert_int_equal(as_unmap(as, page_va(50), 4096), 0);
	assert_int_equal(count_regions(as), 2);
	as_destroy(as);
	assert_all_free();
}

static void contents_survive_no_rights(void **state)
{
	struct as *as = as_create(kernel_container);
	uint64_t word = 4711;

	(void)state;
	map(as, BASE, 8192, AS_READ | AS_WRITE, AS_KIND_ANON);
	assert_int_equal(user_access(as, BASE, AS_WRITE, &word), 0);
	assert_int_equal(as_protect(as, BASE, 8192, 0), 0);
	assert_int_equal(user_access(as, BASE, AS_READ, &word), -EFAULT);
	assert_int_equal(as_protect(as, BASE, 8192, AS_READ), 0);
	word = 0;
	assert_int_equal(user_access(as, BASE, AS_READ, &word), 0);
	assert_int_equal(word, 4711);
	as_destroy(as);
	assert_all_free();
}

static void the_end_of_a_file_reads_as_zeros(void **state)
{
	struct as *as = as_create(kernel_container);
	phys_t pages = page_alloc(kernel_container, 1, PAGE_KERNEL, 0, NODE_ANY);
	struct as_map_args a = {
		.size = MiB(1),
		.rights = AS_READ,
		.kind = AS_KIND_FILE,
		.file_base = pages,
		.file_size = 4096 + 8,
	};
	uint64_t va = (uint64_t)as_map(as, &a), word = 1;

	(void)state;
	memset(phys_to_virt(pages), 0x11, 8192);
	assert_int_equal(user_access(as, va + 4088, AS_READ, &word), 0);
	assert_int_equal(word, 0x1111111111111111);
	assert_int_equal(as_used(as), 0); /* a whole page of the file is mapped as it lies */
	assert_int_equal(user_access(as, va + 4096, AS_READ, &word), 0);
	assert_int_equal(word, 0x1111111111111111);
	assert_int_equal(user_access(as, va + 4096 + 8, AS_READ, &word), 0);
	assert_int_equal(word, 0);
	assert_int_equal(user_access(as, va + 8192, AS_READ, &word), 0);
	assert_int_equal(word, 0);
	as_destroy(as);
	page_free(pages, 1);
	assert_all_free();
}

static void objects_use_large_leaves(void **state)
{
	struct as *as = as_create(kernel_container), *other = as_create(kernel_container);
	struct mobj *m = mobj_create(kernel_container, MiB(8), MOBJ_POPULATE, 0);
	struct as_map_args a = { .size = MiB(6),
				 .kind = AS_KIND_MOBJ,
				 .mobj = m,
				 .offset = MiB(1),
				 .rights = AS_READ | AS_WRITE };
	uint64_t va = (uint64_t)as_map(as, &a), other_va = (uint64_t)as_map(other, &a), word = 99;
	struct as_query q;

	(void)state;
	mobj_put(m);
	assert_int_equal(user_access(as, va + MiB(2), AS_WRITE, &word), 0);
	as_query(as, va + MiB(2), &q);
	assert_int_equal(q.page_size, MiB(2));
	assert_int_equal(user_access(as, va, AS_WRITE, &word), 0);
	as_query(as, va, &q);
	assert_int_equal(q.page_size, 4096); /* the region begins in the middle of a large page */
	assert_int_equal(user_access(other, other_va + MiB(2), AS_READ, &word), 0);
	assert_int_equal(word, 99);
	assert_int_equal(as_used(as), 0);

	uint64_t object1, object2, offset1, offset2;
	assert_int_equal(as_key(as, va + 8, &object1, &offset1), 0);
	assert_int_equal(as_key(other, other_va + 8, &object2, &offset2), 0);
	assert_true(object1 == object2 && offset1 == offset2 && offset1 == MiB(1) + 8);
	assert_int_equal(as_key(as, BASE, &object1, &offset1), -EFAULT);

	/* A hole in the large leaf; the rest stays. */
	assert_int_equal(as_unmap(as, va + MiB(2) + 4096, 4096), 0);
	assert_int_equal(user_access(as, va + MiB(2), AS_READ, &word), 0);
	assert_int_equal(word, 99);
	assert_int_equal(as_fault(as, va + MiB(2) + 4096, AS_READ), -EFAULT);
	as_destroy(other);
	as_destroy(as);
	assert_all_free();
}

static void a_run_page_is_the_callers(void **state)
{
	struct as *as = as_create(kernel_container);
	phys_t page = page_alloc(kernel_container, 0, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	struct as_map_args a = {
		.size = 4096, .kind = AS_KIND_RUN_PAGE, .page = page, .rights = AS_READ | AS_WRITE
	};
	uint64_t va = (uint64_t)as_map(as, &a), word = 7;

	(void)state;
	assert_int_equal(user_access(as, va, AS_WRITE, &word), 0);
	assert_int_equal(*(uint64_t *)phys_to_virt(page), 7);
	assert_int_equal(as_protect(as, va, 4096, AS_READ), -EINVAL);
	as_destroy(as);
	page_free(page, 0);
	assert_all_free();
}

static struct as *common;

/* Maps, touches, unmaps places of the kernel's choice: no two CPUs may ever have the same. */
static void map_and_unmap(void *arg)
{
	uint64_t r = this_cpu_id().n + 1;

	(void)arg;
	for (unsigned i = 0; i < 500; i++) {
		uint64_t n = 1 + host_rand_below(&r, 5), word = this_cpu_id().n + 1;
		int64_t va = map(common, 0, n * PAGE_SIZE, AS_READ | AS_WRITE, AS_KIND_ANON);

		ASSERT(va > 0);
		for (uint64_t at = (uint64_t)va; at < (uint64_t)va + n * PAGE_SIZE;
		     at += PAGE_SIZE) {
			uint64_t old = 1;

			ASSERT(!is_being_flushed(at));
			ASSERT(user_access(common, at, AS_READ, &old) == 0 && old == 0);
			ASSERT(user_access(common, at, AS_WRITE, &word) == 0);
		}
		ASSERT(as_unmap(common, (uint64_t)va, n * PAGE_SIZE) == 0);
	}
}

static void four_cpus_change_the_layout(void **state)
{
	(void)state;
	common = as_create(kernel_container);
	/* No flush waits here, so a table that goes may still be walked: a neighbour keeps them
	 * all. */
	assert_int_not_equal(map(common, 0, PAGE_SIZE, AS_READ, AS_KIND_ANON), 0);
	uint64_t word;
	assert_int_equal(user_access(common, AS_MMAP_TOP - PAGE_SIZE, AS_READ, &word), 0);
	host_run_on_cpus(4, map_and_unmap, NULL);
	assert_int_equal(as_used(common), PAGE_SIZE);
	as_destroy(common);
	assert_all_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough_memory),
		cmocka_unit_test(too_little_memory),
		cmocka_unit_test(pages_are_freed_after_the_flush),
		cmocka_unit_test(refusals),
		cmocka_unit_test(the_kernel_chooses),
		cmocka_unit_test(a_growing_heap_is_one_region),
		cmocka_unit_test(contents_survive_no_rights),
		cmocka_unit_test(objects_use_large_leaves),
		cmocka_unit_test(the_end_of_a_file_reads_as_zeros),
		cmocka_unit_test(a_run_page_is_the_callers),
		cmocka_unit_test(four_cpus_change_the_layout),
	};

	host_machine_init();
	pt_init(&kernel_pt, &pt_host_format, kernel_container);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
