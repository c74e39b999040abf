// SPDX-License-Identifier: GPL-2.0-or-later
// What host tests of mem/ cannot show: the allocator with all CPUs at it at once, the walker's
// tables as the CPU reads them, shootdown of TLBs that really hold the old entry. Each test
// compares the machine's books before and after: nothing may be missing.
#include "cpu/lapic.h"
#include "cpu/mitigations.h"
#include "cpu/selftest.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/as.h"
#include "mem/kalloc.h"
#include "mem/kspace.h"
#include "mem/tlb.h"

#define BASE   0x10000000ull
#define PAGES  64u
#define ROUNDS 20
#define BLOCKS 24

static void on_all_cpus(void (*fn)(void *arg), void *arg)
{
	struct cpu_set all = { 0 };

	cpu_for_each (cpu)
		cpu_set_add(&all, cpu);
	ipi_call(&all, fn, arg);
}

static void count_failure(uint32_t *failures, bool ok)
{
	if (!ok)
		__atomic_fetch_add(failures, 1, __ATOMIC_SEQ_CST);
}

static uint64_t memory_free(void)
{
	struct mem_stats s;

	mem_get_stats(&s);
	return s.free;
}

/* ---- page allocator ---- */

/* Every page of a block says whose it is; a block that two CPUs got would say it wrongly. */
static void stamp(phys_t pa, unsigned order, uint64_t mark)
{
	for (uint64_t i = 0; i < 1ull << order; i++)
		*(uint64_t *)phys_to_virt(pa + i * PAGE_SIZE) = mark + i;
}

static bool stamped(phys_t pa, unsigned order, uint64_t mark)
{
	for (uint64_t i = 0; i < 1ull << order; i++)
		if (*(uint64_t *)phys_to_virt(pa + i * PAGE_SIZE) != mark + i)
			return false;
	return true;
}

static void churn(void *arg)
{
	uint64_t mark = ((uint64_t)this_cpu_id().n + 1) << 32;
	phys_t blocks[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = page_alloc(kernel_container, i % 4, PAGE_KERNEL, 0, NODE_ANY);
		count_failure(arg, blocks[i] && IS_ALIGNED(blocks[i], PAGE_SIZE << i % 4));
		if (blocks[i])
			stamp(blocks[i], i % 4, mark + i * 16);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (!blocks[i])
			continue;
		count_failure(arg, stamped(blocks[i], i % 4, mark + i * 16));
		page_free(blocks[i], i % 4);
	}
}

SELFTEST(mem_pages_on_all_cpus)
{
	uint64_t before = memory_free();
	uint32_t failures = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		on_all_cpus(churn, &failures);
	SELFTEST_CHECK(failures == 0);
	SELFTEST_CHECK(memory_free() == before);
}

SELFTEST(mem_pages_zeroed_and_split)
{
	uint64_t before = memory_free();
	phys_t pa = page_alloc(kernel_container, PAGE_ORDER_2M, PAGE_KERNEL, 0, NODE_ANY);
	const uint64_t *words;

	SELFTEST_CHECK(pa && IS_ALIGNED(pa, MiB(2)));
	memset(phys_to_virt(pa), 0xa5, MiB(2));
	page_free(pa, PAGE_ORDER_2M);
	pa = page_alloc(kernel_container, PAGE_ORDER_2M, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);
	SELFTEST_CHECK(pa);
	words = phys_to_virt(pa);
	for (unsigned i = 0; i < MiB(2) / sizeof(*words); i++)
		SELFTEST_CHECK(words[i] == 0);
	page_split(pa, PAGE_ORDER_2M, PAGE_ORDER_4K);
	for (uint64_t i = 0; i < MiB(2); i += PAGE_SIZE)
		page_free(pa + i, PAGE_ORDER_4K);
	SELFTEST_CHECK(memory_free() == before);
}

/* ---- containers ---- */

SELFTEST(mem_container_quota_is_exact)
{
	uint64_t before = memory_free(), used, limit = 10 * PAGE_SIZE;
	struct container_info info;
	struct container *c;
	phys_t pages[10];

	container_get_info(kernel_container, &info);
	used = info.used;
	c = container_create(kernel_container, "selftest", limit);
	SELFTEST_CHECK(c);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = page_alloc(c, 0, PAGE_KERNEL, 0, NODE_ANY);
		SELFTEST_CHECK(pages[i]);
	}
	SELFTEST_CHECK(page_alloc(c, 0, PAGE_KERNEL, 0, NODE_ANY) == 0);
	SELFTEST_CHECK(container_charge(c, 1) == -ENOMEM);
	container_get_info(c, &info);
	SELFTEST_CHECK(info.used == limit && info.peak == limit);
	SELFTEST_CHECK(container_create(c, "grandchild", PAGE_SIZE) == NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		page_free(pages[i], 0);
	container_get_info(c, &info);
	SELFTEST_CHECK(info.used == 0);
	container_put(c);
	container_get_info(kernel_container, &info);
	SELFTEST_CHECK(info.used == used);
	SELFTEST_CHECK(memory_free() == before);
}

