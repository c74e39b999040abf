// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: proc/elf_plan.c proc/user_stack.c
// What loading a program means, for good images and for such as lie; and the first block of a
// stack, read back as libc's start-up code reads it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "abi/strata.h"
#include "lib/errno.h"
#include "proc/elf_plan.h"
#include "proc/user_stack.h"

/* ---- programs ---- */

static struct {
	struct elf64_ehdr hdr;
	struct elf64_phdr ph[ELF_PLAN_SEGMENTS + 2];
	uint8_t rest[0x3000];
} image;

static struct elf_plan plan;

static void start_image(uint16_t type, unsigned int nr)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	memset(&image, 0, sizeof(image));
	memcpy(image.hdr.e_ident, ident, sizeof(ident));
	image.hdr.e_type = type;
	image.hdr.e_machine = 62;
	image.hdr.e_version = 1;
	image.hdr.e_entry = 0x401010;
	image.hdr.e_phoff = sizeof(image.hdr);
	image.hdr.e_ehsize = sizeof(image.hdr);
	image.hdr.e_phentsize = sizeof(image.ph[0]);
	image.hdr.e_phnum = (uint16_t)nr;
}

static void put_load(unsigned int i, uint32_t flags, uint64_t va, uint64_t offset, uint64_t filesz,
		     uint64_t memsz)
{
	image.ph[i] = (struct elf64_phdr){ .p_type = ELF_PT_LOAD,
					   .p_flags = flags,
					   .p_offset = offset,
					   .p_vaddr = va,
					   .p_filesz = filesz,
					   .p_memsz = memsz,
					   .p_align = 0x1000 };
}

/* Headers, text, data with .bss: what a linker makes. */
static void good_image(void)
{
	start_image(ELF_ET_EXEC, 3);
	put_load(0, ELF_PF_R, 0x400000, 0, 0x800, 0x800);
	put_load(1, ELF_PF_R | ELF_PF_X, 0x401000, 0x1000, 0x123, 0x123);
	put_load(2, ELF_PF_R | ELF_PF_W, 0x402f00, 0x1f00, 0x200, 0x2345);
}

static int run(void)
{
	return elf_plan(&image, sizeof(image), &plan);
}

static void test_good(void **state)
{
	(void)state;
	good_image();
	assert_int_equal(run(), 0);
	assert_int_equal(plan.nr_segments, 3);
	assert_int_equal(plan.entry, 0x401010);
	assert_int_equal(plan.phdrs, 0x400000 + sizeof(image.hdr));
	assert_int_equal(plan.nr_phdrs, 3);
	assert_int_equal(plan.end, 0x406000);
	assert_int_equal(plan.segments[1].va, 0x401000);
	assert_int_equal(plan.segments[1].size, 0x1000);
	assert_int_equal(plan.segments[1].rights, AS_READ | AS_EXEC);
	assert_int_equal(plan.segments[2].va, 0x402000);
	assert_int_equal(plan.segments[2].size, 0x4000);
	assert_int_equal(plan.segments[2].offset, 0x1000);
	assert_int_equal(plan.segments[2].file_end, 0x2100);
	assert_int_equal(plan.segments[2].rights, AS_READ | AS_WRITE);
}

static void test_position_independent(void **state)
{
	(void)state;
	start_image(ELF_ET_DYN, 2);
	image.hdr.e_entry = 0x1010;
	put_load(0, ELF_PF_R, 0, 0, 0x800, 0x800);
	put_load(1, ELF_PF_R | ELF_PF_X, 0x1000, 0x1000, 0x123, 0x123);
	assert_int_equal(run(), 0);
	assert_int_equal(plan.entry, ELF_PLAN_PIE_BASE + 0x1010);
	assert_int_equal(plan.phdrs, ELF_PLAN_PIE_BASE + sizeof(image.hdr));
	assert_int_equal(plan.segments[0].va, ELF_PLAN_PIE_BASE);
}

static void test_refused(void **state)
{
	(void)state;
	good_image();
	image.ph[1].p_flags |= ELF_PF_W;
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.ph[2].p_vaddr = 0x401f00; /* shares a page with the text */
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.ph[2].p_vaddr += 8; /* not where the file's page offset would have it */
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.ph[0].p_type = ELF_PT_INTERP;
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.hdr.e_entry = 0x400010; /* not executable */
	assert_int_equal(run(), -ENOEXEC);
	image.hdr.e_entry = 0x401000 + 0x1000;
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.hdr.e_type = 1;
	assert_int_equal(run(), -ENOEXEC);

	good_image();
	image.ph[2].p_filesz = image.ph[2].p_memsz + 1;
	assert_int_equal(run(), -EINVAL);
}

