// SPDX-License-Identifier: GPL-2.0-or-later
// Runs before mem: the tables are read through the early direct map and copied out, so that their
// memory is not needed afterwards.
#include "boot/console_place.h"
#include "boot/early_map.h"
#include "boot/init.h"
#include "boot/numa.h"
#include "cpu/log.h"

struct acpi_info boot_acpi;

static void warn(const char *line)
{
	log_warn("%s", line);
}

static const struct acpi_access access = { early_map, warn };

static void log_summary(void)
{
	unsigned int enabled = 0;
	for (unsigned int i = 0; i < boot_acpi.nr_cpus; i++)
		enabled += boot_acpi.cpus[i].enabled;
	log_info("ACPI: %u CPUs, %u IO-APICs, %u nodes%s%s%s", enabled, boot_acpi.nr_ioapics,
		 numa_nr_nodes(), boot_acpi.nr_mcfg > 0 ? ", MCFG" : "",
		 boot_acpi.hpet_base ? ", HPET" : "", boot_acpi.power.has_s5 ? ", S5" : "");
}

static void log_console(const struct boot_info *info)
{
	const struct acpi_spcr *spcr = &boot_acpi.spcr;
	const char *name = console_port_name(spcr->port);
	const struct console_arg place = { .memory = spcr->memory,
					   .stride = spcr->stride,
					   .width = spcr->width };
	const char *refusal = console_refusal(&place, info, early_map_reach());

	if (info->console_named)
		return;
	if (spcr->port != 0)
		log_info("console: %s at port %#x, by ACPI's SPCR", name ? name : "serial port",
			 spcr->port);
	if (refusal != NULL)
		log_warn("ACPI: the SPCR has a serial port at address %#llx: %s: not used",
			 (unsigned long long)spcr->memory, refusal);
	else if (spcr->memory != 0)
		log_info("console: serial port at address %#llx, registers of %u bytes %u apart, "
			 "by ACPI's SPCR",
			 (unsigned long long)spcr->memory, spcr->width, spcr->stride);
}

void boot_init_acpi(const struct boot_info *info)
{
	phys_t rsdp = acpi_find_rsdp(&access, info->rsdp, info->efi_systab);
	const char *error = "ACPI: there is no root pointer";
	if (rsdp != 0)
		error = acpi_parse(&access, rsdp, &boot_acpi);
	if (error)
		log_warn("%s: only the boot CPU runs", error);
	numa_number(&boot_acpi);
	log_summary();
	log_console(info);
}

uint32_t boot_node(uint32_t domain)
{
	return numa_node(domain);
}
