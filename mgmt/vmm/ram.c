// SPDX-License-Identifier: GPL-2.0-or-later
// The memory object is laid out in order of guest addresses: the offset of low memory is its
// address, and what does not fit below 3 GiB continues at 4 GiB. The object's bytes under the VGA
// hole are not mapped into the guest.

#include "vmm/ram.h"

#include "lib/types.h"

static void add_piece(struct guest_ram *ram, uint64_t gpa, uint64_t size, uint64_t offset)
{
	if (size)
		ram->pieces[ram->nr_pieces++] = (struct ram_piece){ gpa, size, offset };
}

void ram_init(struct guest_ram *ram, void *host, uint64_t size)
{
	uint64_t low = size < RAM_LOW_MAX ? size : RAM_LOW_MAX;

	ram->host = host;
	ram->size = size;
	ram->nr_pieces = 0;
	add_piece(ram, 0, RAM_VGA_START, 0);
	add_piece(ram, RAM_VGA_END, low - RAM_VGA_END, RAM_VGA_END);
	add_piece(ram, RAM_HIGH_START, size - low, low);
}

void *ram_ptr(const struct guest_ram *ram, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < ram->nr_pieces; i++) {
		const struct ram_piece *p = &ram->pieces[i];

		if (gpa >= p->gpa && gpa - p->gpa < p->size && len <= p->size - (gpa - p->gpa))
			return ram->host + p->offset + (gpa - p->gpa);
	}
	return NULL;
}

bool ram_is(const struct guest_ram *ram, uint64_t gpa)
{
	return ram_ptr(ram, gpa, 1) != NULL;
}

uint64_t ram_low_end(const struct guest_ram *ram)
{
	return ram->size < RAM_LOW_MAX ? ram->size : RAM_LOW_MAX;
}

uint64_t ram_high_size(const struct guest_ram *ram)
{
	return ram->size - ram_low_end(ram);
}
