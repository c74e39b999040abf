// SPDX-License-Identifier: GPL-2.0-or-later
// Tables are laid out one after the other, each at a multiple of 64 bytes, and pointed to by the
// XSDT; the RSDP comes first, where a scan of the BIOS area finds it.

#include "vmm/acpi/tables.h"

#include <stdlib.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/acpi/aml.h"
#include "vmm/dev/pm.h"

#define LAPIC_ADDRESS  0xfee00000u
#define IOAPIC_ADDRESS 0xfec00000u
#define DSDT_MAX       0x8000

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct header) == 36, "System Description Table Header");

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct rsdp) == 36, "Root System Description Pointer");

struct address { /* Generic Address Structure */
	uint8_t space, bits, offset, access;
	uint64_t address;
} __attribute__((packed));

struct fadt {
	struct header header;
	uint32_t facs, dsdt;
	uint8_t reserved0, pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base,
		cst_cnt;
	uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t iapc_boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct address reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct address x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0,
		x_gpe1, sleep_control, sleep_status;
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 268, "FADT of ACPI 5.1");

#define FADT_WBINVD      (1u << 0)
#define FADT_PROC_C1     (1u << 2)
#define FADT_SLP_BUTTON  (1u << 5) /* no fixed sleep button */
#define FADT_FIX_RTC     (1u << 6) /* RTC wake is not in fixed registers */
#define FADT_TMR_VAL_EXT (1u << 8)
#define FADT_RESET_REG   (1u << 10)
#define BOOT_LEGACY      (1u << 0)
#define BOOT_NO_VGA      (1u << 2)

struct facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[31];
} __attribute__((packed));
_Static_assert(sizeof(struct facs) == 64, "Firmware ACPI Control Structure");

struct madt {
	struct header header;
	uint32_t lapic, flags;
} __attribute__((packed));
struct madt_lapic {
	uint8_t type, length, uid, id;
	uint32_t flags;
} __attribute__((packed));
struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t id, flags, uid;
} __attribute__((packed));
struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));
struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));
struct madt_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

struct mcfg {
	struct header header;
	uint8_t reserved[8];
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} __attribute__((packed));

struct layout {
	const struct guest_ram *ram;
	uint64_t next; /* free guest-physical address */
	uint64_t tables[4];
	unsigned nr_tables;
	bool full;
};

static uint8_t checksum(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (n--)
		sum += *p++;
	return (uint8_t)-sum;
}

/* Copies a table into guest memory; its address. */
static uint64_t put(struct layout *l, const void *table, size_t size)
{
	uint64_t at = ALIGN_UP(l->next, 64);

	if (at + size > ACPI_BASE + ACPI_SIZE) {
		l->full = true;
		return 0;
	}
	memcpy(ram_ptr(l->ram, at, size), table, size);
	l->next = at + size;
	return at;
}

