// SPDX-License-Identifier: GPL-2.0-or-later
// The two entries. Firmware starts the image at its PE entry; a loader that has boot_params already
// calls the handover entry ("The Linux/x86 Boot Protocol", "EFI Handover Protocol"), with command
// line and initrd in them. Either way the kernel is copied out of the image to memory of its own:
// where the loader put the image, rights may be too narrow and .bss may not be free.
#include "boot/efi/stub.h"

#include "lib/string.h"

#define BELOW_4G       0xffffffffull
#define LOADER_EFI     0x21  /* type_of_loader: none that is registered; as EFI stubs say */
#define KERNEL_ENTRY   0x200 /* 64-bit entry, from the kernel's start */
#define HDR_OFFSET     0x1f1
#define HDR_END_JUMP   0x201      /* the jump's displacement: the header ends so far behind it */
#define EFI_SIG_64     0x34364c45 /* "EL64" */
#define SECTION_CMD    ".cmdline"
#define SECTION_INITRD ".initrd"

struct stub stub;

/* From the link (stub.ld): the image's start, the kernel within it. */
extern const uint8_t pe_start[], kernel_start[], kernel_end[];

efi_status EFIAPI stub_pe_entry(efi_handle image, struct efi_system_table *st);
efi_status stub_handover_entry(efi_handle image, struct efi_system_table *st,
			       const struct boot_params *bp);

static const struct efi_guid loaded_image_guid = EFI_LOADED_IMAGE_GUID;
static const struct efi_guid global_guid = EFI_GLOBAL_GUID;
static const struct efi_guid acpi_guids[] = { EFI_ACPI_20_GUID, EFI_ACPI_10_GUID };

static bool read_flag(const efi_char *name)
{
	uint8_t value = 0;
	uint64_t size = sizeof(value);

	return stub.st->runtime->get_variable(name, &global_guid, NULL, &size, &value) ==
		       EFI_SUCCESS &&
	       value == 1;
}

static bool secure_boot_on(void)
{
	static const efi_char name[] = { 'S', 'e', 'c', 'u', 'r', 'e', 'B', 'o', 'o', 't', 0 };
	static const efi_char setup[] = { 'S', 'e', 't', 'u', 'p', 'M', 'o', 'd', 'e', 0 };

	return read_flag(name) && !read_flag(setup);
}

static efi_status init(efi_handle image, struct efi_system_table *st, bool handover)
{
	void *loaded;
	efi_status rc;

	stub = (struct stub){ .st = st, .bs = st->boot, .image = image, .handover = handover };
	rc = stub.bs->handle_protocol(image, &loaded_image_guid, &loaded);
	if (rc != EFI_SUCCESS)
		return rc;
	stub.loaded = loaded;
	stub.secure_boot = secure_boot_on();
	return EFI_SUCCESS;
}

static uint64_t find_rsdp(void)
{
	for (unsigned int g = 0; g < ARRAY_SIZE(acpi_guids); g++) {
		for (uint64_t i = 0; i < stub.st->nr_tables; i++) {
			const struct efi_config_table *t = &stub.st->tables[i];

			if (memcmp(&t->guid, &acpi_guids[g], sizeof(t->guid)) == 0)
				return t->table;
		}
	}
	return 0;
}

/* The header as it stands in the image's first kilobyte. */
static void take_header(struct boot_params *bp)
{
	size_t size = HDR_END_JUMP + 1 + pe_start[HDR_END_JUMP] - HDR_OFFSET;

	memcpy(&bp->hdr, pe_start + HDR_OFFSET, MIN(size, sizeof(bp->hdr)));
	bp->hdr.type_of_loader = LOADER_EFI;
}

/* What all ways have in common: root pointer, system table. */
static void take_tables(struct boot_params *bp)
{
	if (bp->acpi_rsdp_addr == 0)
		bp->acpi_rsdp_addr = find_rsdp();
	bp->efi = (struct boot_efi_info){
		.loader_signature = EFI_SIG_64,
		.systab = (uint32_t)(uint64_t)stub.st,
		.systab_hi = (uint32_t)((uint64_t)stub.st >> 32),
	};
}

/*
 * The command line: load options, or the section's when there are none. Under Secure Boot a signed
 * line is not replaced by one that anybody may have set.
 */
static void take_cmdline(struct stub_handoff *h, struct stub_bytes section)
{
	size_t len = 0;

	if (section.size == 0 || !stub.secure_boot)
		len = stub_options(stub.loaded->load_options, stub.loaded->load_options_size,
				   h->cmdline, sizeof(h->cmdline));
	if (len == 0 && section.size != 0) {
		len = MIN(section.size, (uint64_t)sizeof(h->cmdline) - 1);
		memcpy(h->cmdline, section.data, len);
		h->cmdline[len] = '\0';
	}
	h->bp.hdr.cmd_line_ptr = (uint32_t)(uint64_t)h->cmdline;
}

