/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loading an ELF program means: which pieces of the file go where in an address space. Pure
 * arithmetic on an untrusted image; nothing is mapped here. Host-testable.
 */
#pragma once

#include "lib/elf.h"

#define ELF_PLAN_SEGMENTS 16
/* Where position-independent programs go, and the end of what a program may ask for. */
#define ELF_PLAN_PIE_BASE 0x0000555555554000ull
#define ELF_PLAN_LOWEST   0x10000ull
#define ELF_PLAN_END      0x0000600000000000ull

/* A range of whole pages; bytes of the file below `file_end`, zeros above. */
struct elf_segment {
	uint64_t va, size; /* multiples of 4096 */
	uint64_t offset;   /* into the file, multiple of 4096 */
	uint64_t file_end; /* into the file: where its bytes end; <= offset: no file bytes at all */
	uint32_t rights;   /* AS_READ | AS_WRITE | AS_EXEC, never the last two together */
};

struct elf_plan {
	struct elf_segment segments[ELF_PLAN_SEGMENTS];
	unsigned int nr_segments;
	uint64_t entry;
	uint64_t phdrs; /* address of the program headers in the program; 0: not mapped */
	unsigned int nr_phdrs;
	uint64_t end; /* first address behind the program: the heap begins here */
};

/*
 * Plans a static program, fixed (ET_EXEC) or position-independent (ET_DYN). 0, or -ENOEXEC: not a
 * program that can run here (other machine, needs an interpreter, segments that overlap, lie
 * outside, are writable and executable, or don't agree with the file's page offsets), -EINVAL:
 * damaged.
 */
int elf_plan(const void *image, size_t size, struct elf_plan *plan) __must_check;
