/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF core file (x86-64, ET_CORE) of a VM: memory by guest-physical address, what is zero left
 * out of the file, and a note for each vCPU.
 *
 * Contract: pure but for core_write's `put`. Sizes and addresses in bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_PAGE 4096u

struct core_piece {
	uint64_t gpa, size, offset; /* offset: of `memory` */
};

/* File and memory: the first filesz bytes of memsz are in the file, the rest are zeros. */
struct core_segment {
	uint64_t gpa, offset, filesz, memsz;
};

struct core {
	const uint8_t *memory;
	struct core_segment *segments;
	size_t nr_segments, room;
	uint8_t *notes;
	size_t notes_len;
};

/*
 * Lays out the pieces, in rising order, each a multiple of CORE_PAGE. false: no memory. core_free
 * in any case.
 */
bool core_plan(struct core *c, const uint8_t *memory, const struct core_piece *pieces, size_t n);
/* Adds a note. false: no memory. */
bool core_note(struct core *c, const char *name, uint32_t type, const void *data, size_t len);
/* Bytes of the file. */
uint64_t core_size(const struct core *c);
/* Writes it from beginning to end. */
void core_write(const struct core *c, void (*put)(void *arg, const void *bytes, size_t len),
		void *arg);
void core_free(struct core *c);
