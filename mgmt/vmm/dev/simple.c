// SPDX-License-Identifier: GPL-2.0-or-later
// Devices of a port or two: pvpanic, debug-exit, the POST port and what is left of the keyboard
// controller, whose one use is to reset the machine.

#include "vmm/machine.h"

/* ---- pvpanic: the guest says that it crashed ---- */

#define PVPANIC_PANICKED     0x01
#define PVPANIC_CRASH_LOADED 0x02

static uint64_t pvpanic_read(void *device, uint64_t offset, unsigned size)
{
	(void)device, (void)offset, (void)size;
	return PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
}

static void pvpanic_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct device *d = device;

	(void)offset, (void)size;
	/* With a crash kernel loaded the guest goes on. */
	if (value & PVPANIC_PANICKED)
		machine_stop(d->machine, MACHINE_FAIL, 0, "the guest panicked");
}

static const struct bus_ops pvpanic_ops = {
	.name = "pvpanic",
	.max_size = 1,
	.read = pvpanic_read,
	.write = pvpanic_write,
	.free_reads = true,
};

static int pvpanic_create(struct device *device, unsigned instance)
{
	(void)instance;
	return device_claim(device, BUS_PORT, PVPANIC_PORT, 1, &pvpanic_ops);
}

const struct device_class pvpanic_class = {
	.name = "pvpanic",
	.size = sizeof(struct device),
	.create = pvpanic_create,
};

/* ---- debug-exit: a write stops the VM with the value as exit code ---- */

static uint64_t zero_read(void *device, uint64_t offset, unsigned size)
{
	(void)device, (void)offset, (void)size;
	return 0;
}

static void debug_exit_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct device *d = device;

	(void)offset, (void)size;
	machine_stop(d->machine, MACHINE_STOP, (int)(uint32_t)value, "debug-exit");
}

static const struct bus_ops debug_exit_ops = {
	.name = "debug-exit",
	.max_size = 4,
	.read = zero_read,
	.write = debug_exit_write,
	.free_reads = true,
};

static unsigned debug_exit_instances(const struct vm_config *config)
{
	return config->debug_exit;
}

static int debug_exit_create(struct device *device, unsigned instance)
{
	(void)instance;
	return device_claim(device, BUS_PORT, device->machine->config->debug_exit_port, 4,
			    &debug_exit_ops);
}

const struct device_class debug_exit_class = {
	.name = "debug-exit",
	.size = sizeof(struct device),
	.instances = debug_exit_instances,
	.create = debug_exit_create,
};

/* ---- POST codes: kept for a debugger to see, read as all ones ---- */

struct port80 {
	struct device device;
	uint8_t last;
};

static uint64_t port80_read(void *device, uint64_t offset, unsigned size)
{
	(void)device, (void)offset, (void)size;
	return UINT64_MAX;
}

static void port80_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct port80 *p = device;

	(void)offset, (void)size;
	p->last = (uint8_t)value;
}

static const struct bus_ops port80_ops = {
	.name = "post",
	.max_size = 1,
	.read = port80_read,
	.write = port80_write,
	.free_reads = true,
};

static int port80_create(struct device *device, unsigned instance)
{
	(void)instance;
	return device_claim(device, BUS_PORT, 0x80, 1, &port80_ops);
}

const struct device_class port80_class = {
	.name = "post",
	.size = sizeof(struct port80),
	.create = port80_create,
};

/* ---- i8042: no keyboard, no mouse; self-test, output port and reset line ---- */

#define I8042_READ_CONFIG   0x20
#define I8042_WRITE_CONFIG  0x60
#define I8042_TEST_AUX      0xa9
#define I8042_SELF_TEST     0xaa
#define I8042_TEST_KEYBOARD 0xab
#define I8042_READ_OUTPUT   0xd0
#define I8042_WRITE_OUTPUT  0xd1
#define I8042_PULSE         0xf0 /* 0xf0..0xff: a zero bit pulses that output; bit 0 is reset */

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM      0x04
#define STATUS_COMMAND     0x08
#define STATUS_UNLOCKED    0x10
#define OUTPUT_NOT_RESET   0x01
#define OUTPUT_A20         0x02

