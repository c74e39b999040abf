/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the UEFI interface that the stub uses, as the UEFI specification lays it out (the
 * section that defines a structure is named beside it). Services that we never call are counted in
 * arrays of pointers. Calls follow Microsoft's convention (EFIAPI) and are valid until
 * ExitBootServices only. No state; compiles on the host as well, where tests play the firmware.
 */
#pragma once

#include "lib/types.h"

#define EFIAPI __attribute__((ms_abi))

typedef uint64_t efi_status;
typedef void *efi_handle;
typedef uint16_t efi_char; /* UCS-2 */

/* "Status Codes" */
#define EFI_SUCCESS           0ull
#define EFI_ERROR(n)          ((1ull << 63) | (n))
#define EFI_LOAD_ERROR        EFI_ERROR(1)
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_UNSUPPORTED       EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL  EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES  EFI_ERROR(9)
#define EFI_NOT_FOUND         EFI_ERROR(14)

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};
static_assert_size(struct efi_guid, 16);

/* "EFI_BOOT_SERVICES.GetMemoryMap()" */
struct efi_mem {
	uint32_t type; /* enum efi_mem_type, or an OEM's */
	uint32_t pad;
	uint64_t physical_start;
	uint64_t virtual_start;
	uint64_t number_of_pages; /* of 4 KiB */
	uint64_t attribute;
};
static_assert_size(struct efi_mem, 40);
#define EFI_MEMORY_SP 0x40000ull /* meant for a special purpose, not for us */

enum efi_mem_type {
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_SERVICES_CODE = 3,
	EFI_BOOT_SERVICES_DATA = 4,
	EFI_CONVENTIONAL = 7,
	EFI_UNUSABLE = 8,
	EFI_ACPI_RECLAIM = 9,
	EFI_ACPI_NVS = 10,
	EFI_PERSISTENT = 14,
};

enum efi_allocate_type {
	EFI_ALLOCATE_ANY = 0,
	EFI_ALLOCATE_MAX_ADDRESS = 1,
};

/* "EFI Boot Services Table" */
struct efi_boot_services {
	uint8_t header[24];
	void *tpl[2];
	efi_status(EFIAPI *allocate_pages)(uint32_t how, uint32_t type, uint64_t pages,
					   uint64_t *address);
	efi_status(EFIAPI *free_pages)(uint64_t address, uint64_t pages);
	efi_status(EFIAPI *get_memory_map)(uint64_t *size, void *map, uint64_t *key,
					   uint64_t *entry_size, uint32_t *entry_version);
	void *pool_and_events[11];
	efi_status(EFIAPI *handle_protocol)(efi_handle handle, const struct efi_guid *protocol,
					    void **interface);
	void *reserved[3];
	efi_status(EFIAPI *locate_device_path)(const struct efi_guid *protocol, const void **path,
					       efi_handle *handle);
	void *images[5];
	efi_status(EFIAPI *exit_boot_services)(efi_handle image, uint64_t map_key);
};
static_assert_offset(struct efi_boot_services, allocate_pages, 40);
static_assert_offset(struct efi_boot_services, get_memory_map, 56);
static_assert_offset(struct efi_boot_services, handle_protocol, 152);
static_assert_offset(struct efi_boot_services, locate_device_path, 184);
static_assert_offset(struct efi_boot_services, exit_boot_services, 232);

/* "EFI Runtime Services Table" */
struct efi_runtime_services {
	uint8_t header[24];
	void *time_and_map[6];
	efi_status(EFIAPI *get_variable)(const efi_char *name, const struct efi_guid *vendor,
					 uint32_t *attributes, uint64_t *size, void *data);
};
static_assert_offset(struct efi_runtime_services, get_variable, 72);

/* "Simple Text Output Protocol" */
struct efi_text_output {
	void *reset;
	efi_status(EFIAPI *output_string)(struct efi_text_output *self, const efi_char *text);
};

struct efi_config_table {
	struct efi_guid guid;
	uint64_t table;
};

/* "EFI System Table" */
struct efi_system_table {
	uint8_t header[24];
	const efi_char *firmware_vendor;
	uint32_t firmware_revision;
	efi_handle console_in_handle;
	void *con_in;
	efi_handle console_out_handle;
	struct efi_text_output *con_out; /* may be NULL on a machine without a console */
	efi_handle standard_error_handle;
	void *std_err;
	struct efi_runtime_services *runtime;
	struct efi_boot_services *boot;
	uint64_t nr_tables;
	const struct efi_config_table *tables;
};
static_assert_offset(struct efi_system_table, con_out, 64);
static_assert_offset(struct efi_system_table, nr_tables, 104);

