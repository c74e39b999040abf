/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ACPI tables say about the machine, copied out once at start: CPUs, interrupt
 * controllers, NUMA nodes, configuration space, power control. Boot fills one struct acpi_info
 * before it uses it; afterwards it is immutable and may be read by anyone.
 *
 * All tables are untrusted: lengths and checksums are verified, a bad table is reported and left
 * out. Tables are reached through a callback, so that the parsers run on the host as well.
 */
#pragma once

#include "lib/types.h"

#define ACPI_CPU_MAX      256
#define ACPI_IOAPIC_MAX   32
#define ACPI_OVERRIDE_MAX 16
#define ACPI_NMI_MAX      16
#define ACPI_MEMORY_MAX   256
#define ACPI_MCFG_MAX     32

struct acpi_access {
	/* `len` bytes of physical memory, valid while the tables are parsed; NULL: out of reach. */
	const void *(*map)(phys_t pa, uint64_t len);
	/* One line about a table that is left out, without a newline. */
	void (*warn)(const char *line);
};

/* MADT, "Processor Local APIC Structure" and "Processor Local x2APIC Structure". */
struct acpi_cpu {
	uint32_t apic_id;
	uint32_t uid;
	bool enabled;    /* else it may come later, or never */
	uint32_t domain; /* SRAT proximity domain; 0 without SRAT */
};

struct acpi_ioapic {
	phys_t base;
	uint32_t gsi_base;
	uint8_t id;
};

/* MPS INTI flags: polarity in bits 0-1, trigger mode in bits 2-3. */
#define ACPI_INTI_LOW(flags)   (((flags)&3) == 3)
#define ACPI_INTI_LEVEL(flags) ((((flags) >> 2) & 3) == 3)

struct acpi_override {
	uint32_t gsi;
	uint16_t flags; /* MPS INTI flags */
	uint8_t isa_irq;
};

/* A LINT pin that carries NMI, on one CPU or all. */
struct acpi_nmi {
	uint32_t uid; /* of the CPU; ACPI_UID_ALL */
	uint16_t flags;
	uint8_t lint;
};
#define ACPI_UID_ALL 0xffffffffu

struct acpi_memory {
	phys_t base;
	uint64_t size;
	uint32_t domain;
};

struct acpi_mcfg {
	phys_t base; /* of bus 0's configuration space, also when bus_first is not 0 */
	uint16_t segment;
	uint8_t bus_first, bus_last;
};

enum acpi_space {
	ACPI_SPACE_MEMORY = 0,
	ACPI_SPACE_IO = 1,
	ACPI_SPACE_PCI = 2
};

/* "Generic Address Structure"; address 0: the register does not exist. */
struct acpi_gas {
	uint64_t address;
	uint8_t space; /* enum acpi_space, or one we do not know */
	uint8_t width; /* bits */
};

struct acpi_power {
	bool present;    /* there was a FADT */
	bool hw_reduced; /* only the sleep registers exist, no PM1 */
	bool has_reset;  /* reset_reg may be used */
	bool has_8042;   /* a keyboard controller may be tried */
	uint16_t sci_irq;
	uint16_t smi_cmd;    /* port; 0: always in ACPI mode */
	uint8_t acpi_enable; /* value for smi_cmd */
	uint8_t reset_value;
	struct acpi_gas pm1a_cnt, pm1b_cnt, pm1a_evt, pm1b_evt, pm_timer;
	struct acpi_gas sleep_control, reset_reg;
	bool pm_timer_32bit;
	bool has_s5;
	uint8_t s5_a, s5_b; /* SLP_TYP values of \_S5 */
};

/* Firmware's console, a 16550. Its first register is at an I/O port or at a physical address; the
 * one that it is not is 0. Both 0: none that we can use. */
struct acpi_spcr {
	uint16_t port;
	phys_t memory;  /* all registers are within its page; what else is there is not known */
	uint8_t stride; /* of those in memory: bytes from one to the next (1, 2, 4) */
	uint8_t width;  /* and of an access to one (1, 2, 4) */
	uint32_t baud;  /* 0: as firmware has set it */
};

struct acpi_info {
	struct acpi_cpu cpus[ACPI_CPU_MAX];
	struct acpi_ioapic ioapics[ACPI_IOAPIC_MAX];
	struct acpi_override overrides[ACPI_OVERRIDE_MAX];
	struct acpi_nmi nmis[ACPI_NMI_MAX];
	struct acpi_memory memory[ACPI_MEMORY_MAX];
	struct acpi_mcfg mcfg[ACPI_MCFG_MAX];
	unsigned int nr_cpus, nr_ioapics, nr_overrides, nr_nmis, nr_memory, nr_mcfg;
	unsigned int nr_cpus_ignored; /* beyond ACPI_CPU_MAX */
	phys_t lapic_base;
	bool has_madt, has_srat, has_pics; /* has_pics: two 8259 must be masked */
	phys_t hpet_base;                  /* 0: none */
	struct acpi_power power;
	struct acpi_spcr spcr;
};

/*
 * Finds the root pointer: in the EFI configuration tables when efi_systab is not 0, else in the
 * EBDA and in 0xe0000-0xfffff. `given` (from boot_params, or 0) is taken when it is a good one.
 * 0: there is none.
 */
phys_t acpi_find_rsdp(const struct acpi_access *acc, phys_t given, phys_t efi_systab);

/*
 * Reads all tables that we know. *info is zeroed first. NULL: done (single tables may be missing);
 * else a static string: the root tables are of no use.
 */
const char *acpi_parse(const struct acpi_access *acc, phys_t rsdp, struct acpi_info *info);

/*
 * The SPCR alone, before anything else is known: only the root table and it are read whole.
 * spcr->port and spcr->memory are 0 when there is none.
 */
void acpi_find_spcr(const struct acpi_access *acc, phys_t rsdp, struct acpi_spcr *spcr);

/* The GSI of an ISA interrupt, with the overrides, and its MPS INTI flags (0: ISA's default). */
uint32_t acpi_isa_gsi(const struct acpi_info *info, uint8_t irq, uint16_t *flags);