/* Locks: all by the device's lock */
struct i8042 {
	struct device device;
	uint8_t status, config, data, command, output;
};

static void i8042_reply(struct i8042 *k, uint8_t value)
{
	k->data = value;
	k->status |= STATUS_OUTPUT_FULL;
}

static void reset_machine(struct device *device, const char *how)
{
	machine_stop(device->machine, MACHINE_RESET, 0, "reset by the guest (%s)", how);
}

static void i8042_command(struct i8042 *k, uint8_t command)
{
	k->status |= STATUS_COMMAND;
	k->command = command;
	switch (command) {
	case I8042_READ_CONFIG: i8042_reply(k, k->config); break;
	case I8042_SELF_TEST: i8042_reply(k, 0x55); break;
	case I8042_TEST_KEYBOARD:
	case I8042_TEST_AUX: i8042_reply(k, 0x01); break; /* clock line stuck: nobody there */
	case I8042_READ_OUTPUT: i8042_reply(k, k->output); break;
	default:
		if (command >= I8042_PULSE && !(command & OUTPUT_NOT_RESET))
			reset_machine(&k->device, "keyboard controller");
	}
}

static void i8042_data(struct i8042 *k, uint8_t value)
{
	k->status &= (uint8_t)~STATUS_COMMAND;
	if (k->command == I8042_WRITE_CONFIG)
		k->config = value;
	else if (k->command == I8042_WRITE_OUTPUT) {
		k->output = value;
		if (!(value & OUTPUT_NOT_RESET))
			reset_machine(&k->device, "keyboard controller");
	}
	k->command = 0;
}

static uint64_t data_read(void *device, uint64_t offset, unsigned size)
{
	struct i8042 *k = device;

	(void)offset, (void)size;
	k->status &= (uint8_t)~STATUS_OUTPUT_FULL;
	return k->data;
}

static void data_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	(void)offset, (void)size;
	i8042_data(device, (uint8_t)value);
}

static uint64_t status_read(void *device, uint64_t offset, unsigned size)
{
	struct i8042 *k = device;

	(void)offset, (void)size;
	return k->status;
}

static void command_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	(void)offset, (void)size;
	i8042_command(device, (uint8_t)value);
}

static const struct bus_ops data_ops = {
	.name = "i8042-data",
	.max_size = 1,
	.read = data_read,
	.write = data_write,
};
static const struct bus_ops command_ops = {
	.name = "i8042-command",
	.max_size = 1,
	.read = status_read,
	.write = command_write,
};

/* Port 0x92, system control: bit 0 resets, bit 1 is A20. */
static uint64_t fast_a20_read(void *device, uint64_t offset, unsigned size)
{
	struct i8042 *k = device;

	(void)offset, (void)size;
	return k->output & OUTPUT_A20;
}

static void fast_a20_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct i8042 *k = device;

	(void)offset, (void)size;
	k->output = (uint8_t)((k->output & ~OUTPUT_A20) | (value & OUTPUT_A20));
	if (value & 1)
		reset_machine(&k->device, "port 0x92");
}

static const struct bus_ops fast_a20_ops = {
	.name = "port92",
	.max_size = 1,
	.read = fast_a20_read,
	.write = fast_a20_write,
};

static int i8042_create(struct device *device, unsigned instance)
{
	struct i8042 *k = (struct i8042 *)device;
	int ret;

	(void)instance;
	k->status = STATUS_SYSTEM | STATUS_UNLOCKED;
	k->config = STATUS_SYSTEM;
	k->output = OUTPUT_NOT_RESET | OUTPUT_A20;
	ret = device_claim(device, BUS_PORT, 0x60, 1, &data_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, 0x64, 1, &command_ops);
	if (!ret)
		ret = device_claim(device, BUS_PORT, 0x92, 1, &fast_a20_ops);
	return ret;
}

const struct device_class i8042_class = {
	.name = "i8042",
	.size = sizeof(struct i8042),
	.create = i8042_create,
};
