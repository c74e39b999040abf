// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/shell/core.c
#include "mgmt/shell/core.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 256u

static uint8_t memory[PAGES * CORE_PAGE], file[2 * sizeof(memory)], back[sizeof(memory)];
static size_t written;

static void put(void *arg, const void *bytes, size_t len)
{
	(void)arg;
	assert_true(written + len <= sizeof(file));
	if (len)
		memcpy(file + written, bytes, len);
	written += len;
}

/* Writes a core of the pieces and puts the memory together again from the file. */
static unsigned round_trip(const struct core_piece *pieces, size_t n, uint64_t base)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)file;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(file + sizeof(*head));
	struct core c;

	written = 0;
	memset(back, 0xee, sizeof(back));
	assert_true(core_plan(&c, memory, pieces, n));
	assert_true(core_note(&c, "CORE", NT_PRSTATUS, "12345", 5));
	core_write(&c, put, NULL);
	assert_int_equal(written, core_size(&c));
	assert_memory_equal(head->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(head->e_phnum, c.nr_segments + 1);
	assert_int_equal(ph->p_type, PT_NOTE);
	assert_int_equal(ph->p_filesz, sizeof(Elf64_Nhdr) + 8 + 8);
	assert_memory_equal(file + ph->p_offset + sizeof(Elf64_Nhdr),
			    "CORE\0\0\0\0"
			    "12345\0\0\0",
			    16);
	for (unsigned i = 1; i < head->e_phnum; i++) {
		const Elf64_Phdr *p = &ph[i];

		assert_int_equal(p->p_type, PT_LOAD);
		assert_true(p->p_filesz <= p->p_memsz && p->p_offset + p->p_filesz <= written);
		assert_true(p->p_paddr >= base && p->p_paddr - base + p->p_memsz <= sizeof(back));
		memset(back + (p->p_paddr - base), 0, p->p_memsz);
		memcpy(back + (p->p_paddr - base), file + p->p_offset, p->p_filesz);
	}
	core_free(&c);
	return head->e_phnum - 1u;
}

static void test_sparse(void **state)
{
	const struct core_piece all = { 0x100000, sizeof(memory), 0 };

	(void)state;
	/* Nothing but zeros: a segment without bytes. */
	memset(memory, 0, sizeof(memory));
	assert_int_equal(round_trip(&all, 1, 0x100000), 1);
	assert_true(written < 4096);
	assert_memory_equal(back, memory, sizeof(memory));
	/* The ends, and two places close together. */
	memory[0] = memory[sizeof(memory) - 1] = 1;
	memory[100 * CORE_PAGE + 5] = memory[103 * CORE_PAGE] = 2;
	assert_int_equal(round_trip(&all, 1, 0x100000), 3);
	assert_true(written < 10 * CORE_PAGE);
	assert_memory_equal(back, memory, sizeof(memory));
}

static void test_any_pattern(void **state)
{
	const struct core_piece all = { 0, sizeof(memory), 0 };

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 200; i++) {
		memset(memory, 0, sizeof(memory));
		for (unsigned n = (unsigned)rand() % 12; n; n--)
			memory[(unsigned)rand() % sizeof(memory)] = (uint8_t)rand();
		round_trip(&all, 1, 0);
		assert_memory_equal(back, memory, sizeof(memory));
	}
}

/* A hole between two pieces is in no segment. */
static void test_pieces(void **state)
{
	const struct core_piece two[] = { { 0, 16 * CORE_PAGE, 0 },
					  { 32 * CORE_PAGE, 224 * CORE_PAGE, 32 * CORE_PAGE } };

	(void)state;
	memset(memory, 7, sizeof(memory));
	assert_int_equal(round_trip(two, 2, 0), 2);
	assert_memory_equal(back, memory, 16 * CORE_PAGE);
	assert_memory_equal(back + 32 * CORE_PAGE, memory, 224 * CORE_PAGE);
	assert_int_equal(back[20 * CORE_PAGE], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_any_pattern),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
