// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzz target: the ELF reader on any bytes. Touches every byte of each segment and note that it
// accepts, so that the sanitizer sees a length that leads out of the range.
#include "lib/elf.h"

static volatile uint8_t sum;

static void touch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
}

static void touch_notes(const struct elf_image *img, const struct elf64_phdr *ph)
{
	struct elf_note_iter it;
	struct elf_note note;

	elf_notes_init(&it, img, ph);
	while (elf_note_next(&it, &note) == 1) {
		touch(note.name, note.name_size);
		touch(note.desc, note.desc_size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image img;
	struct elf64_phdr ph;

	if (elf_open(&img, data, size) != 0)
		return 0;
	for (unsigned int i = 0; i < img.hdr.e_phnum; i++) {
		if (elf_phdr(&img, i, &ph) != 0)
			continue;
		touch(data + ph.p_offset, ph.p_filesz);
		if (ph.p_type == ELF_PT_NOTE)
			touch_notes(&img, &ph);
	}
	return 0;
}
