// SPDX-License-Identifier: GPL-2.0-or-later
// The guest page walk in every mode against tables built here, and garbage tables.
// TEST-WITH: virt/gmem_walk.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/bits.h"
#include "lib/errno.h"
#include "tests/host/rand.h"
#include "virt/gmem.h"

/* Guest memory: the first megabyte. */
static uint8_t ram[1 << 20];

int gmem_view_read(struct vm *vm, struct gmem_view *view, gpa_t gpa, void *buf, size_t len)
{
	(void)vm, (void)view;
	if (gpa > sizeof(ram) || len > sizeof(ram) - gpa)
		return -EFAULT;
	memcpy(buf, ram + gpa, len);
	return 0;
}

#define P  1ull
#define W  2ull
#define U  4ull
#define PS 0x80ull
#define NX BIT(63)

#define CR0 (BIT(31) | BIT(16) | 1)

static void put64(gpa_t at, uint64_t v)
{
	memcpy(ram + at, &v, 8);
}

static void put32(gpa_t at, uint32_t v)
{
	memcpy(ram + at, &v, 4);
}

static struct guest_paging paging;

static int walk(uint64_t gva, uint32_t access, gpa_t *gpa, uint32_t *error)
{
	return gmem_translate(NULL, &paging, gva, access, gpa, error);
}

static void expect(uint64_t gva, uint32_t access, gpa_t want)
{
	gpa_t gpa = 0;
	uint32_t error;

	assert_int_equal(walk(gva, access, &gpa, &error), 0);
	assert_int_equal(gpa, want);
}

static void expect_fault(uint64_t gva, uint32_t access, uint32_t want)
{
	gpa_t gpa;
	uint32_t error = 99;

	assert_int_equal(walk(gva, access, &gpa, &error), -EFAULT);
	assert_int_equal(error, want);
}

static void start_long(void)
{
	memset(ram, 0, sizeof(ram));
	paging = (struct guest_paging){
		.cr0 = CR0, .cr3 = 0x1018, .cr4 = BIT(5), .efer = 0xd00, .long_mode = true
	};
	put64(0x1000 + 8 * 1, 0x2000 | P | W | U);
	put64(0x2000 + 8 * 2, 0x3000 | P | W | U);
	put64(0x2000 + 8 * 3, 0x140000000 | P | W | U | PS);
	put64(0x3000 + 8 * 3, 0x4000 | P | W | U);
	put64(0x3000 + 8 * 4, 0x12600000 | P | W | U | PS);
}

#define LINEAR(l4, l3, l2, l1) \
	((uint64_t)(l4) << 39 | (uint64_t)(l3) << 30 | (uint64_t)(l2) << 21 | (uint64_t)(l1) << 12)

static void test_long_mode(void **state)
{
	(void)state;
	start_long();
	put64(0x4000 + 8 * 5, 0x7654321000 | P | W | U);
	expect(LINEAR(1, 2, 3, 5) + 0x123, 0, 0x7654321123);
	expect(LINEAR(1, 2, 4, 7) + 5, GMEM_WRITE, 0x12607005);
	expect(LINEAR(1, 3, 8, 9) + 5, GMEM_FETCH, 0x141009005);
	expect_fault(LINEAR(1, 2, 3, 6), 0, 0);
	expect_fault(LINEAR(2, 0, 0, 0), GMEM_WRITE, 2);
	paging.cpl = 3;
	expect_fault(LINEAR(2, 0, 0, 0), GMEM_FETCH, 4 | 16);
	/* A table outside of memory. */
	put64(0x1000 + 8 * 4, 0x7fff000 | P | W | U);
	assert_int_equal(walk(LINEAR(4, 0, 0, 0), 0, &(gpa_t){ 0 }, &(uint32_t){ 0 }), -EIO);
	/* Five levels. */
	paging.cr4 |= BIT(12);
	paging.cr3 = 0x9000;
	put64(0x9000 + 8 * 6, 0x1000 | P | W | U);
	expect((6ull << 48) | (LINEAR(1, 2, 3, 5) + 1), 0, 0x7654321001);
}

static void test_rights(void **state)
{
	const uint64_t at = LINEAR(1, 2, 3, 5), pte = 0x4000 + 8 * 5;

	(void)state;
	start_long();
	for (unsigned bits = 0; bits < 8; bits++) {
		bool w = bits & 1, u = bits & 2, nx = bits & 4;

		put64(pte, 0x5000 | P | (w ? W : 0) | (u ? U : 0) | (nx ? NX : 0));
		for (unsigned m = 0; m < 32; m++) {
			bool user = m & 1, wp = m & 2, smep = m & 4, smap = m & 8, ac = m & 16;
			uint32_t id = user ? 4 : 0;

			paging.cpl = user ? 3 : 0;
			paging.cr0 = wp ? CR0 : CR0 & ~BIT(16);
			paging.cr4 = BIT(5) | (smep ? BIT(20) : 0) | (smap ? BIT(21) : 0);
			paging.rflags = ac ? BIT(18) : 0;
			if (user ? u : !u || !smap || ac)
				expect(at, 0, 0x5000);
			else
				expect_fault(at, 0, 1 | id);
			if (user ? u && w : (w || !wp) && (!u || !smap || ac))
				expect(at, GMEM_WRITE, 0x5000);
			else
				expect_fault(at, GMEM_WRITE, 1 | 2 | id);
			if (!nx && (user ? u : !u || !smep))
				expect(at, GMEM_FETCH, 0x5000);
			else
				expect_fault(at, GMEM_FETCH, 1 | 16 | id);
		}
	}
	/* Rights of upper levels count: read-only and NX at the top. */
	paging = (struct guest_paging){
		.cr0 = CR0, .cr3 = 0x1000, .cr4 = BIT(5), .efer = 0xd00, .long_mode = true
	};
	put64(pte, 0x5000 | P | W | U);
	put64(0x1008, 0x2000 | P | U | NX);
	expect_fault(at, GMEM_WRITE, 3);
	expect_fault(at, GMEM_FETCH, 17);
	paging.efer &= ~BIT(11); /* NX is reserved then */
	expect_fault(at, 0, 9);
}

