/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables as they stand in memory ("ACPI Specification", chapter "ACPI Software Programming
 * Model"; "PCI Firmware Specification" for MCFG; "IA-PC HPET Specification"). Little endian,
 * packed.
 */
#pragma once

#include "drivers/acpi/acpi.h"

/* "Root System Description Pointer". */
struct acpi_rsdp {
	char signature[8]; /* "RSD PTR " */
	uint8_t checksum;  /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision; /* 0: ends here; 2: the rest is there */
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t ext_checksum;
	uint8_t reserved[3];
} __packed;
static_assert_size(struct acpi_rsdp, 36);
#define ACPI_RSDP_V1_SIZE 20

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} __packed;
static_assert_size(struct acpi_header, 36);

struct acpi_raw_gas {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __packed;
static_assert_size(struct acpi_raw_gas, 12);

/* "Multiple APIC Description Table". */
struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_address;
	uint32_t flags;
} __packed;
#define ACPI_MADT_PCAT_COMPAT 0x1

/* Interrupt controller structures, and those of the SRAT, begin with these two. */
struct acpi_sub {
	uint8_t type;
	uint8_t length;
} __packed;

enum acpi_madt_type {
	ACPI_MADT_LAPIC = 0,
	ACPI_MADT_IOAPIC = 1,
	ACPI_MADT_OVERRIDE = 2,
	ACPI_MADT_LAPIC_NMI = 4,
	ACPI_MADT_LAPIC_ADDRESS = 5,
	ACPI_MADT_X2APIC = 9,
	ACPI_MADT_X2APIC_NMI = 10,
};

struct acpi_madt_lapic {
	struct acpi_sub sub;
	uint8_t uid;
	uint8_t apic_id;
	uint32_t flags;
} __packed;
static_assert_size(struct acpi_madt_lapic, 8);
#define ACPI_MADT_ENABLED 0x1

