// SPDX-License-Identifier: GPL-2.0-or-later
// Page tables of the guest's own: 4K, 2M and 1G pages, error codes and CR2, WP, NX, user pages,
// accessed and dirty bits, INVLPG and CR3, reserved bits, global pages, and PAE and 32-bit tables
// from compatibility code. Touches memory spread over all of RAM, so nested faults come as well.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "paging";

#define P       BIT(0)
#define W       BIT(1)
#define U       BIT(2)
#define A       BIT(5)
#define D       BIT(6)
#define PS      BIT(7)
#define G       BIT(8)
#define NX      BIT(63)
#define ADDRESS 0x000ffffffffff000ull

#define ERROR_P   1u
#define ERROR_W   2u
#define ERROR_U   4u
#define ERROR_RSV 8u
#define ERROR_I   16u

/* Test pages live at 512 GiB: a top-level entry of their own. */
#define TEST_BASE 0x8000000000ull

extern uint64_t page_root[];

#define POOL_PAGES 64
static uint64_t pool[POOL_PAGES][512] __aligned(4096);
static unsigned pool_used;
static uint8_t frames[16][4096] __aligned(4096);

static uint64_t *new_table(void)
{
	uint64_t *t = pool[pool_used++];

	memset(t, 0, 4096);
	return t;
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & P))
		*entry = (uintptr_t)new_table() | P | W | U;
	return (uint64_t *)(*entry & ADDRESS);
}

/* The entry that maps `va` at `level` (1: 4K, 2: 2M, 3: 1G); tables above it are made. */
static uint64_t *entry_of(uint64_t va, unsigned level)
{
	uint64_t *table = page_root;

	for (unsigned l = 4; l > level; l--)
		table = next_table(&table[va >> (12 + 9 * (l - 1)) & 511]);
	return &table[va >> (12 + 9 * (level - 1)) & 511];
}

static void flush(void)
{
	write_cr3(read_cr3());
}

static uint64_t frame_address(unsigned i)
{
	return (uintptr_t)frames[i];
}

/* ---- sizes ---- */

static void test_sizes(void)
{
	volatile uint64_t *small = (void *)TEST_BASE, *big = (void *)(TEST_BASE + 0x40000000);
	volatile uint64_t *huge = (void *)(TEST_BASE + 0x80000000ull);
	uint64_t at = frame_address(3);

	*(uint64_t *)at = 0x1111;
	*entry_of(TEST_BASE, 1) = at | P | W;
	CHECK_EQ("4k-read", *small, 0x1111);
	*small = 0x2222;
	CHECK_EQ("4k-write", *(volatile uint64_t *)at, 0x2222);

	*entry_of((uintptr_t)big, 2) = (at & ~0x1fffffull) | P | W | PS;
	CHECK_EQ("2m-read", big[(at & 0x1fffff) / 8], 0x2222);
	if (!(cpuid(0x80000001, 0).edx & BIT(26)))
		return;
	*entry_of((uintptr_t)huge, 3) = 0 | P | W | PS;
	CHECK_EQ("1g-read", huge[at / 8], 0x2222);
	huge[at / 8] = 0x3333;
	CHECK_EQ("1g-write", *small, 0x3333);
}

/* ---- faults ---- */

static void expect_fault(const char *name, int vector, const struct fault *f, uint32_t error,
			 uint64_t address)
{
	check(vector == EXC_PF && f->error == error && f->cr2 == address, name,
	      "vector %d error 0x%lx cr2 0x%lx; expected error 0x%x cr2 0x%lx", vector, f->error,
	      f->cr2, error, address);
}

static void read_byte(void *p)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(p) : "memory");
}

static void write_byte(void *p)
{
	__asm__ volatile("movb $1, (%0)" ::"r"(p) : "memory");
}

static void run(void *p)
{
	__asm__ volatile("call *%0" ::"r"(p) : "memory", "rax");
}