static void put_initrd(struct boot_params *bp, struct stub_bytes initrd)
{
	bp->hdr.ramdisk_image = (uint32_t)(uint64_t)initrd.data;
	bp->ext_ramdisk_image = (uint32_t)((uint64_t)initrd.data >> 32);
	bp->hdr.ramdisk_size = (uint32_t)initrd.size;
	bp->ext_ramdisk_size = (uint32_t)(initrd.size >> 32);
}

static phys_t copy_kernel(const struct boot_params *bp)
{
	uint64_t size = (uint64_t)(kernel_end - kernel_start);
	uint8_t *to = stub_alloc(MAX(size, (uint64_t)bp->hdr.init_size), BELOW_4G);

	if (to != NULL)
		memcpy(to, kernel_start, size);
	return (phys_t)to;
}

static struct stub_handoff *make_handoff(void)
{
	struct stub_handoff *h = stub_alloc(sizeof(*h), BELOW_4G);

	if (h != NULL)
		memset(h, 0, sizeof(*h));
	return h;
}

static efi_status start_kernel(struct stub_handoff *h)
{
	phys_t kernel = copy_kernel(&h->bp);
	phys_t tables = stub_make_tables();
	efi_status rc;

	if (kernel == 0 || tables == 0)
		return stub_fail(EFI_OUT_OF_RESOURCES, "no memory below 4 GiB for the kernel");
	take_tables(&h->bp);
	rc = stub_exit_boot_services(h);
	if (rc != EFI_SUCCESS) {
		stub_console_gone(h->cmdline);
		stub_fail(rc, "the firmware does not let go (ExitBootServices: error %llu)",
			  (unsigned long long)(rc & 0xffff));
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	stub_jump(tables, kernel + KERNEL_ENTRY, &h->bp);
}

efi_status EFIAPI stub_pe_entry(efi_handle image, struct efi_system_table *st)
{
	struct stub_bytes cmdline, initrd;
	struct stub_handoff *h;
	efi_status rc = init(image, st, false);

	if (rc != EFI_SUCCESS)
		return rc;
	cmdline = stub_section(stub.loaded->image_base, stub.loaded->image_size, SECTION_CMD);
	initrd = stub_section(stub.loaded->image_base, stub.loaded->image_size, SECTION_INITRD);
	h = make_handoff();
	if (h == NULL)
		return EFI_OUT_OF_RESOURCES;
	take_header(&h->bp);
	take_cmdline(h, cmdline);
	stub_default_console(h->cmdline, BOOT_CMDLINE_MAX);
	stub_say_init(h->cmdline);
	rc = stub_load_initrd(h->cmdline, initrd, initrd.size != 0 && stub.secure_boot, &initrd);
	if (rc != EFI_SUCCESS)
		return rc;
	put_initrd(&h->bp, initrd);
	return start_kernel(h);
}

/* The loader's line, which may lie above 4 GiB. */
static void copy_line(struct stub_handoff *h)
{
	const char *line =
		(const char *)(h->bp.hdr.cmd_line_ptr | (uint64_t)h->bp.ext_cmd_line_ptr << 32);

	if (line != NULL)
		str_copy(h->cmdline, line, sizeof(h->cmdline));
	h->bp.hdr.cmd_line_ptr = (uint32_t)(uint64_t)h->cmdline;
	h->bp.ext_cmd_line_ptr = 0;
}

efi_status stub_handover_entry(efi_handle image, struct efi_system_table *st,
			       const struct boot_params *bp)
{
	struct stub_bytes initrd;
	struct stub_handoff *h;
	efi_status rc = init(image, st, true);

	if (rc != EFI_SUCCESS)
		return rc;
	h = make_handoff();
	if (h == NULL)
		return EFI_OUT_OF_RESOURCES;
	h->bp = *bp;
	if (bp->sentinel != 0)
		h->bp.ext_ramdisk_image = h->bp.ext_ramdisk_size = h->bp.ext_cmd_line_ptr = 0;
	h->bp.sentinel = 0;
	h->bp.e820_entries = 0;
	copy_line(h);
	stub_default_console(h->cmdline, BOOT_CMDLINE_MAX);
	stub_say_init(h->cmdline);
	if (h->bp.hdr.ramdisk_size == 0 && h->bp.ext_ramdisk_size == 0) {
		rc = stub_load_initrd(h->cmdline, (struct stub_bytes){ NULL, 0 }, false, &initrd);
		if (rc != EFI_SUCCESS)
			return rc;
		put_initrd(&h->bp, initrd);
	}
	return start_kernel(h);
}
