// SPDX-License-Identifier: GPL-2.0-or-later
// The table of device classes, and the services that devices share. A new device is one row here
// and one file in dev/.

#include "vmm/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/types.h"
#include "mgmt/lib/strata.h"
#include "vmm/dev/pm.h"

static const struct device_class *const device_classes[] = {
	&uart_class,       &rtc_class,    &pit_class,        &i8042_class,
	&pci_class,        &pm_class,     &fw_cfg_class,     &pvpanic_class,
	&debug_exit_class, &port80_class, &virtio_blk_class,
};

void machine_init(struct machine *m, const struct vm_config *config, struct events *events,
		  struct console *consoles)
{
	memset(m, 0, sizeof(*m));
	m->config = config;
	m->events = events;
	m->consoles = consoles;
	m->vm_fd = -1;
	pthread_mutex_init(&m->end_lock, NULL);
	pthread_cond_init(&m->changed, NULL);
}

static int create_device(struct machine *m, const struct device_class *class, unsigned instance)
{
	struct device *d = calloc(1, class->size);
	int ret;

	if (!d)
		return -ENOMEM;
	d->class = class;
	d->machine = m;
	mutex_init(&d->lock);
	ret = class->create(d, instance);
	if (ret) {
		free(d);
		return ret;
	}
	d->next = m->devices;
	m->devices = d;
	return 0;
}

int machine_create_devices(struct machine *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_classes); i++) {
		const struct device_class *class = device_classes[i];
		unsigned count = class->instances ? class->instances(m->config) : 1;

		for (unsigned n = 0; n < count; n++) {
			int ret = create_device(m, class, n);

			if (!ret)
				continue;
			machine_stop(m, MACHINE_FAIL, 0, "device %s: %s", class->name,
				     strerror(-ret));
			return ret;
		}
	}
	return 0;
}

void machine_destroy(struct machine *m)
{
	while (m->devices) {
		struct device *d = m->devices;

		m->devices = d->next;
		if (d->class->destroy)
			d->class->destroy(d);
		free(d);
	}
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->end_lock);
}

void machine_irq(struct machine *m, unsigned gsi, bool level)
{
	int ret = strata_vm_irq_line(m->vm_fd, gsi, level);

	if (ret < 0)
		machine_stop(m, MACHINE_FAIL, 0, "interrupt line %u: %s", gsi, strerror(-ret));
}

void machine_stop(struct machine *m, enum machine_end how, int exit_code, const char *format, ...)
{
	bool first;
	va_list args;

	pthread_mutex_lock(&m->end_lock);
	first = m->end == MACHINE_RUNS;
	if (first) {
		m->end = how;
		m->exit_code = exit_code;
		va_start(args, format);
		vsnprintf(m->reason, sizeof(m->reason), format, args);
		va_end(args);
		pthread_cond_broadcast(&m->changed);
	}
	pthread_mutex_unlock(&m->end_lock);
	if (first && m->on_end)
		m->on_end(m);
}

enum machine_end machine_ended(struct machine *m)
{
	enum machine_end end;

	pthread_mutex_lock(&m->end_lock);
	end = m->end;
	pthread_mutex_unlock(&m->end_lock);
	return end;
}

bool machine_hold(struct machine *m)
{
	bool runs;

	pthread_mutex_lock(&m->end_lock);
	m->parked++;
	pthread_cond_broadcast(&m->changed);
	while (m->paused && m->end == MACHINE_RUNS)
		pthread_cond_wait(&m->changed, &m->end_lock);
	m->parked--;
	runs = m->end == MACHINE_RUNS;
	pthread_mutex_unlock(&m->end_lock);
	return runs;
}

int device_claim(struct device *device, enum bus_space space, uint64_t start, uint64_t size,
		 const struct bus_ops *ops)
{
	return bus_claim(&device->machine->bus, space, start, size, ops, device, &device->lock);
}

bool machine_power_button(struct machine *m)
{
	return m->power_button && pm_press_button(m->power_button);
}