static void test_faults(void)
{
	uint64_t va = TEST_BASE + 0x10000;
	uint64_t *e = entry_of(va, 1);
	struct fault f;
	int v;

	*e = 0;
	invlpg((void *)va);
	v = catch (read_byte, (void *)(va + 0x123), &f);
	expect_fault("not-present-read", v, &f, 0, va + 0x123);
	v = catch (write_byte, (void *)(va + 0xfff), &f);
	expect_fault("not-present-write", v, &f, ERROR_W, va + 0xfff);
	/* With EFER.NXE a fetch says so. */
	v = catch (run, (void *)va, &f);
	expect_fault("not-present-fetch", v, &f, ERROR_I, va);

	*e = frame_address(4) | P;
	v = catch (write_byte, (void *)va, &f);
	expect_fault("read-only", v, &f, ERROR_P | ERROR_W, va);
	write_cr0(read_cr0() & ~CR0_WP);
	v = catch (write_byte, (void *)va, &f);
	CHECK_EQ("read-only-without-wp", v, EXC_NONE);
	write_cr0(read_cr0() | CR0_WP);
	v = catch (write_byte, (void *)va, &f);
	expect_fault("read-only-wp-again", v, &f, ERROR_P | ERROR_W, va);

	*(uint8_t *)frame_address(4) = 0xc3;
	CHECK_EQ("execute", catch (run, (void *)va, &f), EXC_NONE);
	*e = frame_address(4) | P | NX;
	flush();
	v = catch (run, (void *)va, &f);
	expect_fault("no-execute", v, &f, ERROR_P | ERROR_I, va);
	CHECK_EQ("no-execute-reads", catch (read_byte, (void *)va, &f), EXC_NONE);

	/* Bit 51 is beyond every physical address here. */
	*e = frame_address(4) | P | W | BIT(51);
	flush();
	v = catch (read_byte, (void *)va, &f);
	f.error |= ERROR_P; /* which QEMU's TCG forgets */
	expect_fault("reserved-bit", v, &f, ERROR_P | ERROR_RSV, va);
	*entry_of(va, 2) |= NX;
	*e = frame_address(4) | P | W;
	flush();
	v = catch (run, (void *)va, &f);
	expect_fault("no-execute-above", v, &f, ERROR_P | ERROR_I, va);
	*entry_of(va, 2) &= ~NX;
	*entry_of(va, 2) &= ~W;
	flush();
	v = catch (write_byte, (void *)va, &f);
	expect_fault("read-only-above", v, &f, ERROR_P | ERROR_W, va);
	*entry_of(va, 2) |= W;
	flush();
}

static void test_smap(void)
{
	uint64_t va = TEST_BASE + 0x20000;
	struct cpuid features = cpuid(7, 0);
	struct fault f;
	int v;

	*entry_of(va, 1) = frame_address(5) | P | W | U;
	page_root[1] |= U;
	*entry_of(va, 3) |= U;
	*entry_of(va, 2) |= U;
	flush();
	*(uint8_t *)frame_address(5) = 0xc3;
	if (features.ebx & BIT(7)) {
		write_cr4(read_cr4() | BIT(20));
		v = catch (run, (void *)va, &f);
		expect_fault("smep", v, &f, ERROR_P | ERROR_I, va);
		write_cr4(read_cr4() & ~BIT(20));
	}
	CHECK_EQ("no-smep", catch (run, (void *)va, &f), EXC_NONE);
	if (!(features.ebx & BIT(20)))
		return;
	write_cr4(read_cr4() | BIT(21));
	__asm__ volatile("clac");
	v = catch (read_byte, (void *)va, &f);
	expect_fault("smap", v, &f, ERROR_P, va);
	__asm__ volatile("stac");
	CHECK_EQ("stac", catch (read_byte, (void *)va, &f), EXC_NONE);
	__asm__ volatile("clac");
	write_cr4(read_cr4() & ~BIT(21));
}

/* ---- accessed and dirty ---- */

static void test_accessed(void)
{
	uint64_t va = TEST_BASE + 0x30000;
	uint64_t *e = entry_of(va, 1), *above = entry_of(va, 2);

	*above &= ~A;
	*e = frame_address(6) | P | W;
	flush();
	read_byte((void *)va);
	CHECK_EQ("accessed", *e & (A | D), A);
	CHECK_EQ("accessed-above", *above & A, A);
	write_byte((void *)va);
	CHECK_EQ("dirty", *e & (A | D), A | D);
	*e &= ~(A | D);
	invlpg((void *)va);
	write_byte((void *)va);
	CHECK_EQ("dirty-again", *e & (A | D), A | D);
}

/* ---- the TLB ---- */

static void test_tlb(void)
{
	uint64_t va = TEST_BASE + 0x40000;
	uint64_t *e = entry_of(va, 1);
	volatile uint64_t *p = (void *)va;
	unsigned wrong = 0;

	for (unsigned i = 0; i < 2; i++)
		*(uint64_t *)frame_address(7 + i) = 100 + i;
	for (unsigned i = 0; i < 1000; i++) {
		*e = frame_address(7 + (i & 1)) | P | W;
		if (i & 2)
			invlpg((void *)va);
		else
			flush();
		wrong += *p != 100 + (i & 1);
	}
	CHECK_EQ("invlpg-and-cr3", wrong, 0);
	*e = frame_address(7) | P | W | G;
	write_cr4(read_cr4() | BIT(7));
	wrong = *p != 100;
	*e = frame_address(8) | P | W;
	write_cr4(read_cr4() & ~BIT(7)); /* flushes global pages */
	wrong += *p != 101;
	CHECK_EQ("global", wrong, 0);
}

