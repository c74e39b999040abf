// SPDX-License-Identifier: GPL-2.0-or-later
// Runs of pages that are not zero become segments; a run goes on over gaps that are smaller than
// what another segment would cost to read. ELF: System V ABI, "Program Header", "Note Section".

#include "mgmt/shell/core.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define GAP_FIRST    16u    /* pages */
#define SEGMENTS_MAX 65000u /* e_phnum has 16 bits */

/* ---- segments ---- */

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, CORE_PAGE - 1);
}

static bool add_segment(struct core *c, uint64_t gpa, uint64_t offset)
{
	if (c->nr_segments == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct core_segment *more = realloc(c->segments, room * sizeof(*more));

		if (!more)
			return false;
		c->segments = more;
		c->room = room;
	}
	c->segments[c->nr_segments++] = (struct core_segment){ .gpa = gpa, .offset = offset };
	return true;
}

static struct core_segment *last(struct core *c)
{
	return &c->segments[c->nr_segments - 1];
}

static bool plan_piece(struct core *c, const struct core_piece *p, uint64_t gap)
{
	uint64_t zeros = 0;

	if (!add_segment(c, p->gpa, p->offset))
		return false;
	for (uint64_t at = 0; at < p->size; at += CORE_PAGE) {
		struct core_segment *s = last(c);

		if (is_zero(c->memory + p->offset + at)) {
			zeros++;
		} else if (at && zeros >= gap) {
			if (!add_segment(c, p->gpa + at, p->offset + at))
				return false;
			s = last(c);
			zeros = 0;
			s->filesz = CORE_PAGE;
		} else {
			s->filesz += (zeros + 1) * CORE_PAGE;
			zeros = 0;
		}
		s->memsz += CORE_PAGE;
	}
	return true;
}

bool core_plan(struct core *c, const uint8_t *memory, const struct core_piece *pieces, size_t n)
{
	*c = (struct core){ .memory = memory };
	for (uint64_t gap = GAP_FIRST;; gap *= 4) {
		c->nr_segments = 0;
		for (size_t i = 0; i < n; i++) {
			if (!plan_piece(c, &pieces[i], gap))
				return false;
		}
		if (c->nr_segments <= SEGMENTS_MAX)
			return true;
	}
}

/* ---- notes ---- */

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

bool core_note(struct core *c, const char *name, uint32_t type, const void *data, size_t len)
{
	Elf64_Nhdr head = { .n_namesz = (Elf64_Word)strlen(name) + 1,
			    .n_descsz = (Elf64_Word)len,
			    .n_type = type };
	size_t total = sizeof(head) + padded(head.n_namesz) + padded(len);
	uint8_t *notes = realloc(c->notes, c->notes_len + total), *at;

	if (!notes)
		return false;
	at = notes + c->notes_len;
	memset(at, 0, total);
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), name, head.n_namesz);
	memcpy(at + sizeof(head) + padded(head.n_namesz), data, len);
	c->notes = notes;
	c->notes_len += total;
	return true;
}

/* ---- the file: header, program headers, notes, memory ---- */

static uint64_t headers_size(const struct core *c)
{
	return sizeof(Elf64_Ehdr) + (c->nr_segments + 1) * sizeof(Elf64_Phdr);
}

uint64_t core_size(const struct core *c)
{
	uint64_t size = headers_size(c) + c->notes_len;

	for (size_t i = 0; i < c->nr_segments; i++)
		size += c->segments[i].filesz;
	return size;
}

void core_write(const struct core *c, void (*put)(void *arg, const void *bytes, size_t len),
		void *arg)
{
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head),
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(c->nr_segments + 1),
	};
	Elf64_Phdr notes = { .p_type = PT_NOTE,
			     .p_offset = headers_size(c),
			     .p_filesz = c->notes_len };
	uint64_t offset = notes.p_offset + notes.p_filesz;

	put(arg, &head, sizeof(head));
	put(arg, &notes, sizeof(notes));
	for (size_t i = 0; i < c->nr_segments; i++) {
		const struct core_segment *s = &c->segments[i];
		Elf64_Phdr load = { .p_type = PT_LOAD,
				    .p_flags = PF_R | PF_W | PF_X,
				    .p_offset = offset,
				    .p_vaddr = s->gpa,
				    .p_paddr = s->gpa,
				    .p_filesz = s->filesz,
				    .p_memsz = s->memsz };

		put(arg, &load, sizeof(load));
		offset += s->filesz;
	}
	put(arg, c->notes, c->notes_len);
	for (size_t i = 0; i < c->nr_segments; i++)
		put(arg, c->memory + c->segments[i].offset, c->segments[i].filesz);
}

void core_free(struct core *c)
{
	free(c->segments);
	free(c->notes);
}
