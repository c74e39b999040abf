// SPDX-License-Identifier: GPL-2.0-or-later
// Register accesses of "Sleep Control" and "Reset Register". A machine that starts in legacy mode
// is switched to ACPI mode first, else its PM1 registers do nothing. Each way to reset gets some
// time to work before the next one is tried.
#include "drivers/acpi/power.h"

#include "cpu/port.h"
#include "lib/errno.h"
#include "mem/page.h"

#define PM1_SCI_EN       0x0001
#define PM1_SLP_TYP(typ) ((uint16_t)((typ) << 10))
#define PM1_SLP_TYP_MASK 0x1c00
#define PM1_SLP_EN       0x2000
#define SLEEP_EN         0x20
#define SLEEP_TYP(typ)   ((uint8_t)((typ) << 2))
#define PCI_ADDRESS      0xcf8
#define PCI_DATA         0xcfc
#define PCI_ENABLE       0x80000000u
#define RESET_CONTROL    0xcf9 /* chipsets of PCs: "Reset Control Register" */
#define KBC_COMMAND      0x64
#define KBC_BUSY         0x02
#define KBC_PULSE_RESET  0xfe
#define DELAY_PORT       0x80 /* a write takes about 1 us on a PC */
#define SECOND           1000000u

static struct acpi_power power;
static volatile void *sleep_control_mmio, *reset_mmio, *pm1a_mmio, *pm1b_mmio;

static void delay_us(unsigned int us)
{
	for (unsigned int i = 0; i < us; i++)
		port_out8(DELAY_PORT, 0);
}

static volatile void *map_register(const struct acpi_gas *gas)
{
	if (gas->address == 0 || gas->space != ACPI_SPACE_MEMORY)
		return NULL;
	return mmio_map(gas->address, 4);
}

void acpi_power_init(const struct acpi_power *p)
{
	power = *p;
	sleep_control_mmio = map_register(&power.sleep_control);
	reset_mmio = map_register(&power.reset_reg);
	pm1a_mmio = map_register(&power.pm1a_cnt);
	pm1b_mmio = map_register(&power.pm1b_cnt);
}

static uint16_t pm1_read(const struct acpi_gas *gas, volatile void *mmio)
{
	if (mmio)
		return *(volatile uint16_t *)mmio;
	return port_in16((uint16_t)gas->address);
}

static void pm1_write(const struct acpi_gas *gas, volatile void *mmio, uint16_t v)
{
	if (mmio)
		*(volatile uint16_t *)mmio = v;
	else
		port_out16((uint16_t)gas->address, v);
}

static bool reachable(const struct acpi_gas *gas, volatile void *mmio)
{
	return gas->address != 0 && (mmio || gas->space == ACPI_SPACE_IO);
}

/* "Legacy Mode to ACPI Mode": the firmware sets SCI_EN when it has let go. */
static void enter_acpi_mode(void)
{
	if (power.smi_cmd == 0 || power.acpi_enable == 0)
		return;
	if (pm1_read(&power.pm1a_cnt, pm1a_mmio) & PM1_SCI_EN)
		return;
	port_out8(power.smi_cmd, power.acpi_enable);
	for (unsigned int ms = 0; ms < 3000; ms++) {
		if (pm1_read(&power.pm1a_cnt, pm1a_mmio) & PM1_SCI_EN)
			return;
		delay_us(1000);
	}
}

static void pm1_sleep(const struct acpi_gas *gas, volatile void *mmio, uint8_t type,
		      uint16_t enable)
{
	uint16_t v = pm1_read(gas, mmio) & (uint16_t) ~(PM1_SLP_TYP_MASK | PM1_SLP_EN);
	pm1_write(gas, mmio, (uint16_t)(v | PM1_SLP_TYP(type) | enable));
}

static int poweroff_reduced(void)
{
	uint8_t v = (uint8_t)(SLEEP_TYP(power.s5_a) | SLEEP_EN);
	if (sleep_control_mmio)
		*(volatile uint8_t *)sleep_control_mmio = v;
	else if (reachable(&power.sleep_control, NULL))
		port_out8((uint16_t)power.sleep_control.address, v);
	else
		return -ENODEV;
	delay_us(SECOND);
	return -EIO;
}

int acpi_poweroff(void)
{
	if (!power.present || !power.has_s5)
		return -ENODEV;
	if (power.hw_reduced)
		return poweroff_reduced();
	if (!reachable(&power.pm1a_cnt, pm1a_mmio))
		return -ENODEV;
	enter_acpi_mode();
	/* The types in both registers first, then the enable bits, PM1a before PM1b. */
	bool both = reachable(&power.pm1b_cnt, pm1b_mmio);
	pm1_sleep(&power.pm1a_cnt, pm1a_mmio, power.s5_a, 0);
	if (both)
		pm1_sleep(&power.pm1b_cnt, pm1b_mmio, power.s5_b, 0);
	pm1_sleep(&power.pm1a_cnt, pm1a_mmio, power.s5_a, PM1_SLP_EN);
	if (both)
		pm1_sleep(&power.pm1b_cnt, pm1b_mmio, power.s5_b, PM1_SLP_EN);
	delay_us(SECOND);
	return -EIO;
}

/* "Reset Register": in PCI configuration space it is on bus 0, device and function in the address.
 */
static void reset_by_fadt(void)
{
	if (!power.has_reset)
		return;
	if (reset_mmio) {
		*(volatile uint8_t *)reset_mmio = power.reset_value;
	} else if (power.reset_reg.space == ACPI_SPACE_IO) {
		port_out8((uint16_t)power.reset_reg.address, power.reset_value);
	} else if (power.reset_reg.space == ACPI_SPACE_PCI) {
		uint32_t device = (uint32_t)(power.reset_reg.address >> 32) & 31;
		uint32_t function = (uint32_t)(power.reset_reg.address >> 16) & 7;
		uint32_t offset = (uint32_t)power.reset_reg.address & 0xff;
		port_out32(PCI_ADDRESS,
			   PCI_ENABLE | device << 11 | function << 8 | (offset & 0xfc));
		port_out8((uint16_t)(PCI_DATA + (offset & 3)), power.reset_value);
	}
	delay_us(SECOND / 10);
}

static void reset_by_chipset(void)
{
	uint8_t v = port_in8(RESET_CONTROL) & (uint8_t)~0x0e;
	port_out8(RESET_CONTROL, v | 0x02); /* system reset, not yet */
	delay_us(50);
	port_out8(RESET_CONTROL, v | 0x06); /* now */
	delay_us(SECOND / 10);
}

static void reset_by_keyboard_controller(void)
{
	if (power.present && !power.has_8042)
		return;
	for (unsigned int i = 0; i < 10000 && (port_in8(KBC_COMMAND) & KBC_BUSY); i++)
		delay_us(1);
	port_out8(KBC_COMMAND, KBC_PULSE_RESET);
	delay_us(SECOND / 10);
}

void acpi_reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __packed no_idt = { 0, 0 };
	reset_by_fadt();
	reset_by_chipset();
	reset_by_keyboard_controller();
	for (;;)
		__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}