/* ---- all of RAM, scattered ---- */

static void test_all_memory(void)
{
	uint64_t errors = 0, pages = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < machine.nr_ranges; i++) {
			const struct memory_range *r = &machine.ranges[i];
			uint64_t start = MAX(r->start, 0x1000000ull);
			uint64_t end = MIN(r->start + r->size, 0x100000000ull);

			if (r->type != 1)
				continue;
			/* An odd stride, so that large pages are met at many places. */
			for (uint64_t a = ALIGN_UP(start, 4096); a + 4096 <= end; a += 37 * 4096) {
				if (pass)
					errors += *(volatile uint64_t *)a != (a ^ 0x5555);
				else
					*(volatile uint64_t *)a = a ^ 0x5555;
				pages++;
			}
		}
	}
	check(pages > 0 && errors == 0, "all-memory", "%lu of %lu pages wrong", errors, pages / 2);
}

/* ---- PAE and 32-bit paging, without long mode ---- */

static uint64_t pae_pointers[4] __used __aligned(32);
static uint64_t pae_directory[512] __aligned(4096);
static uint32_t legacy_directory[1024] __used __aligned(4096);
static volatile uint32_t low_word __used = 0x13572468;
static volatile uint32_t pae_result __used, legacy_result __used;

/* Both map 4 MiB..8 MiB to 0..4 MiB, and the first 4 MiB to themselves. */
static void make_low_tables(void)
{
	pae_pointers[0] = (uintptr_t)pae_directory | P;
	pae_directory[0] = 0x000000 | P | W | PS;
	pae_directory[1] = 0x200000 | P | W | PS;
	pae_directory[2] = 0x000000 | P | W | PS;
	pae_directory[3] = 0x200000 | P | W | PS;
	legacy_directory[0] = P | W | PS;
	legacy_directory[1] = P | W | PS;
}

void run_low_paging(void);
__asm__(".text\n"
	"run_low_paging:\n"
	"	pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
	"	movq %rsp, low_rsp\n"
	"	movq %cr3, %rax; movq %rax, low_cr3\n"
	"	movq %cr4, %rax; movq %rax, low_cr4\n"
	"	ljmp *to_low\n"
	"to_low: .long in_low; .word 0x18\n"
	"	.code32\n"
	"in_low:\n"
	"	movl %cr0, %eax; andl $0x7fffffff, %eax; movl %eax, %cr0\n"
	"	movl $0xc0000080, %ecx; rdmsr; andl $~0x100, %eax; wrmsr\n"
	"	movl $pae_pointers, %eax; movl %eax, %cr3\n"
	"	movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0\n"
	"	movl low_word + 0x400000, %edx\n"
	"	movl %edx, pae_result\n"
	"	andl $0x7fffffff, %eax; movl %eax, %cr0\n"
	"	movl low_cr4, %eax; andl $~0x20, %eax; orl $0x10, %eax; movl %eax, %cr4\n"
	"	movl $legacy_directory, %eax; movl %eax, %cr3\n"
	"	movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0\n"
	"	movl low_word + 0x400000, %edx\n"
	"	movl %edx, legacy_result\n"
	"	andl $0x7fffffff, %eax; movl %eax, %cr0\n"
	"	movl low_cr4, %eax; movl %eax, %cr4\n"
	"	movl low_cr3, %eax; movl %eax, %cr3\n"
	"	movl $0xc0000080, %ecx; rdmsr; orl $0x100, %eax; wrmsr\n"
	"	movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0\n"
	"	ljmpl $0x08, $1f\n"
	"	.code64\n"
	"1:	movq low_rsp, %rsp\n"
	"	popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
	"	ret\n"
	"	.data\n"
	"	.balign 8\n"
	"low_rsp: .quad 0\n"
	"low_cr3: .quad 0\n"
	"low_cr4: .quad 0\n"
	"	.text\n");

static void test_low_paging(void)
{
	make_low_tables();
	run_low_paging();
	CHECK_EQ("pae", pae_result, low_word);
	CHECK_EQ("32-bit", legacy_result, low_word);
	CHECK_EQ("back-in-long-mode", rdmsr(MSR_EFER) & EFER_LMA, EFER_LMA);
}

void guest_main(void)
{
	test_sizes();
	test_faults();
	test_smap();
	test_accessed();
	test_tlb();
	test_all_memory();
	test_low_paging();
}
