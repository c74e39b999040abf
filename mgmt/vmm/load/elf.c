// SPDX-License-Identifier: GPL-2.0-or-later
// Headers are copied out of the file before they are looked at, so alignment does not matter. The
// two classes differ only in the structures read here.

#include "vmm/load/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "lib/types.h"

static bool within(const struct image *image, uint64_t offset, uint64_t len)
{
	return offset <= image->size && len <= image->size - offset;
}

int elf_file_open(struct elf_file *elf, const struct image *image)
{
	union {
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h;

	if (image->size < sizeof(h) || memcmp(image->data, ELFMAG, SELFMAG))
		return -ENOEXEC;
	memcpy(&h, image->data, sizeof(h));
	*elf = (struct elf_file){ .image = *image, .is64 = h.e32.e_ident[EI_CLASS] == ELFCLASS64 };
	if (h.e32.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (h.e32.e_machine != EM_386 && h.e32.e_machine != EM_X86_64))
		return -ENOEXEC;
	elf->entry = elf->is64 ? h.e64.e_entry : h.e32.e_entry;
	elf->phoff = elf->is64 ? h.e64.e_phoff : h.e32.e_phoff;
	elf->phnum = elf->is64 ? h.e64.e_phnum : h.e32.e_phnum;
	elf->phentsize = elf->is64 ? h.e64.e_phentsize : h.e32.e_phentsize;
	if (elf->phentsize < (elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    !within(image, elf->phoff, (uint64_t)elf->phnum * elf->phentsize))
		return -EINVAL;
	return 0;
}

static void read_segment(const struct elf_file *elf, const uint8_t *at, struct elf_segment *out)
{
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (elf->is64) {
		memcpy(&p64, at, sizeof(p64));
		*out = (struct elf_segment){ p64.p_type,   p64.p_offset, p64.p_vaddr, p64.p_paddr,
					     p64.p_filesz, p64.p_memsz,  p64.p_align };
	} else {
		memcpy(&p32, at, sizeof(p32));
		*out = (struct elf_segment){ p32.p_type,   p32.p_offset, p32.p_vaddr, p32.p_paddr,
					     p32.p_filesz, p32.p_memsz,  p32.p_align };
	}
}

int elf_file_segment(const struct elf_file *elf, unsigned i, struct elf_segment *out)
{
	read_segment(elf, elf->image.data + elf->phoff + (uint64_t)i * elf->phentsize, out);
	if (out->type != PT_LOAD && out->type != PT_NOTE)
		return 0;
	if (!within(&elf->image, out->offset, out->filesz))
		return -EINVAL;
	if (out->type == PT_LOAD &&
	    (out->filesz > out->memsz || out->paddr + out->memsz < out->paddr))
		return -EINVAL;
	return 0;
}

int elf_file_load(struct boot *boot, const struct elf_file *elf)
{
	struct elf_segment s;
	unsigned loaded = 0;
	int ret;

	for (unsigned i = 0; i < elf->phnum; i++) {
		if (elf_file_segment(elf, i, &s))
			return boot_fail(boot, "kernel: ELF segment %u is not within the file", i);
		if (s.type != PT_LOAD || s.memsz == 0)
			continue;
		ret = boot_put_kernel(boot, s.paddr, elf->image.data + s.offset, s.filesz, s.memsz);
		if (ret)
			return ret;
		loaded++;
	}
	return loaded ? 0 : boot_fail(boot, "kernel: ELF file without segments to load");
}

uint64_t elf_file_physical(const struct elf_file *elf, uint64_t vaddr)
{
	struct elf_segment s;

	for (unsigned i = 0; i < elf->phnum; i++) {
		if (elf_file_segment(elf, i, &s) || s.type != PT_LOAD)
			continue;
		if (vaddr >= s.vaddr && vaddr - s.vaddr < s.memsz)
			return s.paddr + (vaddr - s.vaddr);
	}
	return vaddr;
}

/* One note at *pos; advances it. 1 found, 0 another one, -EINVAL. */
static int match_note(const uint8_t *data, uint64_t size, uint64_t align, uint64_t *pos,
		      const char *name, uint32_t type, struct image *desc)
{
	Elf64_Nhdr n; /* the same in both classes */
	uint64_t name_at = *pos + sizeof(n), desc_at;

	if (size - *pos < sizeof(n))
		return -EINVAL;
	memcpy(&n, data + *pos, sizeof(n));
	desc_at = ALIGN_UP(name_at + n.n_namesz, align);
	if (name_at + n.n_namesz > size || desc_at > size || n.n_descsz > size - desc_at)
		return -EINVAL;
	*pos = MIN(ALIGN_UP(desc_at + n.n_descsz, align), size);
	if (n.n_type != type || n.n_namesz != strlen(name) + 1 ||
	    memcmp(data + name_at, name, n.n_namesz))
		return 0;
	*desc = (struct image){ data + desc_at, n.n_descsz };
	return 1;
}

int elf_file_note(const struct elf_file *elf, const char *name, uint32_t type, struct image *desc)
{
	struct elf_segment s;

	for (unsigned i = 0; i < elf->phnum; i++) {
		uint64_t pos = 0;

		if (elf_file_segment(elf, i, &s))
			return -EINVAL;
		while (s.type == PT_NOTE && pos < s.filesz) {
			int ret = match_note(elf->image.data + s.offset, s.filesz,
					     s.align == 8 ? 8 : 4, &pos, name, type, desc);

			if (ret)
				return ret;
		}
	}
	return 0;
}