/* "EFI Loaded Image Protocol" */
struct efi_loaded_image {
	uint32_t revision;
	efi_handle parent;
	struct efi_system_table *system_table;
	efi_handle device; /* where the image came from; may be NULL */
	void *file_path;
	void *reserved;
	uint32_t load_options_size; /* bytes */
	const void *load_options;
	const void *image_base;
	uint64_t image_size;
};
static_assert_offset(struct efi_loaded_image, image_base, 64);
#define EFI_LOADED_IMAGE_GUID                                          \
	{                                                              \
		0x5b1b31a1, 0x9562, 0x11d2,                            \
		{                                                      \
			0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b \
		}                                                      \
	}

/* "File Protocol" */
struct efi_file {
	uint64_t revision;
	efi_status(EFIAPI *open)(struct efi_file *dir, struct efi_file **file, const efi_char *name,
				 uint64_t mode, uint64_t attributes);
	efi_status(EFIAPI *close)(struct efi_file *file);
	void *delete;
	efi_status(EFIAPI *read)(struct efi_file *file, uint64_t *size, void *data);
	void *write_and_position[3];
	efi_status(EFIAPI *get_info)(struct efi_file *file, const struct efi_guid *type,
				     uint64_t *size, void *info);
};
static_assert_offset(struct efi_file, get_info, 64);
#define EFI_FILE_MODE_READ 1ull

/* "EFI_FILE_INFO", with room for the longest name that FAT has */
struct efi_file_info {
	uint64_t size;
	uint64_t file_size;
	uint64_t physical_size;
	uint8_t times[48];
	uint64_t attribute;
	efi_char name[256];
};
static_assert_offset(struct efi_file_info, name, 80);
#define EFI_FILE_DIRECTORY 0x10ull
#define EFI_FILE_INFO_GUID                                             \
	{                                                              \
		0x09576e92, 0x6d3f, 0x11d2,                            \
		{                                                      \
			0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b \
		}                                                      \
	}

/* "Simple File System Protocol" */
struct efi_file_system {
	uint64_t revision;
	efi_status(EFIAPI *open_volume)(struct efi_file_system *self, struct efi_file **root);
};
#define EFI_FILE_SYSTEM_GUID                                           \
	{                                                              \
		0x964e5b22, 0x6459, 0x11d2,                            \
		{                                                      \
			0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b \
		}                                                      \
	}

/* "Load File 2 Protocol" */
struct efi_load_file2 {
	efi_status(EFIAPI *load_file)(struct efi_load_file2 *self, const void *path,
				      bool boot_policy, uint64_t *size, void *buffer);
};
#define EFI_LOAD_FILE2_GUID                                            \
	{                                                              \
		0x4006c0c1, 0xfcb3, 0x403e,                            \
		{                                                      \
			0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d \
		}                                                      \
	}
/* The vendor media path under which a loader offers Linux' initrd, and thus ours. */
#define EFI_INITRD_MEDIA_GUID                                          \
	{                                                              \
		0x5568e427, 0x68fc, 0x4f3d,                            \
		{                                                      \
			0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68 \
		}                                                      \
	}

/* "Device Path Protocol" */
struct efi_path_node {
	uint8_t type, subtype;
	uint16_t length; /* bytes, with this header */
} __packed;
#define EFI_PATH_ACPI           2
#define EFI_PATH_ACPI_ID        1
#define EFI_PATH_MESSAGING      3
#define EFI_PATH_MESSAGING_UART 14
#define EFI_PATH_MEDIA          4
#define EFI_PATH_MEDIA_VENDOR   3
#define EFI_PATH_END            0x7f
#define EFI_PATH_END_ALL        0xff

/* "ACPI Device Path" */
struct efi_path_acpi {
	struct efi_path_node head;
	uint32_t hid; /* a compressed EISA id */
	uint32_t uid;
} __packed;
static_assert_size(struct efi_path_acpi, 12);

/* "UART Device Path" */
struct efi_path_uart {
	struct efi_path_node head;
	uint32_t reserved;
	uint64_t baud;
	uint8_t data_bits, parity, stop_bits;
} __packed;
static_assert_size(struct efi_path_uart, 19);

/* "Globally Defined Variables" */
#define EFI_GLOBAL_GUID                                                \
	{                                                              \
		0x8be4df61, 0x93ca, 0x11d2,                            \
		{                                                      \
			0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c \
		}                                                      \
	}

#define EFI_ACPI_20_GUID                                               \
	{                                                              \
		0x8868e871, 0xe4f1, 0x11d3,                            \
		{                                                      \
			0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 \
		}                                                      \
	}
#define EFI_ACPI_10_GUID                                               \
	{                                                              \
		0xeb9d2d30, 0x2d88, 0x11d3,                            \
		{                                                      \
			0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d \
		}                                                      \
	}
