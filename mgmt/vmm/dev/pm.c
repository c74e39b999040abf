// SPDX-License-Identifier: GPL-2.0-or-later
// PM1 fixed events drive a level SCI: raised while an enabled status bit is set. The timer is the
// monotonic clock in units of 3.579545 MHz; its status bit follows the top bit of the 32-bit count.

#include "vmm/dev/pm.h"

#define TMR_STS        0x0001
#define PWRBTN_STS     0x0100
#define WAK_STS        0x8000
#define STS_WRITE1C    0x8731 /* the status bits that exist */
#define EN_MASK        0x0721
#define CNT_SCI_EN     0x0001
#define CNT_SLP_EN     0x2000
#define CNT_SLP_TYP(v) (((v) >> 10) & 7)

/* Locks: all by the device's lock */
struct pm {
	struct device device;
	struct timer overflow;
	uint64_t epoch;   /* ns: when the timer was 0 */
	uint64_t carried; /* toggles of bit 31 that TMR_STS has accounted for */
	uint16_t status, enable, control;
	bool line;
};

static uint64_t ticks(const struct pm *pm)
{
	return (uint64_t)((unsigned __int128)(events_now() - pm->epoch) * PM_TIMER_HZ /
			  1000000000u);
}

static void note_overflow(struct pm *pm)
{
	uint64_t toggles = ticks(pm) >> 31;

	if (toggles != pm->carried) {
		pm->carried = toggles;
		pm->status |= TMR_STS;
	}
}

static void update(struct pm *pm)
{
	bool level;

	note_overflow(pm);
	level = (pm->status & pm->enable & (TMR_STS | PWRBTN_STS)) != 0;
	if (level != pm->line) {
		pm->line = level;
		machine_irq(pm->device.machine, GSI_SCI, level);
	}
	if (pm->enable & TMR_STS) {
		uint64_t next = (pm->carried + 1) << 31;

		timer_set(&pm->overflow,
			  pm->epoch +
				  (uint64_t)((unsigned __int128)next * 1000000000u / PM_TIMER_HZ) +
				  1);
	} else {
		timer_stop(&pm->overflow);
	}
}

static void on_overflow(void *arg)
{
	update(arg);
}

bool pm_press_button(struct device *device)
{
	struct pm *pm = (struct pm *)device;
	bool heeded;

	mutex_lock(&device->lock);
	pm->status |= PWRBTN_STS;
	heeded = pm->enable & PWRBTN_STS;
	update(pm);
	mutex_unlock(&device->lock);
	return heeded;
}

static uint64_t pm_read(void *device, uint64_t offset, unsigned size)
{
	struct pm *pm = device;

	(void)size;
	switch (offset) {
	case 0: note_overflow(pm); return pm->status;
	case 2: return pm->enable;
	default: return pm->control;
	}
}

static void write_control(struct pm *pm, uint16_t value)
{
	pm->control = (value & ~CNT_SLP_EN) | CNT_SCI_EN;
	if (value & CNT_SLP_EN && CNT_SLP_TYP(value) == SLP_TYP_S5)
		machine_stop(pm->device.machine, MACHINE_STOP, 0, "powered off by the guest");
}

static void pm_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct pm *pm = device;

	(void)size;
	if (offset == 0)
		pm->status &= (uint16_t) ~(value & STS_WRITE1C);
	else if (offset == 2)
		pm->enable = value & EN_MASK;
	else if (offset == 4)
		write_control(pm, (uint16_t)value);
	update(pm);
}

static const struct bus_ops pm_ops = {
	.name = "pm1",
	.max_size = 2,
	.read = pm_read,
	.write = pm_write,
};

static uint64_t timer_read(void *device, uint64_t offset, unsigned size)
{
	(void)size;
	return (uint32_t)ticks(device) >> (8 * offset);
}

static void timer_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	(void)device, (void)offset, (void)size, (void)value;
}

static const struct bus_ops timer_ops = {
	.name = "pm-timer",
	.max_size = 4,
	.read = timer_read,
	.write = timer_write,
	.free_reads = true,
};

static int pm_create(struct device *device, unsigned instance)
{
	struct pm *pm = (struct pm *)device;
	int ret;

	(void)instance;
	pm->epoch = events_now();
	pm->control = CNT_SCI_EN;
	ret = device_claim(device, BUS_PORT, PM_BASE, 6, &pm_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, PM_BASE + PM_TIMER_OFFSET, 4, &timer_ops);
	if (ret)
		return ret;
	timer_init(&pm->overflow, device->machine->events, &device->lock, on_overflow, pm);
	device->machine->power_button = device;
	return 0;
}

static void pm_destroy(struct device *device)
{
	timer_remove(&((struct pm *)device)->overflow);
}

const struct device_class pm_class = {
	.name = "pm",
	.size = sizeof(struct pm),
	.create = pm_create,
	.destroy = pm_destroy,
};