/* ---- the walker ---- */

/* Large leaves where they fit, split where a part goes; nothing is left behind. */
static void walk(const struct pt_format *format)
{
	struct pt_gather g = { 0 };
	struct page_table pt = { 0 };
	struct pt_leaf leaf;

	SELFTEST_CHECK(pt_init(&pt, format, kernel_container) == 0);
	SELFTEST_CHECK(pt_map(&pt, MiB(2), MiB(64), MiB(4), PT_RWX, PT_LEVEL_2M) == 0);
	SELFTEST_CHECK(pt_map(&pt, MiB(4), MiB(64), PAGE_SIZE, PT_RWX, PT_LEVEL_4K) == -EEXIST);
	SELFTEST_CHECK(pt_query(&pt, MiB(3), &leaf));
	SELFTEST_CHECK(leaf.level == PT_LEVEL_2M && leaf.pa == MiB(65));
	SELFTEST_CHECK(pt_unmap(&pt, MiB(3), PAGE_SIZE, &g) == 0);
	SELFTEST_CHECK(g.nr_leaves == 1 && !pt_query(&pt, MiB(3), &leaf));
	SELFTEST_CHECK(pt_query(&pt, MiB(3) + PAGE_SIZE, &leaf));
	SELFTEST_CHECK(leaf.level == PT_LEVEL_4K && leaf.pa == MiB(65) + PAGE_SIZE);
	SELFTEST_CHECK(pt_protect(&pt, MiB(4), MiB(2), PT_READ) == 0);
	SELFTEST_CHECK(pt_query(&pt, MiB(5), &leaf) && (leaf.rights & PT_RWX) == PT_READ);
	pt_gather_free(&pt, &g);
	pt_destroy(&pt);
}

SELFTEST(mem_walker_host_format)
{
	uint64_t before = memory_free();

	walk(&pt_host_format);
	SELFTEST_CHECK(memory_free() == before);
}

SELFTEST(mem_walker_npt_format)
{
	uint64_t before = memory_free();

	walk(&pt_npt_format);
	SELFTEST_CHECK(memory_free() == before);
}

SELFTEST(mem_stack_has_a_guard_page)
{
	uint64_t before = memory_free();
	struct pt_leaf leaf;
	uint8_t *top = kstack_alloc(kernel_container);

	SELFTEST_CHECK(top);
	memset(top - KSTACK_SIZE, 0x5a, KSTACK_SIZE);
	SELFTEST_CHECK(pt_query(&kernel_pt, (uint64_t)top - 1, &leaf) && !(leaf.rights & PT_EXEC));
	SELFTEST_CHECK(!pt_query(&kernel_pt, (uint64_t)top - KSTACK_SIZE - 1, &leaf));
	kstack_free(top);
	SELFTEST_CHECK(!pt_query(&kernel_pt, (uint64_t)top - 1, &leaf));
	SELFTEST_CHECK(memory_free() == before);
}

/* ---- address spaces and shootdown ---- */

/* What all CPUs look at, each through its own TLB. */
struct view {
	struct as *as;
	uint64_t va;
	uint64_t want;   /* the first word of each page is this + its number */
	bool fails;      /* -EFAULT is what is expected */
	bool write;      /* a store, not a load */
	uint32_t failed; /* [a] */
};

static void enter(void *arg)
{
	as_switch(arg);
}

static void look(void *arg)
{
	struct view *v = arg;

	for (uint64_t i = 0; i < PAGES / 2; i++) {
		uint64_t va = v->va + i * PAGE_SIZE, word = v->want + i;
		int rc = v->write ? copy_to_user(va, &word, sizeof(word))
				  : copy_from_user(&word, va, sizeof(word));

		count_failure(&v->failed, rc == (v->fails ? -EFAULT : 0));
		count_failure(&v->failed, v->fails || word == v->want + i);
	}
}

/* How many looks went wrong on all CPUs. */
static uint32_t seen_wrong(struct view v)
{
	on_all_cpus(look, &v);
	return v.failed;
}

static int64_t map_anon(struct as *as, uint64_t va)
{
	const struct as_map_args args = {
		.va = va,
		.size = PAGES * PAGE_SIZE,
		.rights = AS_READ | AS_WRITE,
		.kind = AS_KIND_ANON,
		.fixed = true,
	};

	return as_map(as, &args);
}

