// SPDX-License-Identifier: GPL-2.0-or-later
// The map's key is stale as soon as anyone allocates, and firmware's own handlers of the exit event
// may: then the map is fetched and the exit tried again. After the first try no memory may be
// allocated, so the buffer has room to spare from the start.
#include "boot/efi/stub.h"
#include "lib/string.h"

#define SPARE_ENTRIES 64
#define TRIES         8

struct map {
	void *data;
	uint64_t room, size, key, entry_size;
};

static efi_status get_map(struct map *m)
{
	uint32_t version;

	m->size = m->room;
	return stub.bs->get_memory_map(&m->size, m->data, &m->key, &m->entry_size, &version);
}

/* Asks for the size, then allocates with room to spare (the allocation itself splits entries). */
static efi_status make_room(struct map *m)
{
	efi_status rc;

	*m = (struct map){ .entry_size = sizeof(struct efi_mem) };
	rc = get_map(m);
	if (rc != EFI_BUFFER_TOO_SMALL || m->entry_size < sizeof(struct efi_mem))
		return EFI_LOAD_ERROR;
	m->room = m->size + SPARE_ENTRIES * m->entry_size;
	m->data = stub_alloc(m->room, 0);
	return m->data != NULL ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
}

static bool fill_e820(struct stub_handoff *h, const struct map *m)
{
	static struct boot_e820_entry all[STUB_E820_MAX];
	unsigned int nr = stub_e820(m->data, m->size, m->entry_size, all, STUB_E820_MAX);
	unsigned int first = MIN(nr, (unsigned int)BOOT_E820_MAX);

	memcpy(h->bp.e820_table, all, first * sizeof(all[0]));
	h->bp.e820_entries = (uint8_t)first;
	if (nr > first) {
		h->more = (struct boot_setup_data){
			.next = h->bp.hdr.setup_data,
			.type = BOOT_SETUP_E820_EXT,
			.len = (uint32_t)((nr - first) * sizeof(all[0])),
		};
		memcpy(h->more_e820, all + first, h->more.len);
		h->bp.hdr.setup_data = (uint64_t)&h->more;
	}
	return nr != 0;
}

efi_status stub_exit_boot_services(struct stub_handoff *h)
{
	struct map m;
	efi_status rc = make_room(&m);

	if (rc != EFI_SUCCESS)
		return stub_fail(rc, "the firmware tells no memory map");
	for (unsigned int i = 0; i < TRIES; i++) {
		rc = get_map(&m);
		if (rc != EFI_SUCCESS)
			return rc;
		rc = stub.bs->exit_boot_services(stub.image, m.key);
		if (rc == EFI_SUCCESS)
			return fill_e820(h, &m) ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
		if (rc != EFI_INVALID_PARAMETER)
			return rc;
	}
	return rc;
}
