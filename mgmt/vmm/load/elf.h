/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF executables of both classes, little-endian, for x86: header, segments, notes. Everything that
 * comes out was checked to lie within the file. No state, no locks.
 */
#pragma once

#include "vmm/load/boot.h"

struct elf_file {
	struct image image;
	bool is64;
	uint64_t entry, phoff;
	unsigned phnum, phentsize;
};

struct elf_segment {
	uint32_t type;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

/* 0, -ENOEXEC: no such ELF file; -EINVAL: lengths do not fit. */
int elf_file_open(struct elf_file *elf, const struct image *image);
/* 0 or -EINVAL; i < phnum. */
int elf_file_segment(const struct elf_file *elf, unsigned i, struct elf_segment *out);
/* Copies all PT_LOAD segments to their physical addresses. */
int elf_file_load(struct boot *boot, const struct elf_file *elf);
/* Physical address of a virtual one, by the segment that holds it; the same if none does. */
uint64_t elf_file_physical(const struct elf_file *elf, uint64_t vaddr);
/* The descriptor of a note, in *desc. 1 found, 0 not there, -EINVAL. */
int elf_file_note(const struct elf_file *elf, const char *name, uint32_t type, struct image *desc);
