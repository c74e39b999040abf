// SPDX-License-Identifier: GPL-2.0-or-later
// Every access opens the volume and the file anew: nothing has to be remembered or closed later.
#include "boot/efi/files.h"

#include "lib/string.h"

#define NAME_MAX 256
#define CHUNK    MiB(4)

static const struct efi_guid file_system_guid = EFI_FILE_SYSTEM_GUID;
static const struct efi_guid file_info_guid = EFI_FILE_INFO_GUID;

static bool to_path(const char *name, size_t len, efi_char path[NAME_MAX])
{
	if (len >= NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		path[i] = name[i] == '/' ? '\\' : (efi_char)(unsigned char)name[i];
	path[len] = 0;
	return true;
}

static efi_status fail(efi_status rc, const char *name, size_t len, const char *what)
{
	return stub_fail(rc, "initrd=%.*s: %s (error %llu)", (int)MIN(len, (size_t)80), name, what,
			 (unsigned long long)(rc & 0xffff));
}

static efi_status open_root(struct efi_file **root)
{
	struct efi_file_system *fs;
	void *interface;
	efi_status rc = EFI_NOT_FOUND;

	if (stub.loaded->device != NULL)
		rc = stub.bs->handle_protocol(stub.loaded->device, &file_system_guid, &interface);
	if (rc != EFI_SUCCESS)
		return rc;
	fs = interface;
	return fs->open_volume(fs, root);
}

static efi_status open_file(const char *name, size_t len, struct efi_file **file)
{
	efi_char path[NAME_MAX];
	struct efi_file *root;
	efi_status rc;

	if (!to_path(name, len, path))
		return fail(EFI_INVALID_PARAMETER, name, len, "the name is too long");
	rc = open_root(&root);
	if (rc != EFI_SUCCESS)
		return fail(rc, name, len, "the image came from a device without a file system");
	rc = root->open(root, file, path, EFI_FILE_MODE_READ, 0);
	root->close(root);
	if (rc != EFI_SUCCESS)
		return fail(rc, name, len, "no such file beside the image");
	return EFI_SUCCESS;
}

efi_status stub_file_size(const char *name, size_t len, uint64_t *size)
{
	static struct efi_file_info info;
	uint64_t info_size = sizeof(info);
	struct efi_file *file;
	efi_status rc = open_file(name, len, &file);

	if (rc != EFI_SUCCESS)
		return rc;
	rc = file->get_info(file, &file_info_guid, &info_size, &info);
	file->close(file);
	if (rc != EFI_SUCCESS)
		return fail(rc, name, len, "the firmware does not tell its size");
	if ((info.attribute & EFI_FILE_DIRECTORY) != 0)
		return fail(EFI_LOAD_ERROR, name, len, "is a directory, a file was expected");
	*size = info.file_size;
	return EFI_SUCCESS;
}

static void show_progress(const char *name, size_t len, uint64_t done, uint64_t size)
{
	if (size >= STUB_SHOW_FROM)
		stub_sayf("strata: %.*s: %llu of %llu MiB%s", (int)MIN(len, (size_t)80), name,
			  (unsigned long long)(done >> 20), (unsigned long long)(size >> 20),
			  done == size ? "\n" : "\r");
}

efi_status stub_file_read(const char *name, size_t len, uint8_t *data, uint64_t *size)
{
	struct efi_file *file;
	uint64_t done = 0;
	efi_status rc = open_file(name, len, &file);

	if (rc != EFI_SUCCESS)
		return rc;
	while (done < *size) {
		uint64_t piece = MIN(CHUNK, *size - done);

		rc = file->read(file, &piece, data + done);
		if (rc != EFI_SUCCESS || piece == 0)
			break;
		done += piece;
		show_progress(name, len, done, *size);
	}
	file->close(file);
	*size = done;
	return rc == EFI_SUCCESS ? rc : fail(rc, name, len, "cannot be read to its end");
}