static void test_addresses(void **state)
{
	static const uint64_t bad[] = {
		0, 0xf000, ELF_PLAN_END, 0x00007ffffffff000, 0xffff800000000000, 0xfffffffffffff000
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_image(ELF_ET_EXEC, 1);
		put_load(0, ELF_PF_R | ELF_PF_X, bad[i], 0, 0x800, 0x800);
		image.hdr.e_entry = bad[i];
		assert_true(run() < 0);
	}
	good_image();
	image.ph[2].p_memsz = UINT64_MAX - 0x402f00;
	assert_true(run() < 0);
	good_image();
	image.ph[2].p_memsz = ELF_PLAN_END;
	assert_int_equal(run(), -ENOEXEC);
}

static void test_too_many(void **state)
{
	(void)state;
	for (unsigned int nr = ELF_PLAN_SEGMENTS; nr <= ELF_PLAN_SEGMENTS + 1; nr++) {
		start_image(ELF_ET_EXEC, nr);
		for (unsigned int i = 0; i < nr; i++)
			put_load(i, ELF_PF_R | ELF_PF_X, 0x401000 + i * 0x1000ull, 0x1000, 16, 16);
		assert_int_equal(run(), nr == ELF_PLAN_SEGMENTS ? 0 : -ENOEXEC);
	}
}

/* ---- stacks ---- */

#define TOP 0x7fff00000000ull

static uint8_t block[4096];
static const struct user_args args = {
	.strings = "prog\0one\0\0A=1", .size = 14, .nr_args = 3, .nr_envs = 1
};
static const struct user_stack_info info = { .top = TOP,
					     .execfn = "/bin/prog",
					     .entry = 0x401010,
					     .phdrs = 0x400040,
					     .nr_phdrs = 3,
					     .hwcap = 0xabcd,
					     .random = "0123456789abcde" };

static const void *at(uint64_t va)
{
	assert_true(va >= TOP - sizeof(block) && va < TOP);
	return block + sizeof(block) - (TOP - va);
}

static uint64_t aux(const uint64_t *pair, uint64_t type)
{
	for (; pair[0] != AT_NULL; pair += 2) {
		if (pair[0] == type)
			return pair[1];
	}
	fail_msg("no entry %u", (unsigned int)type);
	return 0;
}

static void test_stack(void **state)
{
	int64_t len = user_stack_build(block, sizeof(block), &args, &info);
	const uint64_t *sp;

	(void)state;
	assert_true(len > 0 && len % 16 == 0);
	sp = at(TOP - (uint64_t)len);
	assert_int_equal(sp[0], 3);
	assert_string_equal(at(sp[1]), "prog");
	assert_string_equal(at(sp[2]), "one");
	assert_string_equal(at(sp[3]), "");
	assert_int_equal(sp[4], 0);
	assert_string_equal(at(sp[5]), "A=1");
	assert_int_equal(sp[6], 0);
	assert_int_equal(aux(sp + 7, AT_PHDR), 0x400040);
	assert_int_equal(aux(sp + 7, AT_PHNUM), 3);
	assert_int_equal(aux(sp + 7, AT_PHENT), sizeof(struct elf64_phdr));
	assert_int_equal(aux(sp + 7, AT_PAGESZ), 4096);
	assert_int_equal(aux(sp + 7, AT_ENTRY), 0x401010);
	assert_int_equal(aux(sp + 7, AT_HWCAP), 0xabcd);
	assert_int_equal(aux(sp + 7, AT_SECURE), 0);
	assert_string_equal(at(aux(sp + 7, AT_EXECFN)), "/bin/prog");
	assert_string_equal(at(aux(sp + 7, AT_PLATFORM)), "x86_64");
	assert_memory_equal(at(aux(sp + 7, AT_RANDOM)), "0123456789abcde", 16);
}

/* Every size that is too small is refused, and nothing outside is touched (ASan looks). */
static void test_stack_too_small(void **state)
{
	int64_t len = user_stack_build(block, sizeof(block), &args, &info);

	(void)state;
	for (size_t size = 0; size < (size_t)len; size += 16)
		assert_int_equal(user_stack_build(block + sizeof(block) - size, size, &args, &info),
				 -E2BIG);
	assert_int_equal(user_stack_build(block + sizeof(block) - len, (size_t)len, &args, &info),
			 len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_position_independent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_stack_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
