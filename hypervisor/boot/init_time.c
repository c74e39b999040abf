// SPDX-License-Identifier: GPL-2.0-or-later
// The counters that the ACPI tables name, best first. HPET: "IA-PC HPET Specification", "Memory Map
// and Register Set Definition". PM timer: ACPI, "Power Management Timer".
#include "boot/init.h"
#include "cpu/log.h"
#include "cpu/port.h"
#include "cpu/time.h"
#include "cpu/time_ref.h"
#include "mem/page.h"

#define HPET_PERIOD  0x04 /* femtoseconds a tick */
#define HPET_CONFIG  0x10
#define HPET_ENABLE  1u
#define HPET_COUNTER 0xf0
#define HPET_SIZE    0x400
#define PERIOD_MAX   100000000u /* 100 ns: the slowest that the specification allows */
#define PERIOD_MIN   1000000u   /* 1 GHz: nothing real is faster */
#define FEMTO        1000000000000000ull
#define PM_TIMER_HZ  3579545
#define PIT_HZ       1193182
#define PM_MASK_24   0xffffffu
#define COUNTER_MASK 0xffffffffu

static volatile uint8_t *hpet;
static uint16_t pm_port;

static uint32_t hpet_reg(unsigned reg)
{
	return *(volatile uint32_t *)(hpet + reg);
}

static uint64_t hpet_read(void)
{
	return hpet_reg(HPET_COUNTER);
}

static uint64_t pm_read(void)
{
	return port_in32(pm_port);
}

static bool find_hpet(struct time_ref *ref)
{
	if (!boot_acpi.hpet_base)
		return false;
	hpet = mmio_map(boot_acpi.hpet_base, HPET_SIZE);
	if (!hpet)
		return false;
	uint32_t period = hpet_reg(HPET_PERIOD);
	if (period < PERIOD_MIN || period > PERIOD_MAX) {
		log_warn("HPET: a period of %u fs is no period: not used", period);
		return false;
	}
	*(volatile uint32_t *)(hpet + HPET_CONFIG) = hpet_reg(HPET_CONFIG) | HPET_ENABLE;
	*ref = (struct time_ref){ .name = "HPET",
				  .hz = FEMTO / period,
				  .mask = COUNTER_MASK,
				  .read = hpet_read,
				  .measure = time_ref_counter };
	return true;
}

static bool find_pm_timer(struct time_ref *ref)
{
	const struct acpi_gas *gas = &boot_acpi.power.pm_timer;

	if (!gas->address || gas->space != ACPI_SPACE_IO || gas->address > UINT16_MAX - 3)
		return false;
	pm_port = (uint16_t)gas->address;
	*ref = (struct time_ref){ .name = "PM timer",
				  .hz = PM_TIMER_HZ,
				  .mask = boot_acpi.power.pm_timer_32bit ? COUNTER_MASK
									 : PM_MASK_24,
				  .read = pm_read,
				  .measure = time_ref_counter };
	return true;
}

void boot_init_time(void)
{
	struct time_ref refs[3];
	unsigned n = 0;

	n += find_hpet(&refs[n]);
	n += find_pm_timer(&refs[n]);
	refs[n++] = (struct time_ref){ .name = "PIT", .hz = PIT_HZ, .measure = time_ref_pit };
	time_init(refs, n);
}
