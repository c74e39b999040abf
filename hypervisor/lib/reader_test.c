// SPDX-License-Identifier: GPL-2.0-or-later
// The readers of foreign bytes: cpio, ELF, command line. Good inputs give what was put in; bad
// lengths and numbers give the documented errors.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/cmdline.h"
#include "lib/cpio.h"
#include "lib/elf.h"
#include "lib/errno.h"

static uint8_t archive[4096];
static size_t used;

static void put(const void *p, size_t n)
{
	memcpy(archive + used, p, n);
	used += n;
}

static void pad(void)
{
	while (used % 4 != 0)
		archive[used++] = 0;
}

static void put_entry(const char *name, unsigned int mode, const void *data, size_t size)
{
	char header[111];

	snprintf(header, sizeof(header),
		 "070701%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 7, mode, 1, 2, 1,
		 0x66666666, (unsigned int)size, 0, 0, 0, 0, (unsigned int)strlen(name) + 1, 0);
	put(header, 110);
	put(name, strlen(name) + 1);
	pad();
	put(data, size);
	pad();
}

static void start_archive(void)
{
	used = 0;
	memset(archive, 0, sizeof(archive));
}

static void test_cpio(void **state)
{
	struct cpio_iter it;
	struct cpio_entry e;

	(void)state;
	start_archive();
	put_entry("etc", 0040755, "", 0);
	put_entry("etc/a", 0100644, "hello", 5);
	put_entry("TRAILER!!!", 0, "", 0);
	used += 512;
	put_entry("etc/a", 0100755, "again!", 6);
	put_entry("TRAILER!!!", 0, "", 0);
	used += 33;

	cpio_iter_init(&it, archive, used);
	assert_int_equal(cpio_next(&it, &e), 1);
	assert_true(cpio_is_dir(&e) && !cpio_is_file(&e));
	assert_string_equal(e.name, "etc");
	assert_int_equal(cpio_next(&it, &e), 1);
	assert_true(cpio_is_file(&e));
	assert_int_equal(e.size, 5);
	assert_memory_equal(e.data, "hello", 5);
	assert_int_equal(e.mode, 0100644);
	assert_int_equal(e.mtime, 0x66666666);
	assert_int_equal(cpio_next(&it, &e), 1);
	assert_memory_equal(e.data, "again!", 6);
	assert_int_equal(cpio_next(&it, &e), 0);
	assert_int_equal(cpio_next(&it, &e), 0);
}

static void test_cpio_cut(void **state)
{
	struct cpio_entry e;

	(void)state;
	start_archive();
	put_entry("name", 0100644, "data", 4);
	for (size_t n = 1; n < used; n++) {
		uint8_t *copy = malloc(n);
		struct cpio_iter it;

		assert_non_null(copy);
		memcpy(copy, archive, n);
		cpio_iter_init(&it, copy, n);
		assert_int_equal(cpio_next(&it, &e), n < 6 ? -ENOEXEC : -EINVAL);
		assert_int_equal(it.pos, 0);
		free(copy);
	}
}

static void expect_cpio(int result)
{
	struct cpio_iter it;
	struct cpio_entry e;

	cpio_iter_init(&it, archive, used);
	assert_int_equal(cpio_next(&it, &e), result);
}

static void test_cpio_bad(void **state)
{
	(void)state;
	start_archive();
	put_entry("x", 0100644, "", 0);
	memcpy(archive + 54, "FFFFFFFF", 8);
	expect_cpio(-EINVAL);
	memcpy(archive + 54, "0000000g", 8);
	expect_cpio(-EINVAL);
	memcpy(archive + 54, "00000000", 8);
	expect_cpio(1);
	memcpy(archive + 94, "00000001", 8);
	expect_cpio(-EINVAL);
	memcpy(archive + 94, "FFFFFFFF", 8);
	expect_cpio(-EINVAL);
	memcpy(archive + 94, "00000002", 8);
	archive[111] = 'y';
	expect_cpio(-EINVAL);

	start_archive();
	put("\x1f\x8b\x08", 4);
	put("\0\0\0\0", 4);
	expect_cpio(-ENOEXEC);
	start_archive();
	used = 64;
	expect_cpio(0);
}

