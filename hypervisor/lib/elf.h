/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Checked reading of ELF64 little-endian x86-64 images in a range of memory: header, program
 * headers, notes. All offsets and lengths are checked against the range; structures are copied out,
 * so the range needs no alignment and may change under the reader. No state, no locks.
 */
#include "lib/types.h"

#define ELF_ET_EXEC 2
#define ELF_ET_DYN  3

#define ELF_PT_LOAD         1
#define ELF_PT_DYNAMIC      2
#define ELF_PT_INTERP       3
#define ELF_PT_NOTE         4
#define ELF_PT_PHDR         6
#define ELF_PT_TLS          7
#define ELF_PT_GNU_STACK    0x6474e551
#define ELF_PT_GNU_RELRO    0x6474e552
#define ELF_PT_GNU_PROPERTY 0x6474e553

#define ELF_PF_X 1
#define ELF_PF_W 2
#define ELF_PF_R 4

struct elf64_ehdr {
	uint8_t e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};
static_assert_size(struct elf64_ehdr, 64);

struct elf64_phdr {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};
static_assert_size(struct elf64_phdr, 56);

struct elf_image {
	const uint8_t *base;
	size_t size;
	struct elf64_ehdr hdr;
};

/*
 * Check the ELF header at base[0..size) and that the program headers lie within.
 * 0, -ENOEXEC: not ELF64 for x86-64; -EINVAL: bad program-header table. The range must outlive img.
 */
int elf_open(struct elf_image *img, const void *base, size_t size) __must_check;

/*
 * Copy out program header `i` < hdr.e_phnum. -EINVAL if its bytes are not within the range, if
 * p_filesz > p_memsz for PT_LOAD, or if an address range wraps around.
 */
int elf_phdr(const struct elf_image *img, unsigned int i, struct elf64_phdr *out) __must_check;

struct elf_note {
	uint32_t type;
	const char *name; /* name_size bytes, their terminator counted; NUL-terminated */
	size_t name_size;
	const uint8_t *desc;
	size_t desc_size;
};

struct elf_note_iter {
	const uint8_t *pos;
	size_t left;
	size_t align;
};

/* Iterate over the notes in a PT_NOTE program header that elf_phdr returned for `img`. */
void elf_notes_init(struct elf_note_iter *it, const struct elf_image *img,
		    const struct elf64_phdr *ph);

/* 1: *note is filled; 0: the end; -EINVAL: a length that is not within the segment. */
int elf_note_next(struct elf_note_iter *it, struct elf_note *note) __must_check;
