// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/machine.c mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/console.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/fake/fake_vm.c mgmt/vmm/fake/fake_time.c mgmt/vmm/fake/fake_chan.c
// TEST-WITH: mgmt/vmm/dev/uart.c mgmt/vmm/dev/rtc.c mgmt/vmm/dev/pit.c mgmt/vmm/dev/pci.c
// TEST-WITH: mgmt/vmm/dev/pm.c mgmt/vmm/dev/fw_cfg.c mgmt/vmm/dev/simple.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/dev/virtio_blk.c mgmt/vmm/dev/virtio_pci.c mgmt/vmm/dev/virtio.c
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/dev/msix.c mgmt/vmm/dev/disk.c
// TEST-WITH: mgmt/vmm/dev/pci_function.c
// A guest that reads and writes the devices at random while time goes on: they answer, ask for the
// end of the machine in a known way, or do nothing; none reaches outside of its own memory.

#include <stdlib.h>
#include <string.h>

#include "lib/types.h"
#include "vmm/dev/disk.h"
#include "vmm/dev/fw_cfg.h"
#include "vmm/fake/fake_time.h"
#include "vmm/fake/fake_vm.h"

#define RAM_SIZE (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
	uint8_t what, place, value[8];
};

/* The ports that are somebody's, and some beside them. */
static const uint16_t ports[] = {
	0x40,  0x41,  0x42,  0x43,  0x60,  0x61,  0x64,  0x70,  0x71,  0x80,  0x92,  0xf4,   0xf6,
	0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x505, 0x510, 0x511, 0x514,  0x518,
	0x600, 0x602, 0x604, 0x608, 0x60b, 0xcf8, 0xcf9, 0xcfa, 0xcfc, 0xcfd, 0xcff, 0xffff, 0xc100,
};

static struct vm_config config = {
	.vcpus = 2, .memory = RAM_SIZE, .debug_exit = true, .debug_exit_port = 0xf4
};
static struct events events;
static struct console consoles[VM_CONFIG_CONSOLES_MAX];
static struct disk disks[VM_CONFIG_DISKS_MAX];
static struct machine machine;

static void one_step(const struct step *s)
{
	unsigned size = 1u << (s->what & 3);
	enum bus_space space = s->what & 4 ? BUS_MEMORY : BUS_PORT;
	uint64_t at = ports[s->place % ARRAY_SIZE(ports)], value;

	memcpy(&value, s->value, sizeof(value));
	if (space == BUS_MEMORY)
		at = s->place & 1 ? ECAM_BASE + value % ECAM_SIZE
				  : PCI_MMIO_BASE + 0x100000 + s->place * 4 % 0x2000;
	if (s->what & 8)
		bus_write(&machine.bus, space, at, size, value);
	else
		bus_read(&machine.bus, space, at, size);
	if (s->what & 16)
		fake_time_advance(value % 1000000);
	if (s->what & 32)
		machine_power_button(&machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *memory = malloc(RAM_SIZE);
	struct step s;

	fake_vm_reset();
	config.consoles[0] = (struct vm_config_console){ true, 65536 };
	if (!memory || console_init(&consoles[0], &events, 65536))
		abort();
	memset(memory, 0x11, RAM_SIZE);
	machine_init(&machine, &config, &events, consoles);
	if (disk_open(&disks[0], NULL, 1 << 20, false))
		abort();
	config.nr_disks = 1;
	machine.disks = disks;
	ram_init(&machine.ram, memory, RAM_SIZE);
	if (machine_create_devices(&machine) || fw_cfg_add_file(machine.fw_cfg, "opt/f", "abc", 3))
		abort();
	for (size_t at = 0; at + sizeof(s) <= size; at += sizeof(s)) {
		memcpy(&s, data + at, sizeof(s));
		one_step(&s);
	}
	if (machine.end != MACHINE_RUNS && !machine.reason[0])
		abort();
	machine_destroy(&machine);
	disk_close(&disks[0]);
	console_destroy(&consoles[0]);
	free(memory);
	return 0;
}