static struct {
	struct elf64_ehdr h;
	struct elf64_phdr ph[2];
	uint8_t notes[64];
} elf;

static void make_elf(void)
{
	static const uint8_t notes[] = { 4, 0, 0, 0, 8, 0, 0,   0, 18, 0, 0,  0, 'X', 'e', 'n',
					 0, 1, 2, 3, 4, 5, 6,   7, 8,  2, 0,  0, 0,   1,   0,
					 0, 0, 9, 0, 0, 0, 'A', 0, 0,  0, 42, 0, 0,   0 };

	memset(&elf, 0, sizeof(elf));
	memcpy(elf.h.e_ident,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	elf.h.e_type = ELF_ET_EXEC;
	elf.h.e_machine = 62;
	elf.h.e_phoff = 64;
	elf.h.e_phentsize = 56;
	elf.h.e_phnum = 2;
	elf.ph[0] = (struct elf64_phdr){ .p_type = ELF_PT_LOAD, .p_filesz = 64, .p_memsz = 128 };
	elf.ph[1] = (struct elf64_phdr){ .p_type = ELF_PT_NOTE,
					 .p_offset = 64 + 112,
					 .p_filesz = sizeof(notes),
					 .p_memsz = sizeof(notes) };
	memcpy(elf.notes, notes, sizeof(notes));
}

static void test_elf(void **state)
{
	struct elf_image img;
	struct elf64_phdr ph;
	struct elf_note_iter it;
	struct elf_note note;

	(void)state;
	make_elf();
	assert_int_equal(elf_open(&img, &elf, sizeof(elf)), 0);
	assert_int_equal(elf_phdr(&img, 0, &ph), 0);
	assert_int_equal(ph.p_memsz, 128);
	assert_int_equal(elf_phdr(&img, 2, &ph), -EINVAL);
	assert_int_equal(elf_phdr(&img, 1, &ph), 0);
	elf_notes_init(&it, &img, &ph);
	assert_int_equal(elf_note_next(&it, &note), 1);
	assert_int_equal(note.type, 18);
	assert_string_equal(note.name, "Xen");
	assert_int_equal(note.desc_size, 8);
	assert_int_equal(note.desc[7], 8);
	assert_int_equal(elf_note_next(&it, &note), 1);
	assert_string_equal(note.name, "A");
	assert_int_equal(note.desc[0], 42);
	assert_int_equal(elf_note_next(&it, &note), 0);
}

static void test_elf_bad(void **state)
{
	struct elf_image img;
	struct elf64_phdr ph;
	struct elf_note_iter it;
	struct elf_note note;

	(void)state;
	make_elf();
	assert_int_equal(elf_open(&img, &elf, 63), -ENOEXEC);
	assert_int_equal(elf_open(&img, &elf, 64 + 111), -EINVAL);
	elf.h.e_phoff = UINT64_MAX - 8;
	assert_int_equal(elf_open(&img, &elf, sizeof(elf)), -EINVAL);
	make_elf();
	elf.h.e_machine = 3;
	assert_int_equal(elf_open(&img, &elf, sizeof(elf)), -ENOEXEC);
	make_elf();
	elf.h.e_phentsize = 55;
	assert_int_equal(elf_open(&img, &elf, sizeof(elf)), -EINVAL);

	make_elf();
	assert_int_equal(elf_open(&img, &elf, sizeof(elf)), 0);
	elf.ph[0].p_filesz = 129;
	assert_int_equal(elf_phdr(&img, 0, &ph), -EINVAL);
	elf.ph[0].p_filesz = 128;
	assert_int_equal(elf_phdr(&img, 0, &ph), 0);
	elf.ph[0].p_vaddr = UINT64_MAX - 126;
	assert_int_equal(elf_phdr(&img, 0, &ph), -EINVAL);
	elf.ph[1].p_offset = sizeof(elf) - 43;
	assert_int_equal(elf_phdr(&img, 1, &ph), -EINVAL);
	elf.ph[1].p_offset = UINT64_MAX;
	assert_int_equal(elf_phdr(&img, 1, &ph), -EINVAL);

	make_elf();
	elf.notes[4] = 200;
	assert_int_equal(elf_phdr(&img, 1, &ph), 0);
	elf_notes_init(&it, &img, &ph);
	assert_int_equal(elf_note_next(&it, &note), -EINVAL);
	make_elf();
	memset(elf.notes, 0xff, 4);
	elf_notes_init(&it, &img, &ph);
	assert_int_equal(elf_note_next(&it, &note), -EINVAL);
}

/* The last word of that name. */
static bool cmdline_find(const char *line, const char *name, struct cmdline_word *w)
{
	struct cmdline_word word;
	bool found = false;

	while (cmdline_next(&line, &word)) {
		if (cmdline_is(&word, name)) {
			*w = word;
			found = true;
		}
	}
	return found;
}

static bool cmdline_has(const char *line, const char *name)
{
	struct cmdline_word w;

	return cmdline_find(line, name, &w);
}

static int cmdline_str(const char *line, const char *name, char *buf, size_t size)
{
	struct cmdline_word w;

	return cmdline_find(line, name, &w) ? cmdline_copy(&w, buf, size) : -ENOENT;
}

static int cmdline_u64(const char *line, const char *name, uint64_t *out)
{
	struct cmdline_word w;

	return cmdline_find(line, name, &w) ? cmdline_number(&w, out) : -ENOENT;
}

static void test_cmdline(void **state)
{
	const char *line =
		"  console=ttyS0 selftest mem=1G mem=0x20M name=\"a b=c\" last= x=\"open";
	struct cmdline_word w;
	const char *pos = line;
	char buf[16] = "old";
	uint64_t v = 5;
	int n = 0;

	(void)state;
	while (cmdline_next(&pos, &w))
		n++;
	assert_int_equal(n, 7);
	assert_int_equal(cmdline_str(line, "console", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "ttyS0");
	assert_int_equal(cmdline_str(line, "console", buf, 5), -ENAMETOOLONG);
	assert_int_equal(cmdline_str(line, "name", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "a b=c");
	assert_int_equal(cmdline_str(line, "x", buf, sizeof(buf)), 4);
	assert_int_equal(cmdline_str(line, "last", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_true(cmdline_has(line, "selftest"));
	assert_int_equal(cmdline_str(line, "selftest", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(cmdline_u64(line, "mem", &v), 0);
	assert_true(v == MiB(32));
	assert_int_equal(cmdline_u64(line, "console", &v), -EINVAL);
	assert_int_equal(cmdline_u64(line, "absent", &v), -ENOENT);
	assert_true(v == MiB(32));
	assert_false(cmdline_has(line, "consol") || cmdline_has(line, "ttyS0"));
	assert_false(cmdline_has("", "x"));
	assert_true(cmdline_find(line, "mem", &w) && cmdline_value_is(&w, "0x20M"));
	assert_false(cmdline_value_is(&w, "0x20") || cmdline_ends(&w));
	pos = "-- --=x";
	assert_true(cmdline_next(&pos, &w) && cmdline_ends(&w) && !cmdline_value_is(&w, ""));
	assert_true(cmdline_next(&pos, &w) && !cmdline_ends(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpio),     cmocka_unit_test(test_cpio_cut),
		cmocka_unit_test(test_cpio_bad), cmocka_unit_test(test_elf),
		cmocka_unit_test(test_elf_bad),  cmocka_unit_test(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