struct acpi_madt_ioapic {
	struct acpi_sub sub;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __packed;
static_assert_size(struct acpi_madt_ioapic, 12);

struct acpi_madt_override {
	struct acpi_sub sub;
	uint8_t bus;
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} __packed;
static_assert_size(struct acpi_madt_override, 10);

struct acpi_madt_lapic_nmi {
	struct acpi_sub sub;
	uint8_t uid;
	uint16_t flags;
	uint8_t lint;
} __packed;
static_assert_size(struct acpi_madt_lapic_nmi, 6);

struct acpi_madt_lapic_address {
	struct acpi_sub sub;
	uint16_t reserved;
	uint64_t address;
} __packed;
static_assert_size(struct acpi_madt_lapic_address, 12);

struct acpi_madt_x2apic {
	struct acpi_sub sub;
	uint16_t reserved;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t uid;
} __packed;
static_assert_size(struct acpi_madt_x2apic, 16);

struct acpi_madt_x2apic_nmi {
	struct acpi_sub sub;
	uint16_t flags;
	uint32_t uid;
	uint8_t lint;
	uint8_t reserved[3];
} __packed;
static_assert_size(struct acpi_madt_x2apic_nmi, 12);

/* "System Resource Affinity Table". */
struct acpi_srat {
	struct acpi_header header;
	uint32_t reserved1;
	uint64_t reserved2;
} __packed;
static_assert_size(struct acpi_srat, 48);

enum acpi_srat_type {
	ACPI_SRAT_LAPIC = 0,
	ACPI_SRAT_MEMORY = 1,
	ACPI_SRAT_X2APIC = 2
};
#define ACPI_SRAT_ENABLED 0x1

struct acpi_srat_lapic {
	struct acpi_sub sub;
	uint8_t domain_low;
	uint8_t apic_id;
	uint32_t flags;
	uint8_t sapic_eid;
	uint8_t domain_high[3];
	uint32_t clock_domain;
} __packed;
static_assert_size(struct acpi_srat_lapic, 16);

struct acpi_srat_memory {
	struct acpi_sub sub;
	uint32_t domain;
	uint16_t reserved1;
	uint64_t base;
	uint64_t size;
	uint32_t reserved2;
	uint32_t flags;
	uint64_t reserved3;
} __packed;
static_assert_size(struct acpi_srat_memory, 40);

struct acpi_srat_x2apic {
	struct acpi_sub sub;
	uint16_t reserved1;
	uint32_t domain;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t clock_domain;
	uint32_t reserved2;
} __packed;
static_assert_size(struct acpi_srat_x2apic, 24);

/* "PCI Express memory mapped configuration space base address description table". */
struct acpi_raw_mcfg_entry {
	uint64_t base;
	uint16_t segment;
	uint8_t bus_first;
	uint8_t bus_last;
	uint32_t reserved;
} __packed;
static_assert_size(struct acpi_raw_mcfg_entry, 16);

struct acpi_raw_mcfg {
	struct acpi_header header;
	uint64_t reserved;
} __packed;

struct acpi_hpet {
	struct acpi_header header;
	uint32_t block_id;
	struct acpi_raw_gas address;
	uint8_t number;
	uint16_t min_tick;
	uint8_t protection;
} __packed;
static_assert_size(struct acpi_hpet, 56);

/* "Serial Port Console Redirection Table", revision 1 and what later ones begin with. */
struct acpi_raw_spcr {
	struct acpi_header header;
	uint8_t interface;
	uint8_t reserved1[3];
	struct acpi_raw_gas base;
	uint8_t interrupt_type;
	uint8_t irq;
	uint32_t gsi;
	uint8_t baud;
	uint8_t parity;
	uint8_t stop_bits;
	uint8_t flow_control;
	uint8_t terminal_type;
	uint8_t language;
	uint16_t pci_device;
	uint16_t pci_vendor;
	uint8_t pci_bus;
	uint8_t pci_slot;
	uint8_t pci_function;
	uint32_t pci_flags;
	uint8_t pci_segment;
	uint32_t clock;
} __packed;
static_assert_size(struct acpi_raw_spcr, 80);
static_assert_offset(struct acpi_raw_spcr, base, 40);
static_assert_offset(struct acpi_raw_spcr, baud, 58);
#define ACPI_SPCR_16550     0x00
#define ACPI_SPCR_16450     0x01
#define ACPI_SPCR_16550_GAS 0x12
#define ACPI_SPCR_NOT_PCI   0xffff /* of pci_vendor and pci_device */

/* "Fixed ACPI Description Table". Older revisions end early: what is missing reads as 0. */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved1;
	uint8_t pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_req;
	uint8_t pstate_cnt;
	uint32_t pm1a_evt_blk;
	uint32_t pm1b_evt_blk;
	uint32_t pm1a_cnt_blk;
	uint32_t pm1b_cnt_blk;
	uint32_t pm2_cnt_blk;
	uint32_t pm_tmr_blk;
	uint32_t gpe0_blk;
	uint32_t gpe1_blk;
	uint8_t pm1_evt_len;
	uint8_t pm1_cnt_len;
	uint8_t pm2_cnt_len;
	uint8_t pm_tmr_len;
	uint8_t gpe0_blk_len;
	uint8_t gpe1_blk_len;
	uint8_t gpe1_base;
	uint8_t cst_cnt;
	uint16_t p_lvl2_lat;
	uint16_t p_lvl3_lat;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alarm;
	uint8_t month_alarm;
	uint8_t century;
	uint16_t iapc_boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct acpi_raw_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct acpi_raw_gas x_pm1a_evt_blk;
	struct acpi_raw_gas x_pm1b_evt_blk;
	struct acpi_raw_gas x_pm1a_cnt_blk;
	struct acpi_raw_gas x_pm1b_cnt_blk;
	struct acpi_raw_gas x_pm2_cnt_blk;
	struct acpi_raw_gas x_pm_tmr_blk;
	struct acpi_raw_gas x_gpe0_blk;
	struct acpi_raw_gas x_gpe1_blk;
	struct acpi_raw_gas sleep_control;
	struct acpi_raw_gas sleep_status;
	uint64_t hypervisor_vendor;
} __packed;
static_assert_size(struct acpi_fadt, 276);
static_assert_offset(struct acpi_fadt, flags, 112);
static_assert_offset(struct acpi_fadt, x_dsdt, 140);
#define ACPI_FADT_V1_SIZE     116
#define ACPI_FADT_TMR_VAL_EXT (1u << 8)
#define ACPI_FADT_RESET_REG   (1u << 10)
#define ACPI_FADT_HW_REDUCED  (1u << 20)
#define ACPI_FADT_BOOT_8042   (1u << 1)

/* ---- the parsers of single tables; each gets the whole table, checked for length and checksum
 * ---- */

void acpi_parse_madt(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info);
/* After the MADT: it adds the domains to the CPUs. */
void acpi_parse_srat(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info);
void acpi_parse_mcfg(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info);
void acpi_parse_hpet(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info);
void acpi_parse_spcr(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_spcr *out);

static inline bool acpi_spcr_used(const struct acpi_spcr *s)
{
	return s->port != 0 || s->memory != 0;
}
/* *dsdt is where the DSDT lies, 0: nowhere. */
void acpi_parse_fadt(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info, phys_t *dsdt);
/* Looks for \_S5 in a DSDT or SSDT. */
void acpi_parse_s5(const void *table, uint32_t len, struct acpi_info *info);

/* The structures behind a table's fixed part, one after the other; NULL: no more (or a bad length).
 */
const struct acpi_sub *acpi_next_sub(const void *table, uint32_t len, uint32_t *at);

/* Sum of all bytes is 0. */
bool acpi_checksum_ok(const void *p, size_t len);
