// SPDX-License-Identifier: GPL-2.0-or-later
// Two passes over the same sources: the first adds up their sizes, the second reads. A file that
// grew in between is read up to the size it had.
#include "boot/efi/files.h"
#include "boot/efi/stub.h"
#include "lib/cmdline.h"
#include "lib/string.h"

#define PART_ALIGN 4ull

static const struct efi_guid load_file2_guid = EFI_LOAD_FILE2_GUID;

/* The device path under which loaders offer the initrd: one vendor node and the end. */
static const struct {
	struct efi_path_node vendor;
	struct efi_guid guid;
	struct efi_path_node end;
} __packed initrd_path = {
	{ EFI_PATH_MEDIA, EFI_PATH_MEDIA_VENDOR, sizeof(struct efi_path_node) + 16 },
	EFI_INITRD_MEDIA_GUID,
	{ EFI_PATH_END, EFI_PATH_END_ALL, sizeof(struct efi_path_node) },
};

/* The whole of what is being put together. */
struct build {
	uint8_t *data;
	uint64_t size, room;
};

static void add_bytes(struct build *b, struct stub_bytes part)
{
	if (part.size > 0)
		memcpy(b->data + b->size, part.data, part.size);
	b->size += part.size;
}

static void pad(struct build *b)
{
	uint64_t end = ALIGN_UP(b->size, PART_ALIGN);

	memset(b->data + b->size, 0, end - b->size);
	b->size = end;
}

static struct efi_load_file2 *find_load_file2(void)
{
	const void *path = &initrd_path;
	void *interface;
	efi_handle handle;

	if (stub.bs->locate_device_path(&load_file2_guid, &path, &handle) != EFI_SUCCESS)
		return NULL;
	if (stub.bs->handle_protocol(handle, &load_file2_guid, &interface) != EFI_SUCCESS)
		return NULL;
	return interface;
}

/* How much the loader offers; 0: nothing. */
static uint64_t load_file2_size(struct efi_load_file2 *lf)
{
	uint64_t size = 0;
	efi_status rc = lf->load_file(lf, &initrd_path.end, false, &size, NULL);

	return rc == EFI_BUFFER_TOO_SMALL ? size : 0;
}

static efi_status add_load_file2(struct build *b, struct efi_load_file2 *lf, uint64_t size)
{
	efi_status rc;

	if (size >= STUB_SHOW_FROM) /* one call: how far it is nobody knows */
		stub_sayf("strata: the loader's initrd (LoadFile2): %llu MiB\n",
			  (unsigned long long)(size >> 20));
	rc = lf->load_file(lf, &initrd_path.end, false, &size, b->data + b->size);
	if (rc != EFI_SUCCESS)
		return stub_fail(rc, "the loader's initrd (LoadFile2) cannot be read: error %#llx",
				 (unsigned long long)rc);
	b->size += size;
	pad(b);
	return EFI_SUCCESS;
}

static bool is_initrd(const struct cmdline_word *w)
{
	return w->name_len == 6 && memcmp(w->name, "initrd", 6) == 0 && w->value_len > 0;
}

/* The sizes of all initrd= files, padded. */
static efi_status measure_files(const char *cmdline, uint64_t *total)
{
	struct cmdline_word w;

	while (cmdline_next(&cmdline, &w)) {
		uint64_t size;
		efi_status rc;

		if (!is_initrd(&w))
			continue;
		rc = stub_file_size(w.value, w.value_len, &size);
		if (rc != EFI_SUCCESS)
			return rc;
		if (size > UINT64_MAX / 2 - *total)
			return stub_fail(EFI_LOAD_ERROR, "initrd= files are impossibly large");
		*total += ALIGN_UP(size, PART_ALIGN);
	}
	return EFI_SUCCESS;
}

static efi_status add_files(struct build *b, const char *cmdline)
{
	struct cmdline_word w;

	while (cmdline_next(&cmdline, &w)) {
		uint64_t size = b->room - b->size;
		efi_status rc;

		if (!is_initrd(&w))
			continue;
		rc = stub_file_read(w.value, w.value_len, b->data + b->size, &size);
		if (rc != EFI_SUCCESS)
			return rc;
		b->size += size;
		pad(b);
	}
	return EFI_SUCCESS;
}

efi_status stub_load_initrd(const char *cmdline, struct stub_bytes section, bool section_only,
			    struct stub_bytes *out)
{
	struct efi_load_file2 *lf = section_only ? NULL : find_load_file2();
	uint64_t offered = lf != NULL ? load_file2_size(lf) : 0;
	struct build b = { .room = ALIGN_UP(section.size, PART_ALIGN) };
	efi_status rc = EFI_SUCCESS;

	*out = (struct stub_bytes){ NULL, 0 };
	if (offered > UINT64_MAX / 4)
		return stub_fail(EFI_LOAD_ERROR, "the loader's initrd is impossibly large");
	b.room += ALIGN_UP(offered, PART_ALIGN);
	if (offered == 0 && !section_only)
		rc = measure_files(cmdline, &b.room);
	if (rc != EFI_SUCCESS || b.room == 0)
		return rc;
	b.data = stub_alloc(b.room, 0);
	if (b.data == NULL)
		return stub_fail(EFI_OUT_OF_RESOURCES, "no memory for an initrd of %llu KiB",
				 (unsigned long long)b.room >> 10);
	add_bytes(&b, section);
	pad(&b);
	if (offered != 0)
		rc = add_load_file2(&b, lf, offered);
	else if (!section_only)
		rc = add_files(&b, cmdline);
	if (rc != EFI_SUCCESS) {
		stub_free(b.data, b.room);
		return rc;
	}
	*out = (struct stub_bytes){ b.data, b.size };
	return EFI_SUCCESS;
}
