// SPDX-License-Identifier: GPL-2.0-or-later
// MADT and SRAT: CPUs, interrupt controllers, and which node CPUs and memory belong to. A row per
// structure type gives its least length and its handler; unknown types are skipped.
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/string.h"

struct sub_handler {
	uint8_t min_length;
	void (*parse)(const struct acpi_sub *sub, struct acpi_info *info);
};

static void walk(const struct acpi_access *acc, const void *table, uint32_t len, uint32_t at,
		 const struct sub_handler *handlers, unsigned int nr, struct acpi_info *info,
		 const char *warning)
{
	const struct acpi_sub *sub;
	bool bad = false;
	while ((sub = acpi_next_sub(table, len, &at)) != NULL) {
		if (sub->type >= nr || !handlers[sub->type].parse)
			continue;
		if (sub->length >= handlers[sub->type].min_length)
			handlers[sub->type].parse(sub, info);
		else
			bad = true;
	}
	if (bad || at != len)
		acc->warn(warning);
}

static struct acpi_cpu *find_cpu(struct acpi_info *info, uint32_t apic_id)
{
	for (unsigned int i = 0; i < info->nr_cpus; i++)
		if (info->cpus[i].apic_id == apic_id)
			return &info->cpus[i];
	return NULL;
}

/* Firmware lists a CPU twice at times (as LAPIC and as x2APIC): the first one stays. */
static void add_cpu(struct acpi_info *info, uint32_t apic_id, uint32_t uid, uint32_t flags)
{
	bool enabled = flags & ACPI_MADT_ENABLED;
	struct acpi_cpu *known = find_cpu(info, apic_id);
	if (known) {
		known->enabled |= enabled;
		return;
	}
	if (info->nr_cpus == ACPI_CPU_MAX) {
		info->nr_cpus_ignored += enabled;
		return;
	}
	info->cpus[info->nr_cpus++] =
		(struct acpi_cpu){ .apic_id = apic_id, .uid = uid, .enabled = enabled };
}

static void madt_lapic(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_lapic *e = (const void *)sub;
	if (e->apic_id != 0xff)
		add_cpu(info, e->apic_id, e->uid, e->flags);
}

static void madt_x2apic(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_x2apic *e = (const void *)sub;
	if (e->apic_id != 0xffffffff)
		add_cpu(info, e->apic_id, e->uid, e->flags);
}

static void madt_ioapic(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_ioapic *e = (const void *)sub;
	if (info->nr_ioapics < ACPI_IOAPIC_MAX)
		info->ioapics[info->nr_ioapics++] = (struct acpi_ioapic){ .base = e->address,
									  .gsi_base = e->gsi_base,
									  .id = e->id };
}

static void madt_override(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_override *e = (const void *)sub;
	if (e->bus == 0 && e->source < 16 && info->nr_overrides < ACPI_OVERRIDE_MAX)
		info->overrides[info->nr_overrides++] = (struct acpi_override){
			.gsi = e->gsi, .flags = e->flags, .isa_irq = e->source
		};
}

static void add_nmi(struct acpi_info *info, uint32_t uid, uint16_t flags, uint8_t lint)
{
	if (lint < 2 && info->nr_nmis < ACPI_NMI_MAX)
		info->nmis[info->nr_nmis++] =
			(struct acpi_nmi){ .uid = uid, .flags = flags, .lint = lint };
}

static void madt_lapic_nmi(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_lapic_nmi *e = (const void *)sub;
	add_nmi(info, e->uid == 0xff ? ACPI_UID_ALL : e->uid, e->flags, e->lint);
}

static void madt_x2apic_nmi(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_x2apic_nmi *e = (const void *)sub;
	add_nmi(info, e->uid, e->flags, e->lint);
}

static void madt_lapic_address(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_madt_lapic_address *e = (const void *)sub;
	info->lapic_base = e->address;
}

static const struct sub_handler madt_handlers[] = {
	[ACPI_MADT_LAPIC] = { sizeof(struct acpi_madt_lapic), madt_lapic },
	[ACPI_MADT_IOAPIC] = { sizeof(struct acpi_madt_ioapic), madt_ioapic },
	[ACPI_MADT_OVERRIDE] = { sizeof(struct acpi_madt_override), madt_override },
	[ACPI_MADT_LAPIC_NMI] = { sizeof(struct acpi_madt_lapic_nmi), madt_lapic_nmi },
	[ACPI_MADT_LAPIC_ADDRESS] = { sizeof(struct acpi_madt_lapic_address), madt_lapic_address },
	[ACPI_MADT_X2APIC] = { sizeof(struct acpi_madt_x2apic), madt_x2apic },
	[ACPI_MADT_X2APIC_NMI] = { sizeof(struct acpi_madt_x2apic_nmi), madt_x2apic_nmi },
};

void acpi_parse_madt(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info)
{
	const struct acpi_madt *madt = table;
	if (len < sizeof(*madt)) {
		acc->warn("ACPI: the MADT is too short: left out");
		return;
	}
	info->has_madt = true;
	info->has_pics = madt->flags & ACPI_MADT_PCAT_COMPAT;
	info->lapic_base = madt->lapic_address;
	walk(acc, table, len, sizeof(*madt), madt_handlers, ARRAY_SIZE(madt_handlers), info,
	     "ACPI: the MADT has an entry of a wrong length");
}

static void srat_lapic(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_srat_lapic *e = (const void *)sub;
	struct acpi_cpu *cpu = find_cpu(info, e->apic_id);
	if (cpu && (e->flags & ACPI_SRAT_ENABLED))
		cpu->domain = e->domain_low | (uint32_t)e->domain_high[0] << 8 |
			      (uint32_t)e->domain_high[1] << 16 | (uint32_t)e->domain_high[2] << 24;
}

static void srat_x2apic(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_srat_x2apic *e = (const void *)sub;
	struct acpi_cpu *cpu = find_cpu(info, e->apic_id);
	if (cpu && (e->flags & ACPI_SRAT_ENABLED))
		cpu->domain = e->domain;
}

static void srat_memory(const struct acpi_sub *sub, struct acpi_info *info)
{
	const struct acpi_srat_memory *e = (const void *)sub;
	if (!(e->flags & ACPI_SRAT_ENABLED) || e->size == 0 || e->size > UINT64_MAX - e->base)
		return;
	if (info->nr_memory < ACPI_MEMORY_MAX)
		info->memory[info->nr_memory++] = (struct acpi_memory){ .base = e->base,
									.size = e->size,
									.domain = e->domain };
}

static const struct sub_handler srat_handlers[] = {
	[ACPI_SRAT_LAPIC] = { sizeof(struct acpi_srat_lapic), srat_lapic },
	[ACPI_SRAT_MEMORY] = { sizeof(struct acpi_srat_memory), srat_memory },
	[ACPI_SRAT_X2APIC] = { sizeof(struct acpi_srat_x2apic), srat_x2apic },
};

void acpi_parse_srat(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info)
{
	if (len < sizeof(struct acpi_srat)) {
		acc->warn("ACPI: the SRAT is too short: left out");
		return;
	}
	info->has_srat = true;
	walk(acc, table, len, sizeof(struct acpi_srat), srat_handlers, ARRAY_SIZE(srat_handlers),
	     info, "ACPI: the SRAT has an entry of a wrong length");
}