/* The second half of the region goes, comes back, becomes read-only: all CPUs see it at once. */
static void shoot_down(struct as *as)
{
	const uint64_t half = PAGES / 2 * PAGE_SIZE, upper = BASE + half;
	struct view low = { .as = as, .va = BASE, .want = 1000, .write = true };
	struct view high = { .as = as, .va = upper, .want = 2000, .write = true };

	SELFTEST_CHECK(map_anon(as, BASE) == (int64_t)BASE);
	SELFTEST_CHECK(seen_wrong(low) == 0 && seen_wrong(high) == 0);
	low.write = high.write = false;
	SELFTEST_CHECK(seen_wrong(low) == 0 && seen_wrong(high) == 0);
	SELFTEST_CHECK(as_used(as) == PAGES * PAGE_SIZE);

	SELFTEST_CHECK(as_unmap(as, upper, half) == 0);
	high.fails = true;
	SELFTEST_CHECK(seen_wrong(low) == 0 && seen_wrong(high) == 0);

	SELFTEST_CHECK(as_protect(as, BASE, half, AS_READ) == 0);
	SELFTEST_CHECK(seen_wrong(low) == 0);
	low.write = low.fails = true;
	SELFTEST_CHECK(seen_wrong(low) == 0);

	SELFTEST_CHECK(as_protect(as, BASE, half, AS_READ | AS_WRITE) == 0);
	low.fails = false;
	low.want = 3000;
	SELFTEST_CHECK(seen_wrong(low) == 0);
}

SELFTEST(mem_shootdown_reaches_all_cpus)
{
	uint64_t before = memory_free();
	struct as *as = as_create(kernel_container);

	SELFTEST_CHECK(as);
	on_all_cpus(enter, as);
	for (unsigned i = 0; i < ROUNDS; i++) {
		shoot_down(as);
		if (selftest_failed || as_unmap(as, BASE, PAGES * PAGE_SIZE))
			break;
	}
	on_all_cpus(enter, NULL);
	as_destroy(as);
	SELFTEST_CHECK(memory_free() == before);
}

/* Barriers on this CPU while it goes through these address spaces; NULL: the kernel's. */
static uint64_t barriers_through(struct as *const *list, unsigned count)
{
	uint64_t before = mitigations_barriers();

	for (unsigned i = 0; i < count; i++)
		as_switch(list[i]);
	return mitigations_barriers() - before;
}

/* A barrier where another process begins, none for the kernel's threads between. */
SELFTEST(mem_barrier_between_processes)
{
	struct as *a = as_create(kernel_container), *b = as_create(kernel_container);
	struct as *const list[] = { a, NULL, a, b, NULL, b, a, NULL };
	unsigned changes = mitigations_use(MIT_IBPB_ON_AS_SWITCH) ? 3 : 0;

	SELFTEST_CHECK(a && b);
	as_switch(b);
	as_switch(NULL);
	uint64_t seen = barriers_through(list, ARRAY_SIZE(list));

	as_destroy(a);
	as_destroy(b);
	SELFTEST_CHECK(seen == changes);
}

/* Bad user addresses: the kernel's half, what wraps, what is not mapped. */
SELFTEST(mem_usercopy_refuses)
{
	struct as *as = as_create(kernel_container);
	uint64_t word = 1;
	char text[16];

	SELFTEST_CHECK(as);
	as_switch(as);
	bool refused = copy_from_user(&word, KERNEL_HALF, 8) == -EFAULT &&
		       copy_to_user(DIRECT_MAP_BASE, &word, 8) == -EFAULT &&
		       copy_from_user(&word, UINT64_MAX - 3, 8) == -EFAULT &&
		       copy_from_user(&word, 1ull << 47, 8) == -EFAULT &&
		       copy_from_user(&word, 0, 8) == -EFAULT &&
		       copy_to_user(BASE, &word, 8) == -EFAULT &&
		       copy_string_from_user(text, BASE, sizeof(text)) == -EFAULT;

	as_switch(NULL);
	as_destroy(as);
	SELFTEST_CHECK(refused);
}

/* ---- memory objects ---- */

SELFTEST(mem_object_pages_and_pins)
{
	uint64_t before = memory_free(), word = 7;
	struct mobj *m =
		mobj_create(kernel_container, MiB(4), MOBJ_POPULATE | MOBJ_IS_GUEST, NODE_ANY);
	unsigned level;

	SELFTEST_CHECK(m);
	SELFTEST_CHECK(mobj_present(m) == MiB(4));
	SELFTEST_CHECK(mobj_page(m, MiB(2), &level) && level >= PT_LEVEL_2M);
	SELFTEST_CHECK(mobj_page(m, MiB(4), &level) == 0);
	SELFTEST_CHECK(mobj_read(m, MiB(4) - 8, &word, 8) == 0 && word == 0);
	SELFTEST_CHECK(mobj_write(m, MiB(4) - 4, &word, 8) == -EFAULT);
	SELFTEST_CHECK(mobj_read(m, UINT64_MAX - 3, &word, 8) == -EFAULT);
	SELFTEST_CHECK(mobj_pin(m, MiB(1), 1) == 0 && mobj_is_pinned(m, MiB(1)));
	SELFTEST_CHECK(mobj_pin(m, MiB(4), 1) == -EFAULT);
	mobj_unpin(m, MiB(1), 1);
	SELFTEST_CHECK(!mobj_is_pinned(m, MiB(1)));
	mobj_put(m);
	SELFTEST_CHECK(memory_free() == before);
}
