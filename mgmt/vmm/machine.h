/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of a VM, from start or reset to stop or reset: its memory, its bus and its devices.
 *
 * Contract: devices are created from the table in machine.c before any vCPU runs, and destroyed
 * after all have ended. A device's functions run with its own lock held, in vCPU threads (bus
 * accesses) and in the event thread (timers, input). A device's lock may be held while calling
 * machine_irq, machine_stop, machine_reset, timers and consoles; never another device's.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/bus.h"
#include "mgmt/lib/vm_config.h"
#include "vmm/console.h"
#include "vmm/events.h"
#include "vmm/ram.h"

#define MACHINE_REASON_MAX 96

/* Interrupt lines, as the kernel numbers them (virt/irqchip.h): 0..15 those of ISA, of which the
 * PIT's is on IO-APIC pin 2; the others are IO-APIC pins. */
#define GSI_PIT      0
#define GSI_RTC      8
#define GSI_SCI      9
#define GSI_PCI_BASE 16
#define GSI_PCI_PINS 8

/* Where devices are; ACPI tables say the same. */
#define ECAM_BASE     0xe0000000ull
#define ECAM_SIZE     0x100000ull /* bus 0 */
#define PCI_MMIO_BASE RAM_LOW_MAX
#define PCI_MMIO_END  ECAM_BASE
#define PM_BASE       0x600
#define PVPANIC_PORT  0x505
#define FW_CFG_PORT   0x510
#define RESET_PORT    0xcf9
#define RESET_VALUE   0x06
#define SLP_TYP_S5    5

struct machine;
struct device;
struct disk;

struct device_class {
	const char *name;
	size_t size;                                             /* of the device's struct */
	unsigned (*instances)(const struct vm_config *config);   /* NULL: one */
	int (*create)(struct device *device, unsigned instance); /* 0 or a negative errno */
	void (*destroy)(struct device *device);                  /* NULL: nothing to do */
};

/* First member of every device's struct. Locks: [I] immutable */
struct device {
	const struct device_class *class; /* [I] */
	struct machine *machine;          /* [I] */
	struct device *next;              /* [I] */
	struct mutex lock;
};

enum machine_end {
	MACHINE_RUNS,
	MACHINE_STOP,
	MACHINE_FAIL,
	MACHINE_RESET
};

/* Locks: [I] immutable once vCPUs run  [e] end_lock */
struct machine {
	const struct vm_config *config; /* [I] */
	struct events *events;          /* [I] */
	struct console *consoles;       /* [I] VM_CONFIG_CONSOLES_MAX; ring NULL: not present */
	struct guest_ram ram;           /* [I] */
	struct bus bus;                 /* [I] */
	struct device *devices;         /* [I] */
	int vm_fd;                      /* [I] */
	struct fw_cfg *fw_cfg;          /* [I] for loaders that offer files */
	struct device *power_button;    /* [I] */
	struct device *pci;             /* [I] the host bridge: pci.h */
	struct disk *disks;             /* [I] VM_CONFIG_DISKS_MAX: disk.h */

	pthread_mutex_t end_lock;
	pthread_cond_t changed;           /* of `end`, `paused` and `parked` */
	bool paused;                      /* [e] vCPU threads are to wait */
	unsigned parked;                  /* [e] how many of them do */
	enum machine_end end;             /* [e] the first request wins */
	int exit_code;                    /* [e] */
	char reason[MACHINE_REASON_MAX];  /* [e] */
	void (*on_end)(struct machine *); /* [I] called once, after `end` is set; any thread */
};

/*
 * Prepare an empty machine; config, events and consoles stay the caller's. Then machine_create
 * makes its devices: 0, or a negative errno with a sentence in reason. machine_destroy undoes both.
 */
void machine_init(struct machine *m, const struct vm_config *config, struct events *events,
		  struct console *consoles);
int machine_create_devices(struct machine *m);
void machine_destroy(struct machine *m);

/* Drive an interrupt input. */
void machine_irq(struct machine *m, unsigned gsi, bool level);

/* Ask for the end of this run; takes effect when the vCPUs have left the guest. */
void machine_stop(struct machine *m, enum machine_end how, int exit_code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
enum machine_end machine_ended(struct machine *m);

/*
 * For a vCPU's thread that has left the guest: waits while the machine is paused. False: the
 * machine has ended, and with it the thread's work.
 */
bool machine_hold(struct machine *m);

/* For a device's create: claim a range of ports or addresses for `device`. */
int device_claim(struct device *device, enum bus_space space, uint64_t start, uint64_t size,
		 const struct bus_ops *ops);

/* Press the ACPI power button. False: the guest does not listen to it. */
bool machine_power_button(struct machine *m);

extern const struct device_class uart_class, rtc_class, pit_class, i8042_class, pci_class, pm_class,
	fw_cfg_class, pvpanic_class, debug_exit_class, port80_class, virtio_blk_class;