static void test_reserved(void **state)
{
	(void)state;
	start_long();
	put64(0x3000 + 8 * 4, 0x12600000 | P | W | U | PS | BIT(13));
	expect_fault(LINEAR(1, 2, 4, 0), 0, 9);
	put64(0x1008, 0x2000 | P | W | U | PS);
	expect_fault(LINEAR(1, 2, 3, 0), GMEM_WRITE, 11);
}

static void test_pae(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	paging = (struct guest_paging){ .cr0 = CR0, .cr3 = 0x1020, .cr4 = BIT(5), .efer = BIT(11) };
	put64(0x1020 + 8 * 3, 0x2000 | P); /* no rights here: they mean nothing */
	put64(0x2000, 0x3000 | P | W | U);
	put64(0x3000 + 8, 0xabc4000000 | P | W | NX);
	put64(0x2000 + 8 * 511, 0x200000 | P | W | U | PS);
	expect(0xc0001234, GMEM_WRITE, 0xabc4000234);
	expect_fault(0xc0001234, GMEM_FETCH, 17);
	expect(0xffffffff, 0, 0x3fffff);
	expect(0xffffffffc0001000, 0, 0xabc4000000); /* the upper half of a register is not used */
	expect_fault(0x1000, 0, 0);
}

static void test_32bit(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	paging = (struct guest_paging){ .cr0 = CR0, .cr3 = 0x1000, .cr4 = BIT(4), .efer = BIT(11) };
	put32(0x1000 + 4 * 0x300, 0x2000 | P | W | U);
	put32(0x2000 + 4 * 5, 0x7654000 | P);
	put32(0x1000 + 4, 0x00c00000 | 0x3000 * 2 | P | W | PS); /* PSE-36: address bit 33, 32 */
	expect(0xc0005678, GMEM_FETCH, 0x7654678);
	expect_fault(0xc0005678, GMEM_WRITE, 3);
	expect(0x00412345, 0, 0x300c12345);
	paging.cr4 = 0; /* PS is ignored: a table outside of memory */
	assert_int_equal(walk(0x00412345, 0, &(gpa_t){ 0 }, &(uint32_t){ 0 }), -EIO);
	paging.cr0 = 1;
	expect(0xc0005678, GMEM_WRITE, 0xc0005678);
}

static void test_fetch(void **state)
{
	uint8_t buf[15];

	(void)state;
	start_long();
	put64(0x4000 + 8 * 5, 0x6000 | P);
	put64(0x4000 + 8 * 6, 0x8000 | P);
	for (unsigned i = 0; i < 16; i++) {
		ram[0x6ff8 + i] = (uint8_t)i;
		ram[0x8000 + i] = (uint8_t)(8 + i);
	}
	assert_int_equal(gmem_fetch(NULL, &paging, LINEAR(1, 2, 3, 5) + 0xff8, buf, 15), 15);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(buf[i], i);
	put64(0x4000 + 8 * 6, 0);
	assert_int_equal(gmem_fetch(NULL, &paging, LINEAR(1, 2, 3, 5) + 0xff8, buf, 15), 8);
	assert_int_equal(gmem_fetch(NULL, &paging, LINEAR(1, 2, 3, 6), buf, 15), 0);
}

static void test_code_address(void **state)
{
	struct guest_paging p = { .cs_base = 0xffff0000 };

	(void)state;
	assert_int_equal(gmem_code_address(&p, 0xfff0), 0xfffffff0);
	assert_int_equal(gmem_code_address(&p, 0x10000), 0);
	p.long_mode = p.code64 = true;
	assert_int_equal(gmem_code_address(&p, 0xffffffff81000000), 0xffffffff81000000);
}

/* Any tables, any mode: ends, and never with an address out of the format's range. */
static void test_garbage(void **state)
{
	uint64_t r = 5;

	(void)state;
	for (unsigned i = 0; i < sizeof(ram); i += 8) {
		uint64_t v = host_rand(&r);

		put64(i, (v & ~BITS(51, 20)) | (v & 3 ? P : 0));
	}
	for (unsigned i = 0; i < 300000; i++) {
		gpa_t gpa = 0;
		uint32_t error = 0;
		int ret;

		paging = (struct guest_paging){ .cr0 = host_rand(&r) | BIT(31),
						.cr3 = host_rand(&r),
						.cr4 = host_rand(&r),
						.efer = host_rand(&r),
						.rflags = host_rand(&r),
						.cpl = i & 3,
						.long_mode = i & 4 };
		paging.cr3 &= i & 8 ? 0xff018 : ~0ull;
		ret = walk(host_rand(&r), (uint32_t)host_rand(&r) & 3, &gpa, &error);
		assert_true(ret == 0 || ret == -EFAULT || ret == -EIO);
		assert_true(gpa < BIT(52));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_mode),    cmocka_unit_test(test_rights),
		cmocka_unit_test(test_reserved),     cmocka_unit_test(test_pae),
		cmocka_unit_test(test_32bit),        cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_code_address), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