static uint64_t put_table(struct layout *l, struct header *h, const char *signature,
			  uint8_t revision, size_t size)
{
	memcpy(h->signature, signature, 4);
	h->length = (uint32_t)size;
	h->revision = revision;
	memcpy(h->oem_id, "STRATA", 6);
	memcpy(h->oem_table_id, "STRATAVM", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "STRA", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = checksum(h, size);
	return put(l, h, size);
}

static void list_table(struct layout *l, uint64_t at)
{
	l->tables[l->nr_tables++] = at;
}

static uint64_t put_dsdt(struct layout *l, const struct vm_config *config)
{
	uint8_t *buffer = calloc(1, DSDT_MAX);
	struct aml aml = { .data = buffer, .size = sizeof(struct header), .room = DSDT_MAX };
	uint64_t at = 0;

	if (buffer)
		acpi_dsdt(&aml, config);
	if (!buffer || aml.overflow)
		l->full = true;
	else
		at = put_table(l, (struct header *)buffer, "DSDT", 2, aml.size);
	free(buffer);
	return at;
}

static struct address port_register(uint16_t port, uint8_t bytes)
{
	return (struct address){ .space = 1,
				 .bits = (uint8_t)(bytes * 8),
				 .access = bytes == 1   ? 1
					   : bytes == 2 ? 2
							: 3,
				 .address = port };
}

static void put_fadt(struct layout *l, uint64_t facs, uint64_t dsdt)
{
	struct fadt f = {
		.facs = (uint32_t)facs,
		.dsdt = (uint32_t)dsdt,
		.x_dsdt = dsdt,
		.pm_profile = 4, /* enterprise server */
		.sci_int = GSI_SCI,
		.pm1a_evt = PM_BASE + PM_EVENT_OFFSET,
		.pm1a_cnt = PM_BASE + PM_CONTROL_OFFSET,
		.pm_tmr = PM_BASE + PM_TIMER_OFFSET,
		.pm1_evt_len = 4,
		.pm1_cnt_len = 2,
		.pm_tmr_len = 4,
		.p_lvl2_lat = 0xffff, /* no C2, C3 */
		.p_lvl3_lat = 0xffff,
		.century = 0x32,
		.iapc_boot_arch = BOOT_LEGACY | BOOT_NO_VGA,
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC |
			 FADT_TMR_VAL_EXT | FADT_RESET_REG,
		.reset_reg = port_register(RESET_PORT, 1),
		.reset_value = RESET_VALUE,
		.minor = 1,
		.x_pm1a_evt = port_register(PM_BASE + PM_EVENT_OFFSET, 4),
		.x_pm1a_cnt = port_register(PM_BASE + PM_CONTROL_OFFSET, 2),
		.x_pm_tmr = port_register(PM_BASE + PM_TIMER_OFFSET, 4),
	};

	f.x_pm1a_evt.access = 2; /* two registers of 16 bits */
	list_table(l, put_table(l, &f.header, "FACP", 5, sizeof(f)));
}

static size_t add(uint8_t *buffer, size_t at, const void *entry, size_t size)
{
	memcpy(buffer + at, entry, size);
	return at + size;
}

static size_t add_cpus(uint8_t *buffer, size_t at, unsigned vcpus)
{
	for (unsigned i = 0; i < vcpus; i++) {
		struct madt_lapic small = { 0, sizeof(small), (uint8_t)i, (uint8_t)i, 1 };
		struct madt_x2apic large = { 9, sizeof(large), 0, i, 1, i };

		/* Ids from 255 up exist only in x2APIC form. */
		at = i < 255 ? add(buffer, at, &small, sizeof(small))
			     : add(buffer, at, &large, sizeof(large));
	}
	return at;
}

static void put_madt(struct layout *l, unsigned vcpus)
{
	static const struct madt_ioapic ioapic = { 1, sizeof(ioapic), 0, 0, IOAPIC_ADDRESS, 0 };
	/* As on a PC, the timer of ISA is on pin 2 of the IO-APIC. */
	static const struct madt_override pit = { 2, sizeof(pit), 0, GSI_PIT, 2, 0 };
	/* The SCI is level triggered, active high. */
	static const struct madt_override sci = { 2, sizeof(sci), 0, GSI_SCI, GSI_SCI, 0x000d };
	static const struct madt_nmi nmi = { 4, sizeof(nmi), 0xff, 0, 1 };
	uint8_t buffer[sizeof(struct madt) + VM_MAX_VCPUS * sizeof(struct madt_x2apic) + 64];
	struct madt *m = (struct madt *)buffer;
	size_t size = sizeof(*m);

	memset(buffer, 0, sizeof(buffer));
	m->lapic = LAPIC_ADDRESS;
	m->flags = 1; /* there are PICs */
	size = add_cpus(buffer, size, vcpus);
	size = add(buffer, size, &ioapic, sizeof(ioapic));
	size = add(buffer, size, &pit, sizeof(pit));
	size = add(buffer, size, &sci, sizeof(sci));
	size = add(buffer, size, &nmi, sizeof(nmi));
	list_table(l, put_table(l, &m->header, "APIC", 3, size));
}

static void put_mcfg(struct layout *l)
{
	struct mcfg m = { .base = ECAM_BASE, .last_bus = 0 };

	list_table(l, put_table(l, &m.header, "MCFG", 1, sizeof(m)));
}

static uint64_t put_xsdt(struct layout *l)
{
	struct {
		struct header header;
		uint64_t tables[ARRAY_SIZE(l->tables)];
	} __attribute__((packed)) x = { 0 };

	memcpy(x.tables, l->tables, sizeof(x.tables));
	return put_table(l, &x.header, "XSDT", 1, sizeof(x.header) + 8 * l->nr_tables);
}

static void put_rsdp(const struct guest_ram *ram, uint64_t xsdt)
{
	struct rsdp r = { .revision = 2, .length = sizeof(r), .xsdt = xsdt };

	memcpy(r.signature, "RSD PTR ", 8);
	memcpy(r.oem_id, "STRATA", 6);
	r.checksum = checksum(&r, 20);
	r.extended_checksum = checksum(&r, sizeof(r));
	memcpy(ram_ptr(ram, ACPI_BASE, sizeof(r)), &r, sizeof(r));
}

uint64_t acpi_build(const struct machine *m)
{
	struct layout l = { .ram = &m->ram, .next = ACPI_BASE + sizeof(struct rsdp) };
	struct facs facs = { .length = sizeof(facs), .version = 2 };
	uint64_t facs_at, xsdt;

	memcpy(facs.signature, "FACS", 4);
	facs_at = put(&l, &facs, sizeof(facs));
	put_fadt(&l, facs_at, put_dsdt(&l, m->config));
	put_madt(&l, m->config->vcpus);
	put_mcfg(&l);
	xsdt = put_xsdt(&l);
	if (l.full)
		return 0;
	put_rsdp(&m->ram, xsdt);
	return ACPI_BASE;
}
