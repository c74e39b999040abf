// SPDX-License-Identifier: GPL-2.0-or-later
// Each PT_LOAD becomes one range of whole pages. Segments must come in rising order and may not
// share a page, so that a range never has two sources; what Debian's linker makes is of that kind.
#include "proc/elf_plan.h"

#include "abi/strata.h"
#include "lib/errno.h"

#define PAGE 4096ull

static uint32_t rights_of(uint32_t flags)
{
	return (flags & ELF_PF_R ? AS_READ : 0) | (flags & ELF_PF_W ? AS_READ | AS_WRITE : 0) |
	       (flags & ELF_PF_X ? AS_READ | AS_EXEC : 0);
}

static bool fits(const struct elf64_phdr *ph, uint64_t bias)
{
	uint64_t va, end;

	if (__builtin_add_overflow(ph->p_vaddr, bias, &va) ||
	    __builtin_add_overflow(va, ph->p_memsz, &end))
		return false;
	return va >= ELF_PLAN_LOWEST && end <= ELF_PLAN_END;
}

static int plan_load(struct elf_plan *plan, const struct elf64_phdr *ph, uint64_t bias)
{
	struct elf_segment *s = &plan->segments[plan->nr_segments];
	uint64_t va = ph->p_vaddr + bias;

	if (ph->p_memsz == 0)
		return 0;
	if (plan->nr_segments == ELF_PLAN_SEGMENTS || !fits(ph, bias) ||
	    (ph->p_vaddr - ph->p_offset) % PAGE != 0)
		return -ENOEXEC;
	s->va = ALIGN_DOWN(va, PAGE);
	s->size = ALIGN_UP(va + ph->p_memsz, PAGE) - s->va;
	s->offset = ALIGN_DOWN(ph->p_offset, PAGE);
	s->file_end = ph->p_filesz != 0 ? ph->p_offset + ph->p_filesz : 0;
	s->rights = rights_of(ph->p_flags);
	if ((s->rights & (AS_WRITE | AS_EXEC)) == (AS_WRITE | AS_EXEC) || s->va < plan->end)
		return -ENOEXEC;
	plan->end = s->va + s->size;
	plan->nr_segments++;
	return 0;
}

/* The program headers are in memory if the file's bytes of a segment cover them. */
static void note_phdrs(struct elf_plan *plan, const struct elf_image *img,
		       const struct elf64_phdr *ph, uint64_t bias)
{
	uint64_t start = img->hdr.e_phoff;
	uint64_t len = (uint64_t)img->hdr.e_phnum * sizeof(*ph);

	if (start >= ph->p_offset && start + len <= ph->p_offset + ph->p_filesz)
		plan->phdrs = start - ph->p_offset + ph->p_vaddr + bias;
}

static bool is_executable(const struct elf_plan *plan, uint64_t va)
{
	for (unsigned int i = 0; i < plan->nr_segments; i++) {
		const struct elf_segment *s = &plan->segments[i];

		if (va >= s->va && va - s->va < s->size)
			return s->rights & AS_EXEC;
	}
	return false;
}

int elf_plan(const void *image, size_t size, struct elf_plan *plan)
{
	struct elf_image img;
	struct elf64_phdr ph;
	uint64_t bias;
	int rc;

	*plan = (struct elf_plan){ 0 };
	rc = elf_open(&img, image, size);
	if (rc != 0)
		return rc;
	if (img.hdr.e_type != ELF_ET_EXEC && img.hdr.e_type != ELF_ET_DYN)
		return -ENOEXEC;
	bias = img.hdr.e_type == ELF_ET_DYN ? ELF_PLAN_PIE_BASE : 0;
	for (unsigned int i = 0; i < img.hdr.e_phnum; i++) {
		rc = elf_phdr(&img, i, &ph);
		if (rc != 0)
			return rc;
		if (ph.p_type == ELF_PT_INTERP)
			return -ENOEXEC;
		if (ph.p_type != ELF_PT_LOAD)
			continue;
		rc = plan_load(plan, &ph, bias);
		if (rc != 0)
			return rc;
		note_phdrs(plan, &img, &ph, bias);
	}
	plan->entry = img.hdr.e_entry + bias;
	plan->nr_phdrs = img.hdr.e_phnum;
	return is_executable(plan, plan->entry) ? 0 : -ENOEXEC;
}
