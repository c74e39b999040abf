// SPDX-License-Identifier: GPL-2.0-or-later
// ELF64 reader. The header is copied once and checked; each program header is copied and checked
// when it is asked for; notes are walked within their segment. Sums are never formed before it is
// known that they don't wrap.
#include "lib/elf.h"
#include "lib/errno.h"
#include "lib/string.h"

#define EM_X86_64 62

static bool range_ok(size_t size, uint64_t offset, uint64_t len)
{
	return offset <= size && len <= size - offset;
}

int elf_open(struct elf_image *img, const void *base, size_t size)
{
	static const uint8_t ident[7] = { 0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* LE */, 1 };
	struct elf64_ehdr *h = &img->hdr;

	img->base = base;
	img->size = size;
	if (size < sizeof(*h))
		return -ENOEXEC;
	memcpy(h, base, sizeof(*h));
	if (memcmp(h->e_ident, ident, sizeof(ident)) != 0 || h->e_machine != EM_X86_64 ||
	    (h->e_type != ELF_ET_EXEC && h->e_type != ELF_ET_DYN))
		return -ENOEXEC;
	if (h->e_phnum != 0 && h->e_phentsize != sizeof(struct elf64_phdr))
		return -EINVAL;
	if (!range_ok(size, h->e_phoff, (uint64_t)h->e_phnum * sizeof(struct elf64_phdr)))
		return -EINVAL;
	return 0;
}

int elf_phdr(const struct elf_image *img, unsigned int i, struct elf64_phdr *out)
{
	if (i >= img->hdr.e_phnum)
		return -EINVAL;
	memcpy(out, img->base + img->hdr.e_phoff + i * sizeof(*out), sizeof(*out));
	if (!range_ok(img->size, out->p_offset, out->p_filesz))
		return -EINVAL;
	if (out->p_vaddr + out->p_memsz < out->p_vaddr ||
	    out->p_paddr + out->p_memsz < out->p_paddr)
		return -EINVAL;
	if (out->p_type == ELF_PT_LOAD && out->p_filesz > out->p_memsz)
		return -EINVAL;
	return 0;
}

void elf_notes_init(struct elf_note_iter *it, const struct elf_image *img,
		    const struct elf64_phdr *ph)
{
	it->pos = img->base + ph->p_offset;
	it->left = ph->p_filesz;
	it->align = ph->p_align == 8 ? 8 : 4;
}

int elf_note_next(struct elf_note_iter *it, struct elf_note *note)
{
	struct {
		uint32_t namesz, descsz, type;
	} h;
	uint64_t desc_at, end;

	if (it->left < sizeof(h))
		return 0;
	memcpy(&h, it->pos, sizeof(h));
	desc_at = ALIGN_UP(sizeof(h) + (uint64_t)h.namesz, it->align);
	end = desc_at + h.descsz;
	if (end > it->left || h.namesz == 0 || it->pos[sizeof(h) + h.namesz - 1] != '\0')
		return -EINVAL;
	*note = (struct elf_note){
		.type = h.type,
		.name = (const char *)it->pos + sizeof(h),
		.name_size = h.namesz,
		.desc = it->pos + desc_at,
		.desc_size = h.descsz,
	};
	end = MIN(ALIGN_UP(end, it->align), it->left);
	it->pos += end;
	it->left -= end;
	return 1;
}
