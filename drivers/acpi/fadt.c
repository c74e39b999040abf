// SPDX-License-Identifier: GPL-2.0-or-later
// FADT (power control), MCFG and HPET. The FADT grew with each revision: it is copied over zeros,
// so that fields an old one lacks read as 0; extended registers win over the old ones.
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/string.h"

static struct acpi_gas pick_gas(const struct acpi_raw_gas *x, uint32_t old_port, uint8_t old_len)
{
	if (x->address != 0 && x->space <= ACPI_SPACE_PCI)
		return (struct acpi_gas){ .address = x->address,
					  .space = x->space,
					  .width = x->bit_width };
	if (old_port > 0xffff)
		old_port = 0;
	return (struct acpi_gas){ .address = old_port,
				  .space = ACPI_SPACE_IO,
				  .width = (uint8_t)(old_len * 8) };
}

static void fadt_registers(const struct acpi_fadt *f, struct acpi_power *p)
{
	p->pm1a_evt = pick_gas(&f->x_pm1a_evt_blk, f->pm1a_evt_blk, f->pm1_evt_len);
	p->pm1b_evt = pick_gas(&f->x_pm1b_evt_blk, f->pm1b_evt_blk, f->pm1_evt_len);
	p->pm1a_cnt = pick_gas(&f->x_pm1a_cnt_blk, f->pm1a_cnt_blk, f->pm1_cnt_len);
	p->pm1b_cnt = pick_gas(&f->x_pm1b_cnt_blk, f->pm1b_cnt_blk, f->pm1_cnt_len);
	p->pm_timer = pick_gas(&f->x_pm_tmr_blk, f->pm_tmr_blk, f->pm_tmr_len);
	p->sleep_control = pick_gas(&f->sleep_control, 0, 0);
	p->reset_reg = pick_gas(&f->reset_reg, 0, 0);
}

void acpi_parse_fadt(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info, phys_t *dsdt)
{
	struct acpi_fadt f = { 0 };
	if (len < ACPI_FADT_V1_SIZE) {
		acc->warn("ACPI: the FADT is too short: left out");
		return;
	}
	memcpy(&f, table, MIN((size_t)len, sizeof(f)));
	struct acpi_power *p = &info->power;
	p->present = true;
	p->hw_reduced = f.flags & ACPI_FADT_HW_REDUCED;
	p->sci_irq = f.sci_int;
	p->smi_cmd = f.smi_cmd <= 0xffff ? (uint16_t)f.smi_cmd : 0;
	p->acpi_enable = f.acpi_enable;
	p->reset_value = f.reset_value;
	p->pm_timer_32bit = f.flags & ACPI_FADT_TMR_VAL_EXT;
	/* Before revision 2 the boot flags were reserved; such machines have the controller. */
	p->has_8042 = f.header.revision < 2 || (f.iapc_boot_arch & ACPI_FADT_BOOT_8042);
	fadt_registers(&f, p);
	p->has_reset = (f.flags & ACPI_FADT_RESET_REG) && p->reset_reg.address != 0;
	*dsdt = f.x_dsdt ? f.x_dsdt : f.dsdt;
}

void acpi_parse_mcfg(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info)
{
	if (len < sizeof(struct acpi_raw_mcfg)) {
		acc->warn("ACPI: the MCFG is too short: left out");
		return;
	}
	const struct acpi_raw_mcfg_entry *e =
		(const void *)((const char *)table + sizeof(struct acpi_raw_mcfg));
	size_t nr = (len - sizeof(struct acpi_raw_mcfg)) / sizeof(*e);
	for (size_t i = 0; i < nr && info->nr_mcfg < ACPI_MCFG_MAX; i++) {
		if (e[i].bus_first > e[i].bus_last || e[i].base == 0 || (e[i].base & 0xfffff)) {
			acc->warn("ACPI: the MCFG has an entry that makes no sense");
			continue;
		}
		info->mcfg[info->nr_mcfg++] = (struct acpi_mcfg){ .base = e[i].base,
								  .segment = e[i].segment,
								  .bus_first = e[i].bus_first,
								  .bus_last = e[i].bus_last };
	}
}

void acpi_parse_hpet(const struct acpi_access *acc, const void *table, uint32_t len,
		     struct acpi_info *info)
{
	const struct acpi_hpet *h = table;
	if (len < sizeof(*h) || h->address.space != ACPI_SPACE_MEMORY) {
		acc->warn("ACPI: the HPET table is too short or not of memory: left out");
		return;
	}
	info->hpet_base = h->address.address;
}
